"""Time per output token and time to first token of one replica, from a roofline.

One engine step makes one token for each of B running sequences. Its time is a sum of physical parts, each known from the
architecture and the GPU's datasheet, times one fitted efficiency (``roofline.py``):

* ``read``, ``expert_read``: weights the step touches, over memory bandwidth. Of E experts a batch of B tokens with k active
  ones touches E (1 - (1 - k/E)^B);
* ``cache``: the KV cache and the recurrent states of B sequences, over memory bandwidth;
* ``dequantize``: the weights among them that are integers below 8 bits, widened before they are multiplied;
* ``compute``: 2 x active weights x B operations over the peak rate of the weights' arithmetic;
* ``prefill``: sequences end and new prompts take their place: B x prompt / completion prompt tokens ride on every step;
* ``link`` and ``reduce``: two all-reduces a layer, bytes over the link and a latency each;
* ``layer``, ``matrix``, ``unfused_experts``, ``sequence``, ``step``: launches and scheduling.

Near saturation queues, not the roofline, decide the time to first token: it is stated for an unsaturated replica only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log2

from llmgen.architecture import Architecture, AttentionKind, StoredBlock
from llmgen.architecture.schemes import MXFP4, Scheme
from llmgen.sizing import roofline
from llmgen.sizing.constants import parse_minor
from llmgen.sizing.device import Device
from llmgen.sizing.engine import EngineSettings
from llmgen.sizing.kvcache import cache_dtype, state_bytes, token_bytes
from llmgen.sizing.units import Term
from llmgen.sizing.weights import WeightRules, block_bytes, bytes_per_element

_MS = 1000.0
_RULES = WeightRules()
# Share of the datasheet peak a prefill reaches, used only to see how much of it hides behind the weight read.
PREFILL_EFFICIENCY = 0.5
# Scheduling overlaps the GPU by default from this minor on.
ASYNC_SCHEDULING = (0, 14)
# From this compute capability on, routing, quantization and both expert products run as one fused kernel.
BLACKWELL = (10, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """Milliseconds and tokens per second of one replica, with the error seen on families left out of the fit."""

    tpot_ms: Term
    ttft_ms: Term
    output_tokens_per_second: Term
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What a step of one model on one GPU shape costs, reduced to the numbers that depend on load only by B."""

    dense_bytes: float
    experts: tuple[tuple[float, int, int], ...]
    kv_bytes: float
    window_bytes: tuple[tuple[float, int], ...]
    state_bytes: float
    flops_per_token: float
    attention_flops: float
    peak: float
    bandwidth: float
    link: float
    layers: int
    expert_layers: int
    matrices: int
    prompt_budget: int
    hidden: int
    element: float
    tensor_parallel: int
    stages: int
    old: bool = False
    narrow_bytes: float = 0.0
    narrow_experts: bool = False
    unfused: bool = False


def latency(
    architecture: Architecture,
    device: Device,
    engine: EngineSettings,
    *,
    prompt_tokens: float,
    completion_tokens: float,
    concurrency: float,
) -> Latency:
    """Latency of one replica with ``concurrency`` running sequences of mean ``prompt_tokens`` and ``completion_tokens``."""
    model = architecture.requantized(engine.quantization) if engine.quantization else architecture
    return latency_of(costs(model, device, engine), prompt_tokens, completion_tokens, concurrency)


def latency_of(cost: Costs, prompt_tokens: float, completion_tokens: float, concurrency: float) -> Latency:
    """As :func:`latency`, for costs already reduced: a search asks for many loads of one shape."""
    parts = step_parts(cost, prompt_tokens, completion_tokens, concurrency)
    step = sum(roofline.STEP[name] * value for name, value in parts.items())
    # Prompts that other sequences have under way at the same time, by Little's law: their rate times their length.
    alone = _first_ms(cost, prompt_tokens, 1)
    others = concurrency / max(completion_tokens, 1.0) / step * alone
    ttft = _first_ms(cost, prompt_tokens, 1 + min(others, max(concurrency - 1, 0)))
    total = ttft + step * max(completion_tokens - 1, 0)
    rate = concurrency * completion_tokens / total * _MS if total else 0.0
    largest = sorted(parts, key=lambda name: roofline.STEP[name] * parts[name], reverse=True)[:3]
    shown = ", ".join(f"{name} {roofline.STEP[name] * parts[name]:.1f}" for name in largest)
    return Latency(
        tpot_ms=Term(step, "ms", f"{concurrency:g} sequences: {shown} ms; {roofline.STEP_ERROR}"),
        ttft_ms=Term(ttft, "ms", f"prefill of {prompt_tokens:g} tokens, unsaturated; {roofline.FIRST_ERROR}"),
        output_tokens_per_second=Term(
            rate, "tokens/s", f"{concurrency:g} x {completion_tokens:g} tokens in {total / _MS:.2f} s"
        ),
        error=roofline.STEP_ERROR,
    )


