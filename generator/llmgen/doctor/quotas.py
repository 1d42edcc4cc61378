"""Quotas of the namespace against the worst case: what pods ask for, how many objects there are, and storage."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from llmgen.doctor.api import Object
from llmgen.doctor.exam import Exam
from llmgen.doctor.finding import About, Finding
from llmgen.doctor.quantities import amounts, of_pod, quantity, total

_SIDES = ("requests.", "limits.")
_OLD_COUNTS = (
    "services",
    "configmaps",
    "secrets",
    "persistentvolumeclaims",
    "replicationcontrollers",
    "resourcequotas",
)
"""Names without `count/` (kubernetes.io/docs/concepts/policy/resource-quotas, "Quota on object count")."""
_OF_CLASS = ".storageclass.storage.k8s.io/"
_SILENT = "pods beyond the quota are not created, and only the ReplicaSet's events say so"


def check(about: About, exam: Exam) -> Iterator[Finding]:
    """Say where a ResourceQuota has no room for what the release is at the worst. Raises what the reader raises."""
    quotas = exam.of_namespace("resourcequotas")
    findings = [finding for quota in quotas for finding in _quota(about, exam, quota)]
    yield from findings
    if not findings:
        yield about.ok(f"{len(quotas)} leave room for everything" if quotas else "no quota")


def _quota(about: About, exam: Exam, quota: Object) -> Iterator[Finding]:
    name, status = quota["metadata"]["name"], quota.get("status") or {}
    used = amounts(status.get("used"))
    most_asked, least_asked = (_asked(exam, quota, most=most) for most in (True, False))
    own = total([_counted(pod["spec"]) for pod in _own(exam, "pods") if _covers(quota, pod["spec"])])
    for key, most in amounts(status.get("hard") or quota["spec"].get("hard")).items():
        left = most - used.get(key, 0.0)
        if _of_storage(key):
            yield from _refused(about, exam, name, key, left, _storage(exam, key))
        elif _of_objects(key):
            yield from _refused(about, exam, name, key, left, _new_objects(exam, key, left))
        elif most_asked:
            counted = _pod_key(key)
            asked = (least_asked.get(counted, 0.0), most_asked.get(counted, 0.0))
            yield from _pods(about, exam, name, key, left + own.get(counted, 0.0), asked)


def _pods(about: About, exam: Exam, name: str, key: str, left: float, asked: tuple[float, float]) -> Iterator[Finding]:
    """``asked``: by the pods that always run, and by all at the worst."""
    leaves, mend = (
        f"{name} leaves {_amount(key, left)} of {key}",
        f"kubectl -n {exam.namespace} edit resourcequota {name}",
    )
    resource = key.removeprefix("limits.")
    if key.startswith("limits.") and not _limited(exam, resource):
        yield about.fail(
            f"{name} counts {key}, and pods of the release have no such limit", why="the quota refuses every pod without it",
            fix=f"a LimitRange with a default for {resource}, or a quota without {key}",
        )  # fmt: skip
    elif asked[0] > left:
        yield about.fail(
            f"{leaves}, and the pods that always run ask for {_amount(key, asked[0])}", why=_SILENT, fix=f"{mend}, or lower scaling.min"
        )  # fmt: skip
    elif asked[1] > left:
        yield about.warn(
            f"{leaves}, and at the worst the release asks for {_amount(key, asked[1])}", why=_SILENT, fix=f"{mend}, or lower scaling.max"
        )  # fmt: skip


def _refused(about: About, exam: Exam, name: str, key: str, left: float, wanted: float) -> Iterator[Finding]:
    if wanted > max(left, 0.0):
        yield about.fail(
            f"{name} leaves {_amount(key, left)} of {key}, and the release adds {_amount(key, wanted)}",
            why="what is beyond the quota is refused, and Helm stops there",
            fix=f"kubectl -n {exam.namespace} edit resourcequota {name}",
        )  # fmt: skip


def _pod_key(key: str) -> str:
    """Return the name under which `_counted` has what a key of a quota is about."""
    if key in ("pods", "count/pods"):
        return "pods"
    return key if key.startswith(_SIDES) else f"requests.{key}"


def _own(exam: Exam, resource: str, *, group: str = "", version: str = "v1") -> list[Object]:
    return [item for item in exam.of_namespace(resource, group=group, version=version) if exam.mine(item)]


def _asked(exam: Exam, quota: Object, *, most: bool) -> dict[str, float]:
    parts = []
    for workload in exam.release.workloads():
        if _covers(quota, workload.pod):
            one = _counted(workload.pod)
            parts.append({key: value * (workload.most if most else workload.least) for key, value in one.items()})
    return total(parts)


def _counted(pod: Object) -> dict[str, float]:
    counted = {"pods": 1.0}
    for side in ("requests", "limits"):
        counted |= {f"{side}.{key}": value for key, value in of_pod(pod, side).items()}
    return counted


def _covers(quota: Object, pod: Object) -> bool:
    """Say whether a quota's scopes are about such a pod (kubernetes.io/docs/concepts/policy/resource-quotas, "Quota scopes")."""
    spec = quota.get("spec") or {}
    conditions = [{"scopeName": name, "operator": "Exists"} for name in spec.get("scopes") or ()]
    conditions += (spec.get("scopeSelector") or {}).get("matchExpressions") or ()
    return all(_in_scope(one, pod) for one in conditions)


