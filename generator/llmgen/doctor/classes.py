"""Cluster-wide classes that pods name: priorities and runtimes."""

from __future__ import annotations

from collections.abc import Iterator

from llmgen.doctor.api import Object
from llmgen.doctor.exam import Exam, root
from llmgen.doctor.finding import About, Finding, Question

_OWNER = ("meta.helm.sh/release-namespace", "meta.helm.sh/release-name")
_PRIORITIES = f"{root('scheduling.k8s.io', 'v1')}/priorityclasses"
_RUNTIMES = f"{root('node.k8s.io', 'v1')}/runtimeclasses"
_SYSTEM = "system-"
"""Classes of this prefix are Kubernetes' own."""


def questions(exam: Exam) -> Iterator[Question]:
    """Ask for the classes that the release brings, and for those it only names."""
    own = {item["metadata"]["name"]: item for item in exam.release.of_kind("PriorityClass")}
    for name, item in sorted(own.items()):
        yield About("priority-class", name).asked(_brought, exam, item)
    pods = [pod for _, pod in exam.release.pods()]
    named = {str(pod["priorityClassName"]) for pod in pods if pod.get("priorityClassName")} - own.keys()
    for name in sorted(named):
        if not name.startswith(_SYSTEM):
            yield About("priority-class", name).asked(_named, exam, "PriorityClass", f"{_PRIORITIES}/{name}")
    for name in sorted({str(pod["runtimeClassName"]) for pod in pods if pod.get("runtimeClassName")}):
        yield About("runtime-class", name).asked(_named, exam, "RuntimeClass", f"{_RUNTIMES}/{name}")


def _brought(about: About, exam: Exam, wanted: Object) -> Iterator[Finding]:
    found = exam.reader.one(f"{_PRIORITIES}/{about.subject}")
    if found is None:
        yield about.ok(f"made by the release, value {wanted['value']}")
        return
    annotations = found["metadata"].get("annotations") or {}
    owner = tuple(annotations.get(key) for key in _OWNER)
    if owner != (exam.namespace, exam.release.name):
        said = f"release {owner[1]} in {owner[0]}" if owner[1] else "nobody's release"
        yield about.fail(
            f"it exists and belongs to {said}", why="Helm takes over no object of others: the install is refused",
            fix="another metadata.name, or priorityClasses.<class>.existing in overrides.yaml",
        )  # fmt: skip
    elif any(found.get(key) != wanted.get(key) for key in ("value", "preemptionPolicy")):
        yield about.fail(
            f"it exists with value {found.get('value')}, the release brings {wanted['value']}",
            why="value and preemptionPolicy of a PriorityClass never change: the upgrade is refused",
            fix=f"priorityClasses.<class>.value: {found.get('value')} in overrides.yaml, or delete it while nothing uses it",
        )
    else:
        yield about.ok(f"this release's own, value {found.get('value')}")


def _named(about: About, exam: Exam, kind: str, path: str) -> Iterator[Finding]:
    if exam.reader.one(path) is not None:
        yield about.ok("there")
        return
    yield about.fail(
        f"there is no {kind} {about.subject}", why="pods that name it are refused",
        fix=f"create {about.subject}, or name another one",
    )  # fmt: skip
