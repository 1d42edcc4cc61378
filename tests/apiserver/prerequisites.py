"""What pods refer to and a chart rightly leaves to the cluster: priority classes, runtime classes, service accounts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from tests.apiserver.cluster import Cluster, Object


@contextmanager
def provided(cluster: Cluster, pods: Iterable[Object], namespace: str) -> Iterator[None]:
    """Create what ``pods`` refer to and the server misses; what is cluster-wide is deleted afterwards."""
    made = []
    for pod in pods:
        for manifest in _references(pod["spec"]):
            inside = namespace if manifest["kind"] == "ServiceAccount" else None
            if cluster.get(manifest["apiVersion"], manifest["kind"], manifest["metadata"]["name"], inside) is None:
                cluster.create(manifest, inside)
                made += [manifest] if inside is None else []
    try:
        yield
    finally:
        for manifest in made:
            cluster.delete(manifest)


def _references(spec: Object) -> Iterator[Object]:
    if spec.get("priorityClassName"):
        metadata = {"name": spec["priorityClassName"]}
        yield {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": metadata, "value": 1000}
    if spec.get("runtimeClassName"):
        metadata = {"name": spec["runtimeClassName"]}
        yield {"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "metadata": metadata, "handler": "test"}
    yield {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": spec.get("serviceAccountName") or "default"},
    }