def _in_scope(condition: Object, pod: Object) -> bool:
    scope, operator, values = condition["scopeName"], condition["operator"], condition.get("values") or ()
    if scope == "PriorityClass":
        given = pod.get("priorityClassName")
        return {
            "In": given in values, "NotIn": given not in values,
            "Exists": bool(given), "DoesNotExist": not given,
        }[operator]  # fmt: skip
    ends, best_effort = "activeDeadlineSeconds" in pod, not of_pod(pod) and not of_pod(pod, "limits")
    known = {
        "Terminating": ends,
        "NotTerminating": not ends,
        "BestEffort": best_effort,
        "NotBestEffort": not best_effort,
    }
    return known.get(scope, False)


def _limited(exam: Exam, resource: str) -> bool:
    """Say whether every container has a limit of its own or gets one by default."""
    ranges = exam.of_namespace("limitranges")
    defaults = any(resource in (item.get("default") or {}) for one in ranges for item in one["spec"]["limits"])
    return defaults or all(
        resource in ((box.get("resources") or {}).get("limits") or {})
        for workload in exam.release.workloads()
        for box in (*(workload.pod.get("initContainers") or ()), *workload.pod["containers"])
    )


def _new_objects(exam: Exam, key: str, left: float) -> float:
    """Return how many objects of a kind Helm adds; those that are there already are only asked for where it matters."""
    resource, _, group = key.removeprefix("count/").partition(".")
    kinds = Counter(
        (item["apiVersion"], item["metadata"]["name"])
        for item in exam.release.objects
        if _plural(item["kind"]) == resource and item["apiVersion"].rpartition("/")[0] == group
    )
    records = 1 if resource == "secrets" else 0  # Helm keeps each revision of a release in a Secret
    if not kinds or len(kinds) + records <= left:
        return float(len(kinds) + records)
    version = next(iter(kinds))[0].rpartition("/")[2]
    there = {item["metadata"]["name"] for item in _own(exam, resource, group=group, version=version)}
    return float(sum(name not in there for _, name in kinds) + records)


def _plural(kind: str) -> str:
    """Return the resource of a kind, as the API names those that the chart renders."""
    word = kind.lower()
    if word.endswith("y"):
        return f"{word[:-1]}ies"
    return f"{word}es" if word.endswith(("s", "x")) else f"{word}s"


def _amount(key: str, value: float) -> str:
    return f"{value / 2**30:.4g} GiB" if key.endswith(("memory", "storage")) else f"{value:g}"


def _of_objects(key: str) -> bool:
    return (key.startswith("count/") and key != "count/pods") or key in _OLD_COUNTS


def _of_storage(key: str) -> bool:
    return key == "requests.storage" or _OF_CLASS in key


def _storage(exam: Exam, key: str) -> float:
    """Return the bytes, or the number, of claims that the release still has to make; of one class if the key names it."""
    name, _, counted = key.partition(_OF_CLASS) if _OF_CLASS in key else ("", "", key)
    new = [
        claim["spec"] for claim in exam.release.of_kind("PersistentVolumeClaim")
        if name in ("", claim["spec"].get("storageClassName"))
        and exam.inside("persistentvolumeclaims", claim["metadata"]["name"]) is None
    ]  # fmt: skip
    if counted == "persistentvolumeclaims":
        return float(len(new))
    return sum(quantity(claim["resources"]["requests"]["storage"]) for claim in new)
