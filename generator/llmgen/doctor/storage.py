"""Claims, classes and volumes: there, and mountable by as many pods as the plan has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from llmgen.doctor.api import Object
from llmgen.doctor.exam import Exam, root
from llmgen.doctor.finding import About, Finding, Question
from llmgen.doctor.placement import node

_SINGLE_NODE = ("ReadWriteOnce", "ReadWriteOncePod")
_DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"
_BLOCK = {
    "ebs.csi.aws.com": "Amazon EBS",
    "kubernetes.io/aws-ebs": "Amazon EBS",
    "pd.csi.storage.gke.io": "Google Persistent Disk",
    "disk.csi.azure.com": "Azure Disk",
    "rancher.io/local-path": "local-path",
    "openebs.io/local": "OpenEBS LocalPV",
    "topolvm.io": "TopoLVM",
}
"""Provisioners of disks that one node mounts for writing (kubernetes-csi.github.io/docs/drivers.html, column "Supported Access Modes")."""


def questions(exam: Exam) -> Iterator[Question]:
    """Ask for each claim that pods mount, and for each volume that the release brings."""
    for claim, pods in sorted(_claims(exam).items()):
        yield About("claim", claim).asked(_claim, exam, pods)
    for volume in exam.release.of_kind("PersistentVolume"):
        yield About("volume", volume["metadata"]["name"]).asked(_local, exam, volume)


def _claims(exam: Exam) -> Counter[str]:
    """Return the pods at the worst of each claim."""
    found: Counter[str] = Counter()
    for workload in exam.release.workloads():
        for volume in workload.pod.get("volumes") or ():
            claim = volume.get("persistentVolumeClaim")
            if claim:
                found[claim["claimName"]] += max(1, workload.most)
    return found


def _claim(about: About, exam: Exam, pods: int) -> Iterator[Finding]:
    name = about.subject
    wanted, found = exam.release.named("PersistentVolumeClaim", name), exam.inside("persistentvolumeclaims", name)
    if found is not None:
        yield from _existing(about, exam, found, wanted, pods)
    elif wanted is None:
        yield about.fail(
            f"there is no PersistentVolumeClaim {name} in {exam.namespace}", why="the pods that mount it stay Pending",
            fix="create it, or let the release do so: cluster.storage.<name>.create",
        )  # fmt: skip
    elif "volumeName" in wanted["spec"]:
        yield about.ok("made by the release, on the local volume it brings")
    else:
        yield from _class(about, exam, wanted, wanted["spec"].get("storageClassName"))


def _existing(about: About, exam: Exam, found: Object, wanted: Object | None, pods: int) -> Iterator[Finding]:
    name, phase = about.subject, (found.get("status") or {}).get("phase")
    modes = found["spec"].get("accessModes") or ()
    if wanted is not None and set(wanted["spec"]["accessModes"]) != set(modes):
        yield about.fail(
            f"it exists with {', '.join(modes)}, the spec says {', '.join(wanted['spec']['accessModes'])}",
            why="access modes of a claim never change, so Helm's upgrade is refused",
            fix="set cluster.storage.<name>.accessMode to what is there, or use another claim",
        )
        return
    if set(modes) <= set(_SINGLE_NODE) and pods > 1:
        yield about.fail(
            f"{', '.join(modes)} is for one node, and up to {pods} pods mount it", why="pods on a second node never start",
            fix="a claim with ReadWriteMany or ReadOnlyMany, the hub, or scaling.max: 1",
        )  # fmt: skip
        return
    if phase == "Bound":
        yield about.ok(f"bound, {', '.join(modes)}, {(found['status'].get('capacity') or {}).get('storage', '?')}")
    elif phase == "Pending" and _waits(exam, found):
        yield about.ok("waits for its first pod, as its class says")
    else:
        yield about.fail(
            f"its phase is {phase}",
            why="the pods that mount it stay Pending",
            fix=f"kubectl -n {exam.namespace} describe pvc {name}",
        )


def _waits(exam: Exam, claim: Object) -> bool:
    name = claim["spec"].get("storageClassName")
    found = exam.reader.one(f"{root('storage.k8s.io', 'v1')}/storageclasses/{name}") if name else None
    return bool(found and found.get("volumeBindingMode") == "WaitForFirstConsumer")


def _class(about: About, exam: Exam, claim: Object, name: str | None) -> Iterator[Finding]:
    known = {item["metadata"]["name"]: item for item in exam.everywhere("storageclasses", group="storage.k8s.io")}
    if name is None:
        default = [
            key
            for key, item in known.items()
            if (item["metadata"].get("annotations") or {}).get(_DEFAULT_CLASS) == "true"
        ]
        if not default:
            yield about.fail(
                "no storageClass is named, and the cluster has no default one", why="the claim is never bound, its pods stay Pending",
                fix=_classes(known),
            )  # fmt: skip
            return
        name = max(default)  # Kubernetes takes the newest of several; any is as good a guess
    if name not in known:
        yield about.fail(
            f"there is no StorageClass {name}", why="the claim is never bound, its pods stay Pending",
            fix=_classes(known),
        )  # fmt: skip
        return
    disk = _BLOCK.get(known[name].get("provisioner", ""))
    modes = claim["spec"]["accessModes"]
    if disk and not set(modes) <= set(_SINGLE_NODE):
        yield about.fail(
            f"{name} makes disks of {disk}, which cannot be {', '.join(modes)}",
            why="the claim is never bound, or the second node cannot mount it",
            fix="a storageClass of a shared file system, or the hub as the source",
        )
        return
    yield about.ok(f"made by the release with {name} ({known[name].get('provisioner')})")


def _classes(known: Iterable[str]) -> str:
    names = ", ".join(sorted(known))
    return (
        f"cluster.storage.<name>.create.storageClass: one of {names}"
        if names
        else "the cluster has no StorageClass: install a provisioner"
    )


def _local(about: About, exam: Exam, volume: Object) -> Iterator[Finding]:
    """A local volume is on the nodes with its labels, and only pods there can mount it."""
    terms = volume["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"]
    found = [one.name for one in map(node, exam.everywhere("nodes")) if one.meets(terms)]
    if found:
        yield about.ok(
            f"{volume['spec']['local']['path']} on {len(found)} nodes; whether the weights are there cannot be seen"
        )
        return
    yield about.fail(
        "no node has the labels of its nodeSelector", why="the pods that mount it stay Pending",
        fix="cluster.storage.<name>.local.nodeSelector, or label the nodes that hold the weights",
    )  # fmt: skip
