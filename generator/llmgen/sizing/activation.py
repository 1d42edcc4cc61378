"""Peak of the profiling pass: the larger of the forward pass and the dummy sampler run, over buffers that stay.

Per GPU, T = max-num-batched-tokens, H = hidden size, e = bytes of an activation:

* hidden states and the step's own copies: (1 + 0.14) T H e, plus 0.05 GiB of small buffers (fitted on 52 logs of 0.19.0);
* forward: gate and up together, their product, and 3.4 T H e of attention inputs, residual and outputs;
* sampler: max-num-seqs x vocabulary x bytes of the version; it does not shrink with TP;
* experts: the fused kernel's two workspaces, which the engine keeps from 0.13 on.
"""

from __future__ import annotations

from dataclasses import dataclass

from llmgen.architecture import Architecture
from llmgen.sizing.constants import EngineConstants
from llmgen.sizing.engine import EngineSettings
from llmgen.sizing.units import GIB

_SMALL_GIB = 0.05
_HIDDEN_COPIES = 1.14
_FORWARD_COPIES = 3.43
# Multimodal models feed embeddings instead of token ids, and the encoder cache stays while the sampler runs.
_VISION_GIB = 0.07


@dataclass(frozen=True, slots=True, kw_only=True)
class Activation:
    """GiB at the peak, GiB kept for the engine's life, and GiB a real request may need beyond the profiled peak."""

    gib: float
    persistent_gib: float
    hidden_gib: float
    because: str
    hidden_because: str


def activation(model: Architecture, engine: EngineSettings, row: EngineConstants, element: float) -> Activation:
    """Activation of the fullest GPU."""
    tokens = engine.max_num_batched_tokens
    sequences = min(engine.max_num_seqs, tokens)
    row_bytes = tokens * model.hidden * element
    logits = sequences * model.vocabulary
    # Logits come in the model's type: fp32 models pay two bytes more for each.
    per_logit = row.sampler_bytes + (element - 2)
    workspace = _workspace(model, engine, tokens) * element
    forward = _FORWARD_COPIES * row_bytes + _widest(model, engine, tokens, element)
    sampler = logits * per_logit + _HIDDEN_COPIES * row_bytes
    peak = workspace + max(forward, sampler) if row.workspace_persists else max(forward + workspace, sampler)
    if engine.pipeline_parallel > 1:
        peak += 2 * row_bytes
    extra = _SMALL_GIB
    if model.vision:
        extra += _VISION_GIB
        peak += row_bytes
    persistent = engine.max_num_seqs * model.vocabulary * row.persistent_bytes / GIB
    hidden = logits * row.hidden_bytes / GIB
    larger = "sampler" if sampler >= forward else "forward pass"
    return Activation(
        gib=peak / GIB + extra,
        persistent_gib=persistent,
        hidden_gib=hidden,
        because=(
            f"{larger} is larger: sampler {sequences} seqs x {model.vocabulary} x {per_logit:g} B = "
            f"{logits * per_logit / GIB:.2f}, forward of {tokens} tokens {forward / GIB:.2f}, "
            f"expert workspace {workspace / GIB:.2f}, kept {persistent:.2f} GiB"
        ),
        hidden_because=(
            f"Model Runner V2 does not profile top-k, top-p and logprobs: {sequences} x {model.vocabulary} x "
            f"{row.hidden_bytes:g} B"
            if hidden
            else "the profiler runs the full sampler"
        ),
    )


def _widest(model: Architecture, engine: EngineSettings, tokens: int, element: float) -> float:
    """Bytes of the widest MLP: gate and up, their product, and its 8-bit copy when activations are quantized."""
    widest = 0.0
    for stored in model.blocks:
        block = stored.block
        width = max(block.dense_width, block.experts.shared_width) / engine.tensor_parallel
        scheme = stored.schemes[-1] if stored.schemes else None
        narrow = 0.5 * element if scheme is not None and scheme.compute != "bf16" else 0.0
        widest = max(widest, width * (3 * element + narrow))
    return tokens * widest


def _workspace(model: Architecture, engine: EngineSettings, tokens: int) -> float:
    """Elements of the fused expert kernel's workspaces: the two products share one, the activation has its own."""
    experts = model.experts
    if not experts.count:
        return 0.0
    width = experts.width / engine.tensor_parallel
    return tokens * experts.active * (max(2 * width, model.hidden) + width)
