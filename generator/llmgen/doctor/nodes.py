"""GPU nodes: which match the plan's selectors and taints, and whether everything has room at its least and at its worst."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from llmgen.doctor.api import ApiError
from llmgen.doctor.exam import Exam
from llmgen.doctor.finding import About, Finding, Question
from llmgen.doctor.packing import Unplaced, pack
from llmgen.doctor.placement import Node, affinity, node
from llmgen.doctor.quantities import of_pod, total
from llmgen.doctor.release import Workload

_ACTIVE = "status.phase!=Succeeded,status.phase!=Failed"
_SHOWN = 5
"""Names in one line."""
_USUAL_PODS = 110.0
"""Pods per node that the kubelet allows by default."""
_TELLING = ("gpu", "accelerator", "instance-type")
"""Parts of the label keys by which people choose GPU nodes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Group:
    """Workloads that may run on the same nodes; ``pool`` None: pods without GPUs."""

    pool: str | None
    workloads: tuple[Workload, ...]

    @property
    def resource(self) -> str | None:
        """The GPU resource its pods ask for."""
        return next((name for name in of_pod(self.workloads[0].pod) if "/" in name), None)

    @property
    def where(self) -> str:
        """The place in the spec that decides where its pods run."""
        return f"cluster.pools.{self.pool}" if self.pool else "gateway"

    def fits(self, one: Node) -> bool:
        """Say whether its pods may run on a node."""
        has = self.resource is None or one.allocatable.get(self.resource, 0.0) > 0
        return has and one.takes(self.workloads[0].pod)

    def pods(self, *, most: bool) -> list[tuple[str, Mapping[str, float]]]:
        """Return (who, what it asks for) of every pod."""
        return [
            (item.name, {**of_pod(item.pod), "pods": 1.0})
            for item in self.workloads
            for _ in range(item.most if most else item.least)
        ]


def questions(exam: Exam) -> Iterator[Question]:
    """Ask per pool for nodes, and for room on them."""
    for group in _groups(exam):
        subject = f"pool {group.pool}" if group.pool else "pods without GPUs"
        yield About("nodes", subject).asked(_nodes, exam, group)
        yield About("room", subject).asked(_room, exam, group)


def _groups(exam: Exam) -> Iterator[_Group]:
    """Group workloads by pool and by what chooses their nodes: an overlay may have moved one of a pool."""
    found: dict[tuple[str | None, str], list[Workload]] = defaultdict(list)
    for workload in exam.release.workloads():
        planned = exam.plan.engines.get(workload.revision) if workload.revision else None
        selector = repr((sorted((workload.pod.get("nodeSelector") or {}).items()), affinity(workload.pod)))
        found[planned.pool if planned else None, selector].append(workload)
    for (pool, _), workloads in found.items():
        yield _Group(pool=pool, workloads=tuple(workloads))


def _nodes(about: About, exam: Exam, group: _Group) -> Iterator[Finding]:
    everything = _all(exam)
    pod = group.workloads[0].pod
    said = ", ".join(f"{key}={value}" for key, value in (pod.get("nodeSelector") or {}).items()) or "any label"
    said += " and the node affinity of its pods" if affinity(pod) is not None else ""
    labelled = [one for one in everything if one.chosen(pod)]
    if group.pool:
        for name, reason, fix in _unusable(labelled, group):
            yield About("nodes", name).warn(reason, why=f"it does not count for {about.subject}", fix=fix)
    usable = sorted(one.name for one in labelled if group.fits(one))
    autoscaler = _autoscaler(exam) if group.pool else ""
    if usable:
        more = " …" if len(usable) > _SHOWN else ""
        yield about.ok(f"{len(usable)} with {said}: {', '.join(usable[:_SHOWN])}{more}")
    elif autoscaler:
        yield about.warn(
            f"no node with {said} can be used yet; {autoscaler} may create one", why="until then the pods are Pending",
            fix=f"check that a node pool of {autoscaler} has these labels, and only taints of {group.where}.tolerations",
        )  # fmt: skip
    else:
        yield about.fail(
            f"no node carries {said}" if not labelled else f"{len(labelled)} nodes carry {said}, and none can be used",
            why="its pods stay Pending",
            fix="see these nodes above" if labelled else _labels_there(everything, group),
        )


def _labels_there(everything: Sequence[Node], group: _Group) -> str:
    """Say which labels nodes with such GPUs do have."""
    resource = group.resource
    one = next((one for one in everything if resource and one.allocatable.get(resource)), None)
    if one is None:
        return f"kubectl get nodes --show-labels, then label the nodes or set {group.where}.nodeSelector"
    shown = [f"{key}: {value}" for key, value in sorted(one.labels.items()) if any(part in key for part in _TELLING)]
    labels = ", ".join(shown[:_SHOWN]) or "no label that tells its GPU"
    return f"{group.where}.nodeSelector; node {one.name} has {resource} and {labels}"


