"""GPU facts: gpus.yaml as typed records, found by name or alias."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from llmgen.catalog.files import read
from llmgen.catalog.names import UnknownName, near_misses

if TYPE_CHECKING:
    from collections.abc import Mapping

Vendor = Literal["nvidia", "amd", "intel"]

# Extended resource each vendor's device plugin offers: github.com/NVIDIA/k8s-device-plugin,
# github.com/ROCm/k8s-device-plugin, github.com/intel/intel-device-plugins-for-kubernetes (Xe driver).
RESOURCES: Mapping[str, str] = MappingProxyType(
    {"nvidia": "nvidia.com/gpu", "amd": "amd.com/gpu", "intel": "gpu.intel.com/xe"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MigProfile:
    """One MIG partition shape: memory in GiB as ``nvidia-smi mig -lgip`` lists it, and how many fit on a GPU."""

    name: str
    memory_gib: float
    per_gpu: int
    compute_slices: int
    memory_slices: int
    resource: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Gpu:
    """One GPU. GiB are what the driver reports, GB/s and TFLOP/s are decimal, TFLOP/s dense, None where absent.

    ``interconnect_gbps`` counts both directions of one GPU. ``node_labels`` maps a cloud (``generic``, ``gke``,
    ``eks``, ``aks``) to the labels its nodes carry. ``compute_capability`` is CUDA's, None for other vendors.
    ``price_per_hour_usd`` is indicative, None where there is no common offer.
    """

    name: str
    aliases: tuple[str, ...] = ()
    vendor: Vendor
    memory_gib: float
    memory_source: Literal["measured", "derived"]
    bandwidth_gbps: float
    bf16_tflops: float | None
    fp16_tflops: float
    fp8_tflops: float | None
    fp4_tflops: float | None
    compute_capability: str | None
    interconnect: Literal["nvlink", "xgmi", "pcie"]
    interconnect_gbps: float
    node_labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    mig: Mapping[str, MigProfile] = field(default_factory=dict)
    price_per_hour_usd: float | None
    source: str
    date: str
    notes: str

    @property
    def resource(self) -> str:
        """Kubernetes resource of a whole GPU, for example ``nvidia.com/gpu``; a MIG profile carries its own."""
        return RESOURCES[self.vendor]

    @property
    def mig_slices(self) -> tuple[int, int]:
        """Compute and memory slices of the whole GPU: (7, 8) on A100 to B200, (4, 4) on A30; (1, 1) without MIG."""
        profiles = self.mig.values()
        return max((p.compute_slices for p in profiles), default=1), max((p.memory_slices for p in profiles), default=1)


def normalise(name: str) -> str:
    """Fold case, blanks and underscores, and drop a remark in parentheses: ``H200 (p5en)`` is ``h200``."""
    return re.sub(r"[\s_]+", "-", re.sub(r"\([^)]*\)", "", name).strip()).casefold()


@cache
def gpus() -> Mapping[str, Gpu]:
    """Every GPU of the catalogue by its name, in file order."""
    return MappingProxyType({name: _gpu(name, facts) for name, facts in read("gpus.yaml")["gpus"].items()})


@cache
def _index() -> Mapping[str, Gpu]:
    return {normalise(key): item for item in gpus().values() for key in (item.name, *item.aliases)}


def gpu(name: str) -> Gpu:
    """Find a GPU by name or alias (see :func:`normalise`). Raises UnknownName with near misses."""
    found = _index().get(normalise(name))
    if found is None:
        near = dict.fromkeys(_index()[key].name for key in near_misses(normalise(name), _index()))
        raise UnknownName("GPU", name, gpus(), near)
    return found


def _gpu(name: str, facts: Mapping[str, Any]) -> Gpu:
    # Cards without bfloat16 state their float16 rate; on all others both are the same.
    fp16 = facts["fp16Tflops"] if facts["bf16Tflops"] is None else facts["bf16Tflops"]
    return Gpu(
        name=name,
        aliases=tuple(facts["aliases"]),
        vendor=facts["vendor"],
        memory_gib=float(facts["memoryGiB"]),
        memory_source=facts["memorySource"],
        bandwidth_gbps=float(facts["bandwidthGBps"]),
        bf16_tflops=facts["bf16Tflops"],
        fp16_tflops=float(fp16),
        fp8_tflops=facts["fp8Tflops"],
        fp4_tflops=facts["fp4Tflops"],
        compute_capability=facts["computeCapability"],
        interconnect=facts["interconnect"],
        interconnect_gbps=float(facts["interconnectGBps"]),
        node_labels=MappingProxyType({k: MappingProxyType(v) for k, v in facts["nodeLabels"].items()}),
        mig=MappingProxyType({k: _mig(k, v) for k, v in facts["mig"].items()}),
        price_per_hour_usd=facts["pricePerHourUsd"],
        source=facts["source"],
        date=facts["date"],
        notes=facts["notes"],
    )


def _mig(name: str, facts: Mapping[str, Any]) -> MigProfile:
    return MigProfile(
        name=name,
        memory_gib=float(facts["memoryGiB"]),
        per_gpu=facts["perGpu"],
        compute_slices=facts["computeSlices"],
        memory_slices=facts["memorySlices"],
        resource=facts["resource"],
    )
