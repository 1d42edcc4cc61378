"""Where a pod may run, as the scheduler decides it: labels, taints, readiness."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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

    def chosen(self, pod: Object) -> bool:
        """Say whether the node selector of ``pod`` and what its node affinity requires choose the node."""
        terms = affinity(pod)
        return self.carries(pod.get("nodeSelector") or {}) and (terms is None or self.meets(terms))

    def meets(self, terms: Sequence[Object]) -> bool:
        """Say whether one of ``terms`` (nodeSelectorTerms) holds; one without any condition holds for no node."""
        return any(self._meets(term) for term in terms)

    def _meets(self, term: Object) -> bool:
        labels, fields = term.get("matchExpressions") or (), term.get("matchFields") or ()
        named = {"metadata.name": self.name}
        holds = all(_holds(one, self.labels) for one in labels) and all(_holds(one, named) for one in fields)
        return bool(labels or fields) and holds

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
        return self.chosen(pod) and self.ready and not self.cordoned and self.refusal(pod) is None


def affinity(pod: Object) -> Sequence[Object] | None:
    """Return the nodeSelectorTerms of which a node must meet one, None where the pod requires none."""
    required = ((pod.get("affinity") or {}).get("nodeAffinity") or {}).get(
        "requiredDuringSchedulingIgnoredDuringExecution"
    )
    return None if required is None else required.get("nodeSelectorTerms") or ()


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


def _holds(condition: Object, values: Mapping[str, str]) -> bool:
    """kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node, "Operators": NotIn holds for a node without the label."""
    given: Sequence[str] = condition.get("values") or ()
    operator, value = condition["operator"], values.get(condition["key"])
    match operator:
        case "In":
            return value in given
        case "NotIn":
            return value not in given
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
    try:
        number, bound = int(value or ""), int(given[0])
    except ValueError:
        return False
    return number > bound if operator == "Gt" else number < bound


def _tolerates(toleration: Object, taint: Object) -> bool:
    """kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration: an empty key or effect matches all."""
    if toleration.get("effect") and toleration["effect"] != taint["effect"]:
        return False
    if toleration.get("operator", "Equal") == "Exists":
        return not toleration.get("key") or bool(toleration["key"] == taint["key"])
    same = (toleration.get("key"), toleration.get("value") or "") == (taint["key"], taint.get("value") or "")
    return bool(same)