def step_ms(cost: Costs, prompt: float, completion: float, batch: float) -> float:
    """Predicted milliseconds per output token."""
    return sum(roofline.STEP[name] * value for name, value in step_parts(cost, prompt, completion, batch).items())


def largest_batch(cost: Costs, prompt: float, completion: float, target_ms: float, limit: int) -> int:
    """The most running sequences, up to ``limit``, whose time per token stays within ``target_ms``; 0 when none does."""
    low, high = 0, limit
    while low < high:
        middle = (low + high + 1) // 2
        if step_ms(cost, prompt, completion, middle) <= target_ms:
            low = middle
        else:
            high = middle - 1
    return low


def step_parts(cost: Costs, prompt: float, completion: float, batch: float, *, cached: float = 0.0) -> dict[str, float]:
    """Unscaled milliseconds (or counts) of one step, by the names of ``roofline.STEP``.

    ``cached`` is how many of the prompt's tokens the prefix cache already holds: they are read, not computed.
    """
    per_byte, per_flop = _MS / cost.bandwidth, _MS / cost.peak
    context, turnover = prompt + completion / 2, batch / max(completion, 1.0)
    held = cost.kv_bytes * context + sum(size * min(context, window) for size, window in cost.window_bytes)
    routed = sum(size * (1 - (1 - active / count) ** batch) for size, count, active in cost.experts)
    computed = prompt - cached
    reduces = 2 * cost.layers if cost.tensor_parallel > 1 else 0
    ring = 2 * (cost.tensor_parallel - 1) / cost.tensor_parallel
    moved = reduces * (batch + turnover * computed) * cost.hidden * cost.element * ring
    return {
        "step": float(cost.stages),
        "layer": float(cost.layers),
        "matrix": float(cost.matrices),
        "old_layer": float(cost.layers) if cost.old else 0.0,
        "unfused_experts": float(cost.expert_layers) if cost.unfused else 0.0,
        "read": cost.dense_bytes * per_byte,
        "expert_read": routed * per_byte,
        "cache": batch * (held + cost.state_bytes) * per_byte,
        "dequantize": (cost.narrow_bytes + (routed if cost.narrow_experts else 0.0)) * per_byte,
        "compute": batch * cost.flops_per_token * per_flop,
        "prefill": turnover * _felt_prefill(cost, computed, prompt, routed),
        "reduce": reduces * log2(cost.tensor_parallel),
        "link": moved / cost.link * _MS,
        "sequence": batch,
    }


def _felt_prefill(cost: Costs, computed: float, prompt: float, routed: float) -> float:
    """Milliseconds one prompt adds to the steps it rides on.

    A mixed step reads weights once for prompt and running sequences, but its prompt touches every expert: what is felt is
    the longer of computing and reading, less what the step would have read anyway. ``routed`` bytes of experts are.
    """
    work = computed * (cost.flops_per_token + cost.attention_flops * prompt / 2) / cost.peak * _MS / PREFILL_EFFICIENCY
    steps = computed / cost.prompt_budget
    every = steps * (cost.dense_bytes + sum(size for size, _, _ in cost.experts)) / cost.bandwidth * _MS
    return max(work, every) - steps * (cost.dense_bytes + routed) / cost.bandwidth * _MS


def first_parts(cost: Costs, prompt: float, together: float) -> dict[str, float]:
    """Unscaled milliseconds (or counts) of the first token, by the names of ``roofline.FIRST``.

    Of ``together`` prompts that arrive at once the mean one waits for half of the others. A prompt runs outside CUDA graphs:
    every matrix costs a launch.
    """
    turns = (together + 1) / 2
    work = prompt * (cost.flops_per_token + cost.attention_flops * prompt / 2) / cost.peak * _MS
    ring = 2 * (cost.tensor_parallel - 1) / cost.tensor_parallel
    moved = 2 * cost.layers * prompt * cost.hidden * cost.element * ring
    return {"prefill": turns * work, "matrix": float(cost.matrices), "link": turns * moved / cost.link * _MS}


