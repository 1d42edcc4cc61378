"""The one-sided margin between what the engine will print and what a decision may count on.

Every part answers one way the point estimate was seen to be wrong on ``benchmarks/data/sizing-truth.jsonl``; the parts add up
because the errors were seen together. ``benchmarks/sizing.py`` proves the sum on every row.
"""

from __future__ import annotations

from dataclasses import dataclass

from llmgen.architecture import Architecture, AttentionKind
from llmgen.sizing.constants import EngineConstants, parse_minor
from llmgen.sizing.device import Device
from llmgen.sizing.engine import EngineSettings
from llmgen.sizing.units import Term

# 90 % of weights are within 0.5 % of the closed form; the allocator's odd halves of a segment make the rest.
_WEIGHTS = 0.005
_ACTIVATION = 0.06
_BASE_GIB = 0.15
# Spread of the same configuration over drivers, kernels and start-up order.
_POOL = 0.03
# Communication buffers of TP > 1 moved by up to 1 GiB between minors and by 0.2 GiB between topologies.
_PARALLEL_GIB = 0.35
_VISION_GIB = 0.35
# Recurrent hybrids: states, convolution buffers and graph pools beyond the page arithmetic.
_HYBRID_GIB, _HYBRID_POOL = 0.5, 0.02
# A doubt stated in ``unsupported`` is worth this much of the weights, and half a GiB.
_DOUBT_WEIGHTS, _DOUBT_GIB = 0.025, 0.5
# V0 kept other buffers in almost every minor; its MLA kept matrices no closed form counted.
_V0_POOL, _V0_LATENT_POOL = 0.1, 0.35
# Closed-form constants were 27 % too high on the one AMD card that was measured.
_FOREIGN_POOL = 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """What the margin depends on; GiB per GPU. ``unquantized_gib``: more weights if attention were unquantized."""

    reasons: tuple[str, ...]
    engine: EngineSettings
    device: Device
    row: EngineConstants
    architecture: Architecture
    weights_gib: float
    activation_gib: float
    pool_gib: float
    unquantized_gib: float


def reserve(doubt: Doubt) -> Term:
    """GiB kept back from the point estimate of the KV pool."""
    parts = {name: value for name, value in _parts(doubt).items() if value > 0}
    text = ", ".join(f"{name} {value:.2f}" for name, value in parts.items())
    return Term(sum(parts.values()), "GiB", f"one-sided margin: {text}")


def _parts(doubt: Doubt) -> dict[str, float]:
    model, pool = doubt.architecture, max(doubt.pool_gib, 0.0)
    minor = parse_minor(doubt.engine.version)
    old = minor is not None and minor < (0, 8)
    latent = model.attention.kind is AttentionKind.MLA
    return {
        "base": _BASE_GIB,
        "spread": _POOL * pool,
        "weights": _WEIGHTS * doubt.weights_gib,
        "activation": _ACTIVATION * doubt.activation_gib,
        "communication": _PARALLEL_GIB if doubt.engine.gpus > 1 else 0.0,
        "vision": _VISION_GIB if model.vision else 0.0,
        "hybrid": _HYBRID_GIB + _HYBRID_POOL * pool if model.hybrid else 0.0,
        "partly quantized": doubt.unquantized_gib if model.quantization.incomplete else 0.0,
        "doubts": _DOUBT_GIB + _DOUBT_WEIGHTS * doubt.weights_gib if doubt.reasons and not old else 0.0,
        "V0 engine": (_V0_LATENT_POOL if latent else _V0_POOL) * pool if old else 0.0,
        "not NVIDIA": _FOREIGN_POOL * pool if doubt.device.vendor != "nvidia" else 0.0,
    }
