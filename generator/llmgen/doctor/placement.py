"""Where a pod may run, as the scheduler decides it: labels, taints, readiness."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from llmgen.doctor.api import Object
from llmgen.doctor.quantities import amounts

_KEEPS_AWAY = ("NoSchedule", "NoExecute")


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """What the scheduler knows of a node; ``allocatable`` in cores, bytes and pieces."""

    name: str
    labels: Mapping[str, str]
    taints: tuple[Object, ...]
    cordoned: bool
    ready: bool
    allocatable: Mapping[str, float]

    def carries(self, selector: Mapping[str, str]) -> bool:
        """Say whether the node has all labels of ``selector``."""
        return selector.items() <= self.labels.items()

    def refusal(self, pod: Object) -> Object | None:
        """Return the first taint that keeps ``pod`` away, None where none does."""
        tolerations = pod.get("tolerations") or ()
        return next(
            (
                taint
                for taint in self.taints
                if taint["effect"] in _KEEPS_AWAY and not any(_tolerates(one, taint) for one in tolerations)
            ),
            None,
        )

    def takes(self, pod: Object) -> bool:
        """Say whether ``pod`` may be put here, room aside."""
        selected = self.carries(pod.get("nodeSelector") or {})
        return selected and self.ready and not self.cordoned and self.refusal(pod) is None


def node(item: Object) -> Node:
    """Read a node of the API."""
    status, spec = item.get("status") or {}, item.get("spec") or {}
    conditions = {one["type"]: one["status"] for one in status.get("conditions") or ()}
    return Node(
        name=str(item["metadata"]["name"]),
        labels=item["metadata"].get("labels") or {},
        taints=tuple(spec.get("taints") or ()),
        cordoned=bool(spec.get("unschedulable")),
        ready=conditions.get("Ready") == "True",
        allocatable=amounts(status.get("allocatable")),
    )


def _tolerates(toleration: Object, taint: Object) -> bool:
    """kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration: an empty key or effect matches all."""
    if toleration.get("effect") and toleration["effect"] != taint["effect"]:
        return False
    if toleration.get("operator", "Equal") == "Exists":
        return not toleration.get("key") or bool(toleration["key"] == taint["key"])
    same = (toleration.get("key"), toleration.get("value") or "") == (taint["key"], taint.get("value") or "")
    return bool(same)