def _unusable(labelled: Sequence[Node], group: _Group) -> Iterator[tuple[str, str, str]]:
    """Go through (node, why it cannot be used, what to do)."""
    plugin = "install the GPU operator or its device plugin, and see whether its pod runs on this node"
    for one in labelled:
        taint = one.refusal(group.workloads[0].pod)
        if taint is not None:
            said = f"{taint['key']}={taint.get('value') or ''}:{taint['effect']}"
            tolerations = f"{group.where}.tolerations: {{{taint['key']}: {{operator: Exists}}}}"
            yield one.name, f"tainted {said}, which is not tolerated", tolerations
        elif one.cordoned:
            yield one.name, "cordoned", f"kubectl uncordon {one.name}"
        elif not one.ready:
            yield one.name, "not ready", f"kubectl describe node {one.name}"
        elif group.resource and not one.allocatable.get(group.resource):
            yield one.name, f"has no {group.resource}", plugin


def _room(about: About, exam: Exam, group: _Group) -> Iterator[Finding]:
    """Place the pods of the release on what others leave; nothing is said where there is no node, which has been said."""
    usable = [one for one in _all(exam) if group.fits(one)]
    new = _new_nodes(exam, group, usable)
    if not usable and not new:
        return
    free = _free(exam, usable)
    least, most, resource = group.pods(most=False), group.pods(most=True), group.resource or "cpu"
    seen = f"{sum(one.get(resource, 0.0) for one in free):g} {resource} free on {len(usable)} nodes"
    if new:
        seen += f", {len(new)} more may be created"
    left, over = pack(least, [*free, *new]), pack(most, [*free, *new])
    if left:
        yield about.fail(
            f"{_said(left)}; {seen}", why=f"{len(left)} of the {len(least)} pods that always run stay Pending",
            fix=f"free or add nodes of {about.subject}, or lower scaling.min",
        )  # fmt: skip
    elif over:
        yield about.warn(
            f"the {len(least)} pods that always run fit, {len(over)} of the {len(most)} at the worst do not: {_said(over)}; {seen}",
            why="scaling out ends in pods that wait", fix=f"add nodes of {about.subject}, or lower scaling.max",
        )  # fmt: skip
    else:
        yield about.ok(f"{len(least)} pods, {len(most)} at the worst, fit; {seen}")


def _free(exam: Exam, usable: Sequence[Node]) -> list[dict[str, float]]:
    """Return what is left of each node without the pods of this release, which are what is placed."""
    asked: dict[str, list[Mapping[str, float]]] = defaultdict(list)
    for pod in exam.everywhere("pods", fieldSelector=_ACTIVE):
        home = pod["spec"].get("nodeName")
        if home and not exam.mine(pod):
            asked[home].append({**of_pod(pod["spec"]), "pods": 1.0})
    taken = {name: total(parts) for name, parts in asked.items()}
    return [
        {key: value - taken.get(one.name, {}).get(key, 0.0) for key, value in one.allocatable.items()} for one in usable
    ]


def _new_nodes(exam: Exam, group: _Group, usable: Sequence[Node]) -> list[dict[str, float]]:
    """Return the nodes that a node autoscaler may still create: like one that is there, else as the spec says."""
    if group.pool is None or not _autoscaler(exam):
        return []
    pool = exam.spec.cluster.pools[group.pool]
    unknown = float("inf")
    size = {"cpu": pool.node_cpu or unknown, "memory": pool.node_memory or unknown, "pods": _USUAL_PODS}
    size |= {group.resource or "": float(pool.gpus_per_node), **(usable[0].allocatable if usable else {})}
    return [dict(size) for _ in range(max(0, pool.max_nodes - len(usable)))]


def _autoscaler(exam: Exam) -> str:
    """Return the node autoscaler that can be seen, empty for none."""
    try:
        if exam.reader.one("/apis/karpenter.sh"):
            return "Karpenter"
        if exam.reader.one("/api/v1/namespaces/kube-system/configmaps/cluster-autoscaler-status"):
            return "the cluster autoscaler"
    except ApiError:  # not to be seen is as good as not there: the question is a side one
        pass
    return ""


def _all(exam: Exam) -> list[Node]:
    return [node(item) for item in exam.everywhere("nodes")]


def _said(left: Sequence[Unplaced]) -> str:
    first, more = left[0], f" (and {len(left) - 1} more)" if len(left) > 1 else ""
    return f"{first.who} needs {', '.join(first.asks)}{more}"
