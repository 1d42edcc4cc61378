"""The facts the generator knows about GPUs, vLLM versions and models, each read from one YAML file beside this one.

Files are parsed when first asked for and once per process: asking for a GPU never opens a vLLM file.
"""

from __future__ import annotations

from llmgen.catalog.accelerators import Gpu, MigProfile, gpu, gpus
from llmgen.catalog.checkpoints import model, models
from llmgen.catalog.engines import (
    DeviceDefault,
    Features,
    Flag,
    Metric,
    Removed,
    VllmVersion,
    describe,
    minors,
    owned_flags,
    vllm,
)
from llmgen.catalog.names import UnknownName

__all__ = [
    "DeviceDefault",
    "Features",
    "Flag",
    "Gpu",
    "Metric",
    "MigProfile",
    "Removed",
    "UnknownName",
    "VllmVersion",
    "describe",
    "gpu",
    "gpus",
    "minors",
    "model",
    "models",
    "owned_flags",
    "vllm",
]
