"""The namespace: there, with Pod Security that pods keep, and quotas and limits that leave room."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from llmgen.doctor import quotas
from llmgen.doctor.api import Object
from llmgen.doctor.exam import Exam
from llmgen.doctor.finding import About, Finding, Question
from llmgen.doctor.quantities import amounts, of_pod, quantity

_ENFORCE = "pod-security.kubernetes.io/enforce"


def questions(exam: Exam) -> Iterator[Question]:
    """Ask for the namespace and what limits it."""
    for check, answer in (("namespace", _namespace), ("quota", quotas.check), ("limit-range", _limits)):
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
    mend = f"kubectl -n {exam.namespace} edit limitrange {name}"
    for who, largest, smallest, subject in _measured(exam, kind):
        for resource, most in (item.get("max") or {}).items():
            asked = max((part.get(resource, 0.0) for part in largest), default=0.0)
            if asked > quantity(most):
                said = f"{name} allows {most} {resource} per {kind.lower()}, {who} asks for {asked:g}"
                yield about.fail(said, why=f"{subject} refused", fix=mend)
        for resource, least in (item.get("min") or {}).items():
            asked = min((part[resource] for part in smallest if resource in part), default=quantity(least))
            if asked < quantity(least):
                said = f"{name} wants at least {least} {resource} per {kind.lower()}, {who} asks for {asked:g}"
                yield about.fail(said, why=f"{subject} refused", fix=mend)
    if kind == "Container" and "cpu" in (item.get("default") or {}):
        yield about.warn(
            f"{name} gives containers without a CPU limit one of {item['default']['cpu']}",
            why="engines and gateway have none on purpose: throttled tokenization and event loops show as latency",
            fix=f"{mend}, and drop default.cpu",
        )


_Parts = list[dict[str, float]]


def _measured(exam: Exam, kind: str) -> Iterator[tuple[str, _Parts, _Parts, str]]:
    """Go through what a LimitRange of this type is about: (who, what a maximum bounds, what a minimum bounds, who suffers)."""
    if kind == "PersistentVolumeClaim":
        for claim in exam.release.of_kind(kind):
            asked = [amounts(claim["spec"]["resources"]["requests"])]
            yield claim["metadata"]["name"], asked, asked, "it is"
    for workload in exam.release.workloads() if kind in ("Pod", "Container") else ():
        requests, limits = (_parts(workload.pod, kind, side) for side in ("requests", "limits"))
        largest = [{**low, **high} for low, high in zip(requests, limits, strict=True)]
        yield workload.name, largest, requests, "its pods are"


def _parts(pod: Object, kind: str, side: str) -> _Parts:
    if kind == "Pod":
        return [of_pod(pod, side)]
    return [of_pod({"containers": [box]}, side) for box in pod["containers"]]


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
