"""Memory constants of the engine, one row per vLLM minor where something changed.

Byte counts per logit follow from the source of each version; the few that are fitted say so. Sources:

* start-up logs with DEBUG memory breakdown in ``benchmarks/data/sizing-truth.jsonl`` (fitted: ``single``, ``nvlink``,
  ``pcie``, ``sampler_bytes`` of V1);
* vLLM's own source of each minor: ``v1/core/kv_cache_utils.py`` (token definition), ``envs.py`` (graph estimate),
  ``config/vllm.py`` (default model runner), ``v1/worker/gpu/sample`` (persistent penalty tensors of Model Runner V2).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import StrEnum

from llmgen.architecture import Architecture


class TokenCount(StrEnum):
    """What the engine prints as ``GPU KV cache size``."""

    PER_GROUP = "blocks // groups * block size"
    BY_CONCURRENCY = "max concurrency * max model length"


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineConstants:
    """Memory behaviour of one vLLM minor; GiB and bytes per logit (one logit = one sequence x one vocabulary entry)."""

    minor: str
    source: str
    # Peak of the dummy sampler run: 16-bit logits 2 B and the rest in fp32.
    sampler_bytes: float
    # Allocated for the life of the engine: V2 keeps an int32 count and a bit mask for penalties.
    persistent_bytes: float = 0.0
    # What a real request with top-k, top-p or logprobs needs beyond the profiled peak.
    hidden_bytes: float = 0.0
    single: float
    nvlink: tuple[float, float]
    pcie: float
    graphs_reserved: bool
    tokens: TokenCount
    workspace_persists: bool
    state_blocks: int
    in_flight_batches: int
    mxfp4_tile: tuple[int, int, bool] = (64, 256, False)
    default_utilization: float = 0.9
    # V0 padded the latent rows of MLA to a multiple of this many elements.
    latent_multiple: int = 1


_V0 = EngineConstants(
    minor="0.6",
    source="logs of 0.6.4-0.7.3 in sizing-truth.jsonl (V0 engine, best effort)",
    sampler_bytes=37.96,
    single=0.13,
    nvlink=(0.45, 0.05),
    pcie=0.1,
    graphs_reserved=False,
    tokens=TokenCount.PER_GROUP,
    workspace_persists=False,
    state_blocks=1,
    in_flight_batches=1,
    latent_multiple=128,
)
_V1 = replace(
    _V0, minor="0.8", source="logs of 0.10.2-0.16.0; source 0.10.2", mxfp4_tile=(128, 256, True), latent_multiple=1
)
_V011 = replace(_V1, minor="0.11", source="logs of 0.11.0-0.14.1 (gpt-oss on Hopper)", mxfp4_tile=(64, 256, False))
_V013 = replace(_V011, minor="0.13", source="v1/worker/workspace.py appears in 0.13", workspace_persists=True)
_V015 = replace(
    _V013, minor="0.15", source="mamba cache mode align with prefix caching, models/config.py 0.15", state_blocks=2
)
_V017 = replace(_V015, minor="0.17", source="logs of 0.17.0 and 0.17.1: top-p without a full sort", sampler_bytes=14.46)
_V018 = replace(
    _V017, minor="0.18", source="log of 0.18.0; 52 logs of 0.19.0", single=0.25, nvlink=(2.0, 0.04), pcie=1.6
)
_V020 = replace(
    _V018,
    minor="0.20",
    source="kv_cache_utils.py and envs.py of 0.20.2: token definition, graphs reserved, utilization 0.92",
    graphs_reserved=True,
    tokens=TokenCount.BY_CONCURRENCY,
    default_utilization=0.92,
)
_V028 = replace(_V020, minor="0.28", source="VllmConfig.max_in_flight_tokens of 0.28", in_flight_batches=2)

_ROWS = (_V0, _V1, _V011, _V013, _V015, _V017, _V018, _V020, _V028)
NEWEST = (0, 32)
OLDEST = (0, 6)
# Model Runner V2 (source of v1/worker/gpu/sample, 0.32): profile = 16-bit and fp32 logits; penalties persist.
V2_SAMPLER_BYTES = 6.5
V2_PERSISTENT_BYTES = 4.125
# A request with top-p makes the fp32 copy and its mask that the profile skipped; vllm#50159 measured about 8 B per logit.
V2_HIDDEN_BYTES = 8.0
_V2_LISTED = frozenset("qwen3 deepseek_v2 qwen2_moe granitemoe llama mistral".split())  # noqa: SIM905


def parse_minor(version: str) -> tuple[int, int] | None:
    """``(0, 32)`` for ``0.32.1`` or ``0.32.0rc1``; None when there is no such number in front."""
    found = re.match(r"\s*v?(\d+)\.(\d+)", version or "")
    return (int(found[1]), int(found[2])) if found else None


_TABLE = tuple((parse_minor(row.minor) or OLDEST, row) for row in _ROWS)


def constants(version: str, architecture: Architecture) -> tuple[EngineConstants, tuple[str, ...]]:
    """The row for ``version`` and the doubts about it; the newest row for a version that is newer or not readable."""
    minor = parse_minor(version)
    doubts: tuple[str, ...] = ()
    if minor is None:
        doubts = (f"vLLM version '{version}' is unknown: constants of {NEWEST[0]}.{NEWEST[1]} with a wider reserve",)
        minor = NEWEST
    elif minor > NEWEST:
        doubts = (f"vLLM {version} is newer than the newest measured minor {NEWEST[0]}.{NEWEST[1]}: wider reserve",)
    elif minor < OLDEST:
        doubts = (f"vLLM {version} is older than the oldest measured minor {OLDEST[0]}.{OLDEST[1]}: wider reserve",)
    elif minor < (0, 8):
        doubts = (f"vLLM {version} is the V0 engine: best effort, wider reserve",)
    row = next((known for start, known in reversed(_TABLE) if start <= minor), _V0)
    if runs_v2(minor, architecture):
        row = replace(
            row,
            sampler_bytes=V2_SAMPLER_BYTES,
            persistent_bytes=V2_PERSISTENT_BYTES,
            hidden_bytes=V2_HIDDEN_BYTES,
        )
    return row, doubts


def runs_v2(minor: tuple[int, int], architecture: Architecture) -> bool:
    """Whether this minor picks Model Runner V2 by itself for this model (``VllmConfig.use_v2_model_runner``)."""
    if minor >= (0, 31):
        return True
    listed = architecture.model_type in _V2_LISTED
    dense = architecture.experts.count == 0
    if minor >= (0, 25):
        return not architecture.hybrid and (dense or listed)
    if minor >= (0, 24):
        return listed
    if minor >= (0, 23):
        plain = architecture.model_type in {"qwen3", "llama", "mistral"}
        return plain and architecture.quantization.default is None
    return minor >= (0, 22) and architecture.model_type == "qwen3" and architecture.quantization.default is None