def _first_ms(cost: Costs, prompt: float, together: float) -> float:
    return sum(roofline.FIRST[name] * value for name, value in first_parts(cost, prompt, together).items())


def costs(model: Architecture, device: Device, engine: EngineSettings) -> Costs:
    """Reduce a model, a GPU and an engine to the numbers a step depends on. Bytes and FLOP are per GPU."""
    parallel, element = engine.tensor_parallel, bytes_per_element(engine.dtype, model.dtype)
    dense, flops, attention_flops, kv, states = 0.0, 0.0, 0.0, 0.0, 0.0
    experts: list[tuple[float, int, int]] = []
    windows: list[tuple[float, int]] = []
    expert_layers, narrow, narrow_experts = 0, 0.0, False
    for number, stored in zip(model.counts, model.blocks, strict=True):
        block = stored.block
        whole = block_bytes(stored, parallel, element, _RULES)
        routed = _expert_bytes(stored, parallel, element)
        dense += number * (whole - routed)
        widened = [_is_widened(scheme) for scheme in stored.schemes]
        narrow_experts = narrow_experts or any(
            wide and matrix.count > 1 for wide, matrix in zip(widened, stored.block.matrices, strict=False)
        )
        narrow += number * _dense_bytes(stored, widened, parallel)
        flops += number * 2 * block.active_parameters / parallel
        if routed:
            experts.append((number * routed, block.experts.count, block.experts.active))
            expert_layers += number
        attention = block.attention
        if attention.kind is AttentionKind.STATE:
            states += number * 2 * state_bytes(attention, parallel, element, model)
            continue
        if attention.kind is AttentionKind.NONE:
            continue
        size = number * token_bytes(attention, parallel, element, cache_dtype(model, engine))
        if attention.window:
            windows.append((size, attention.window))
        else:
            kv += size
        attention_flops += number * 4 * attention.query_dim / parallel
    table = model.vocabulary * model.hidden / parallel
    return Costs(
        dense_bytes=dense + table * element,
        experts=tuple(experts),
        kv_bytes=kv,
        window_bytes=tuple(windows),
        state_bytes=states,
        flops_per_token=flops + 2 * table,
        attention_flops=attention_flops,
        peak=_peak(model, device) * 1e12,
        bandwidth=device.bandwidth_gbps * 1e9,
        link=device.link_gbps * 1e9 / 2,
        layers=model.layers,
        expert_layers=expert_layers,
        matrices=sum(n * len(s.block.matrices) for n, s in zip(model.counts, model.blocks, strict=True)),
        prompt_budget=engine.max_num_batched_tokens,
        hidden=model.hidden,
        element=element,
        tensor_parallel=parallel,
        stages=engine.pipeline_parallel,
        old=(parse_minor(engine.version) or ASYNC_SCHEDULING) < ASYNC_SCHEDULING,
        narrow_bytes=narrow,
        narrow_experts=narrow_experts,
        unfused=device.capability < BLACKWELL and "fp8" in _computes(model),
    )


def _expert_bytes(stored: StoredBlock, parallel: int, element: float) -> float:
    if not stored.block.experts.count:
        return 0.0
    total = 0.0
    for matrix, scheme in zip(stored.block.matrices, stored.schemes, strict=False):
        if matrix.count > 1:
            width = scheme.bytes_per_weight if scheme is not None else element
            total += matrix.weights * width / parallel
    return total


def _dense_bytes(stored: StoredBlock, chosen: Sequence[bool], parallel: int) -> float:
    """Bytes per GPU of the chosen matrices that are not experts."""
    rows = zip(stored.block.matrices, stored.schemes, chosen, strict=False)
    return sum(
        matrix.weights * scheme.bytes_per_weight / parallel
        for matrix, scheme, here in rows
        if here and scheme is not None and matrix.count == 1
    )


def _is_widened(scheme: Scheme | None) -> bool:
    """Whether weights are integers below 8 bits that kernels widen before they multiply."""
    return scheme is not None and scheme.bits < 8 and scheme.compute == "bf16" and scheme is not MXFP4


def _computes(model: Architecture) -> set[str]:
    return {scheme.compute for stored in model.blocks for scheme in stored.schemes if scheme is not None}


def _peak(model: Architecture, device: Device) -> float:
    """TFLOP/s of the arithmetic most weights use; a GPU without it computes in 16 bits."""
    computes = _computes(model)
    if "fp4" in computes:
        return device.fp4_tflops or device.bf16_tflops
    if computes & {"fp8", "int8"}:
        return device.fp8_tflops or device.bf16_tflops
    return device.bf16_tflops
