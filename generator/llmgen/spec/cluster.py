"""What the cluster offers: pools, storage, Prometheus, operators."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from llmgen.spec.quantity import Bytes, Cores


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretKeyRef:
    """One key of an existing Secret."""

    name: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Toleration:
    """A taint that pods tolerate; its key is the map's key."""

    operator: str
    value: str | None
    effect: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """Nodes of one kind. ``price_per_gpu_hour`` None: the catalogue's price."""

    gpu: str
    mig: str | None
    gpus_per_node: int
    max_nodes: int
    price_per_gpu_hour: float | None
    node_selector: Mapping[str, str] | None
    tolerations: Mapping[str, Toleration]
    resource: str | None
    runtime_class_name: str
    node_cpu: Cores | None
    node_memory: Bytes | None

    @property
    def gpus(self) -> int:
        """GPUs of the pool at its largest."""
        return self.gpus_per_node * self.max_nodes


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatedClaim:
    """A claim made with the release; ``size`` stays a Kubernetes quantity."""

    size: str
    storage_class: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalDirectory:
    """A directory on the nodes' own disks; ``size`` stays a Kubernetes quantity."""

    path: str
    size: str
    node_selector: Mapping[str, str] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """A volume that holds weights or caches. ``read_mbps`` in MB/s per reader, None: the kind's floor rate."""

    kind: str
    claim: str | None
    access_mode: str
    create: CreatedClaim | None
    local: LocalDirectory | None
    read_mbps: float | None = field(metadata={"key": "readMBps"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Prometheus:
    """The Prometheus that answers the autoscaler."""

    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Addons:
    """Which operators the cluster has."""

    keda: bool
    istio: bool
    prometheus_operator: bool
    prometheus_adapter: bool
    kube_state_metrics: bool
    gateway_api: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """What the cluster offers."""

    kubernetes_version: str
    provider: str
    pools: Mapping[str, Pool]
    storage: Mapping[str, Storage]
    prometheus: Prometheus | None
    addons: Addons
