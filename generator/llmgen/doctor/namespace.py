"""The namespace: there, with Pod Security that pods keep, and quotas and limits that leave room."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from llmgen.doctor.api import Object
from llmgen.doctor.exam import Exam
from llmgen.doctor.finding import About, Finding, Question
from llmgen.doctor.quantities import amounts, of_pod, quantity, total

_ENFORCE = "pod-security.kubernetes.io/enforce"
_SIDES = ("requests.", "limits.")


def questions(exam: Exam) -> Iterator[Question]:
    """Ask for the namespace and what limits it."""
    for check, answer in (("namespace", _namespace), ("quota", _quotas), ("limit-range", _limits)):
        yield About(check, exam.namespace).asked(answer, exam)
    for name in sorted(_accounts(exam)):
        yield About("service-account", name).asked(_account, exam)


def _namespace(about: About, exam: Exam) -> Iterator[Finding]:
    name = exam.namespace
    found = exam.reader.one(f"/api/v1/namespaces/{name}")
    if found is None:
        yield about.warn(
            "it does not exist", why="Secrets and claims that the release refers to have to be there before it",
            fix=f"kubectl create namespace {name} && kubectl label namespace {name} {_ENFORCE}=restricted",
        )  # fmt: skip
        return
    if found["metadata"].get("deletionTimestamp"):
        yield about.fail(
            "it is being deleted",
            why="nothing can be created in it",
            fix=f"kubectl get namespace {name} -o yaml  # status.conditions say what holds it",
        )
        return
    level = (found["metadata"].get("labels") or {}).get(_ENFORCE)
    if level == "restricted":
        yield about.ok("enforces Pod Security restricted, which every pod of the release keeps")
        return
    yield about.warn(
        f"enforces Pod Security {level}" if level else "enforces no Pod Security",
        why="every pod of the release keeps `restricted`; others in this namespace need not, and share its Secrets",
        fix=f"kubectl label --overwrite namespace {name} {_ENFORCE}=restricted",
    )


def _quotas(about: About, exam: Exam) -> Iterator[Finding]:
    quotas = exam.of_namespace("resourcequotas")
    findings = [finding for quota in quotas for finding in _quota(about, exam, quota)]
    yield from findings
    if not findings:
        yield about.ok(f"{len(quotas)} leave room for everything" if quotas else "no quota")


def _quota(about: About, exam: Exam, quota: Object) -> Iterator[Finding]:
    name, status, wanted = quota["metadata"]["name"], quota.get("status") or {}, _asked(exam)
    used = amounts(status.get("used"))
    own = total([_counted(pod["spec"]) for pod in exam.of_namespace("pods") if exam.mine(pod)])
    for key, most in amounts(status.get("hard") or quota["spec"].get("hard")).items():
        counted = key if key == "pods" or key.startswith(_SIDES) else f"requests.{key}"
        left = most - used.get(key, 0.0) + own.get(counted, 0.0)
        resource = key.removeprefix("limits.")
        if key.startswith("limits.") and not _limited(exam, resource):
            yield about.fail(
                f"{name} counts {key}, and pods of the release have no such limit", why="the quota refuses every pod without it",
                fix=f"a LimitRange with a default for {resource}, or a quota without {key}",
            )  # fmt: skip
        elif wanted.get(counted, 0.0) > left:
            yield about.warn(
                f"{name} leaves {left:g} of {key}, and at the worst the release asks for {wanted[counted]:g}",
                why="pods beyond the quota are not created, and only the ReplicaSet's events say so",
                fix=f"kubectl -n {exam.namespace} edit resourcequota {name}, or lower scaling.max",
            )


def _asked(exam: Exam) -> dict[str, float]:
    parts = []
    for workload in exam.release.workloads():
        one = _counted(workload.pod)
        parts.append({key: value * workload.most for key, value in one.items()})
    return total(parts)


def _counted(pod: Object) -> dict[str, float]:
    counted = {"pods": 1.0}
    for side in ("requests", "limits"):
        counted |= {f"{side}.{key}": value for key, value in of_pod(pod, side).items()}
    return counted


def _limited(exam: Exam, resource: str) -> bool:
    """Say whether every container has a limit of its own or gets one by default."""
    ranges = exam.of_namespace("limitranges")
    defaults = any(resource in (item.get("default") or {}) for one in ranges for item in one["spec"]["limits"])
    return defaults or all(
        resource in ((box.get("resources") or {}).get("limits") or {})
        for workload in exam.release.workloads()
        for box in (*(workload.pod.get("initContainers") or ()), *workload.pod["containers"])
    )


def _limits(about: About, exam: Exam) -> Iterator[Finding]:
    ranges = exam.of_namespace("limitranges")
    findings = [
        finding
        for one in ranges
        for item in one["spec"]["limits"]
        for finding in _range(about, exam, one["metadata"]["name"], item)
    ]
    yield from findings
    if not findings:
        yield about.ok(f"{len(ranges)} allow every container" if ranges else "no LimitRange")


def _range(about: About, exam: Exam, name: str, item: Mapping[str, Mapping[str, str]]) -> Iterator[Finding]:
    kind = str(item.get("type"))
    for resource, most in (item.get("max") or {}).items():
        for workload in exam.release.workloads():
            asked = max((part.get(resource, 0.0) for part in _parts(workload.pod, kind)), default=0.0)
            if asked > quantity(most):
                yield about.fail(
                    f"{name} allows {most} {resource} per {kind.lower()}, {workload.name} asks for {asked:g}",
                    why="its pods are refused", fix=f"kubectl -n {exam.namespace} edit limitrange {name}",
                )  # fmt: skip
    if kind == "Container" and "cpu" in (item.get("default") or {}):
        yield about.warn(
            f"{name} gives containers without a CPU limit one of {item['default']['cpu']}",
            why="engines and gateway have none on purpose: throttled tokenization and event loops show as latency",
            fix=f"kubectl -n {exam.namespace} edit limitrange {name}, and drop default.cpu",
        )


def _parts(pod: Object, kind: str) -> list[dict[str, float]]:
    """Return what a LimitRange of this type measures: each container, or the pod; a limit where there is one."""
    if kind == "Pod":
        return [{**of_pod(pod), **of_pod(pod, "limits")}]
    if kind != "Container":
        return []
    resources = [box.get("resources") or {} for box in pod["containers"]]
    return [{**amounts(one.get("requests")), **amounts(one.get("limits"))} for one in resources]


def _accounts(exam: Exam) -> set[str]:
    own = {item["metadata"]["name"] for item in exam.release.of_kind("ServiceAccount")}
    named = {pod["serviceAccountName"] for _, pod in exam.release.pods() if pod.get("serviceAccountName")}
    return named - own - {"default"}


def _account(about: About, exam: Exam) -> Iterator[Finding]:
    name = about.subject
    if exam.inside("serviceaccounts", name) is not None:
        yield about.ok("there")
        return
    yield about.fail(
        f"there is no ServiceAccount {name} in {exam.namespace}", why="pods that name it are not created",
        fix=f"kubectl -n {exam.namespace} create serviceaccount {name}",
    )  # fmt: skip
