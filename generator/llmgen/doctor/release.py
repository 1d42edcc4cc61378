"""What would be applied: the rendered manifests, read as the cluster will read them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from llmgen.doctor.api import Object

PREEMPTIBLE = ("batch", "experimental")
"""Classes that give way: the plan counts them at their least."""
_SCALERS = {
    "ScaledObject": ("minReplicaCount", "maxReplicaCount"),
    "HorizontalPodAutoscaler": ("minReplicas", "maxReplicas"),
}
_WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet", "Job")


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """Pods of one kind: ``least`` of them run always, ``most`` at the worst, as the plan counts."""

    name: str
    labels: Mapping[str, str]
    pod: Object
    least: int
    most: int

    @property
    def revision(self) -> tuple[str, str] | None:
        """(model, revision) of an engine, None for anything else."""
        model, revision = (self.labels.get(f"llmgen.dev/{key}") for key in ("model", "revision"))
        return (model, revision) if model and revision else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """The objects of one release."""

    name: str
    namespace: str
    objects: tuple[Object, ...]

    def of_kind(self, kind: str, group: str | None = None) -> Iterator[Object]:
        """Go through the objects of a kind, of an API group if it is given."""
        for item in self.objects:
            if item["kind"] == kind and (group is None or item["apiVersion"].partition("/")[0] == group):
                yield item

    def named(self, kind: str, name: str) -> Object | None:
        """Return the object of a kind and name, None where the release has none."""
        return next((item for item in self.of_kind(kind) if item["metadata"]["name"] == name), None)

    def pods(self) -> Iterator[tuple[str, Object]]:
        """Go through every pod of the release, those of `helm test` too: (who, pod spec)."""
        for item in self.objects:
            if item["kind"] == "Pod":
                yield f"pod {item['metadata']['name']}", item["spec"]
            elif item["kind"] in _WORKLOADS:
                yield f"{item['kind'].lower()} {item['metadata']['name']}", item["spec"]["template"]["spec"]

    def workloads(self) -> Iterator[Workload]:
        """Go through the Deployments with the number of their pods."""
        for item in self.of_kind("Deployment"):
            template = item["spec"]["template"]
            labels = template["metadata"].get("labels") or {}
            least, most = self._replicas(item)
            if item["metadata"].get("labels", {}).get("llmgen.dev/class") in PREEMPTIBLE:
                most = least
            yield Workload(name=item["metadata"]["name"], labels=labels, pod=template["spec"], least=least, most=most)

    def _replicas(self, deployment: Object) -> tuple[int, int]:
        for kind, (low, high) in _SCALERS.items():
            for scaler in self.of_kind(kind):
                if scaler["spec"]["scaleTargetRef"]["name"] == deployment["metadata"]["name"]:
                    return int(scaler["spec"].get(low) or 0), int(scaler["spec"][high])
        replicas = deployment["spec"].get("replicas")
        fixed = 1 if replicas is None else int(replicas)
        return fixed, fixed


def read(manifests: str, *, name: str, namespace: str) -> Release:
    """Parse what Helm rendered."""
    import yaml  # noqa: PLC0415 -- `--help` needs none of it

    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    objects = tuple(item for item in yaml.load_all(manifests, loader) if item)
    return Release(name=name, namespace=namespace, objects=objects)
