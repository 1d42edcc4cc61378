"""What the arithmetic needs to know of a GPU, whole or a MIG slice of one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llmgen.catalog import Gpu


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """One schedulable GPU device. ``memory_gib`` is what the driver reports; rates are dense peaks of the datasheet."""

    name: str
    memory_gib: float
    bandwidth_gbps: float
    bf16_tflops: float
    fp8_tflops: float | None = None
    fp4_tflops: float | None = None
    capability: tuple[int, int] = (8, 0)
    nvlink: bool = False
    link_gbps: float = 64.0
    vendor: str = "nvidia"

    @classmethod
    def of(cls, gpu: Gpu, *, mig: str | None = None, memory_gib: float | None = None) -> Device:
        """A device from catalogue facts; ``mig`` names a slice, ``memory_gib`` overrides what the driver is said to report.

        Raises KeyError when the GPU has no MIG profile of that name.
        """
        share = 1.0
        bandwidth_share = 1.0
        memory = gpu.memory_gib
        if mig is not None:
            profile = gpu.mig[mig]
            # MIG cuts an A100 or H100 into 7 compute and 8 memory slices (NVIDIA MIG user guide, "GPU instance profiles").
            share, bandwidth_share, memory = profile.compute_slices / 7, profile.memory_slices / 8, profile.memory_gib
        major, _, minor = str(gpu.compute_capability or "8.0").partition(".")
        return cls(
            name=gpu.name if mig is None else f"{gpu.name} {mig}",
            memory_gib=memory_gib if memory_gib is not None else memory,
            bandwidth_gbps=gpu.bandwidth_gbps * bandwidth_share,
            bf16_tflops=(gpu.bf16_tflops or gpu.bandwidth_gbps / 10) * share,
            fp8_tflops=None if gpu.fp8_tflops is None else gpu.fp8_tflops * share,
            fp4_tflops=None if gpu.fp4_tflops is None else gpu.fp4_tflops * share,
            capability=(int(major), int(minor or 0)),
            nvlink=gpu.interconnect == "nvlink" and mig is None,
            link_gbps=gpu.interconnect_gbps or 64.0,
            vendor=gpu.vendor,
        )
