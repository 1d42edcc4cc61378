"""Memory of one GPU: what is taken, what is left for the KV cache, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass

from llmgen.architecture import Architecture, AttentionKind
from llmgen.sizing.activation import activation
from llmgen.sizing.constants import EngineConstants, TokenCount, constants
from llmgen.sizing.device import Device
from llmgen.sizing.engine import EngineSettings
from llmgen.sizing.graphs import cuda_graphs
from llmgen.sizing.kvcache import KvLayout, cache_dtype, layout
from llmgen.sizing.reserve import Doubt, reserve
from llmgen.sizing.units import GIB, Term
from llmgen.sizing.weights import StageWeights, WeightRules, bytes_per_element, unquantized_attention, weights

_TERMS = (
    "total",
    "weights",
    "activation",
    "non_torch",
    "cuda_graphs",
    "hidden",
    "reserve",
    "kv_cache",
    "kv_cache_safe",
    "kv_bytes_per_token",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryPlan:
    """Memory of the fullest GPU of a pod, every number with its reason. GiB unless the name says otherwise.

    ``kv_cache`` is the engine's own expectation, ``kv_cache_safe`` what a decision may count on. ``problems`` say why this
    shape cannot start, in plain words; ``unsupported`` why the numbers are not to be trusted.
    """

    total: Term
    weights: Term
    activation: Term
    non_torch: Term
    cuda_graphs: Term
    hidden: Term
    reserve: Term
    kv_cache: Term
    kv_cache_safe: Term
    kv_bytes_per_token: Term
    kv_cache_tokens: int
    kv_cache_tokens_safe: int
    max_concurrency: float
    layout: KvLayout
    blocks: int
    blocks_safe: int
    problems: tuple[str, ...]
    unsupported: tuple[str, ...]
    weight_bytes: float

    def requests_that_fit(self, tokens: int) -> int:
        """Whole requests of ``tokens`` (prompt and completion) in the safe pool."""
        return self.blocks_safe // self.layout.request_blocks(max(tokens, 1))

    def terms(self) -> dict[str, Term]:
        """The derivation, in the order it is computed."""
        return {name: getattr(self, name) for name in _TERMS}


def memory(architecture: Architecture, device: Device, engine: EngineSettings) -> MemoryPlan:
    """Size one pod of ``engine`` on ``device``. Pure: no disk, no clock."""
    model = architecture.requantized(engine.quantization) if engine.quantization else architecture
    row, version_doubts = constants(engine.version, model)
    element = bytes_per_element(engine.dtype, model.dtype)
    stages = _stages(model, engine, row)
    heaviest = max(stages, key=lambda stage: stage.total)
    weight_bytes = heaviest.total
    if engine.checkpoint_bytes is not None:
        weight_bytes = _from_checkpoint(stages, heaviest, engine.checkpoint_bytes, engine.tensor_parallel)
    peak = activation(model, engine, row, element)
    non_torch = _non_torch(row, device, engine)
    graphs = cuda_graphs(model, engine, heaviest.layers)
    requested = device.memory_gib * engine.gpu_memory_utilization
    weights_gib = weight_bytes / GIB
    taken = weights_gib + peak.gib + peak.persistent_gib + non_torch.value
    pool = requested - taken - (graphs.value if row.graphs_reserved else 0.0)
    unsupported = model.unsupported + version_doubts + _device_doubts(device)
    margin = reserve(
        Doubt(
            reasons=unsupported,
            engine=engine,
            device=device,
            row=row,
            architecture=model,
            weights_gib=weights_gib,
            activation_gib=peak.gib,
            pool_gib=pool,
            unquantized_gib=unquantized_attention(model, engine.tensor_parallel, element) / GIB,
        )
    )
    safe = pool - margin.value - peak.hidden_gib
    pages = layout(
        model,
        tensor_parallel=engine.tensor_parallel,
        stage_layers=max(stage.layers for stage in stages),
        element=element,
        kv_dtype=cache_dtype(model, engine),
        block_size=_block_size(model, engine),
        in_flight=engine.max_num_batched_tokens * row.in_flight_batches,
        state_blocks=row.state_blocks,
        latent_multiple=row.latent_multiple,
    )
    blocks = _blocks(pool, pages)
    blocks_safe = _blocks(safe, pages)
    tokens = _tokens(blocks, pages, engine.max_model_len, row)
    return MemoryPlan(
        total=Term(device.memory_gib, "GiB", f"{device.name}: memory the driver reports, not the number in its name"),
        weights=Term(weights_gib, "GiB", _weights_reason(model, engine, heaviest)),
        activation=Term(peak.gib + peak.persistent_gib, "GiB", peak.because),
        non_torch=non_torch,
        cuda_graphs=graphs,
        hidden=Term(peak.hidden_gib, "GiB", peak.hidden_because),
        reserve=margin,
        kv_cache=Term(pool, "GiB", _pool_reason(device, engine, row, taken, graphs.value)),
        kv_cache_safe=Term(
            safe,
            "GiB",
            f"{pool:.2f} less {margin.value:.2f} reserve and {peak.hidden_gib:.2f} the profiler does not see",
        ),
        kv_bytes_per_token=_token_cost(pages, engine.max_model_len, row),
        kv_cache_tokens=tokens,
        kv_cache_tokens_safe=_tokens(blocks_safe, pages, engine.max_model_len, row),
        max_concurrency=blocks / pages.request_blocks(engine.max_model_len),
        layout=pages,
        blocks=blocks,
        blocks_safe=blocks_safe,
        problems=_problems(model, engine, weights_gib, requested, safe, blocks_safe, pages),
        unsupported=unsupported,
        weight_bytes=sum(stage.total for stage in stages) * engine.tensor_parallel,
    )


def _stages(model: Architecture, engine: EngineSettings, row: EngineConstants) -> tuple[StageWeights, ...]:
    width, inputs, scales = row.mxfp4_tile
    return weights(
        model,
        tensor_parallel=engine.tensor_parallel,
        pipeline_parallel=engine.pipeline_parallel,
        dtype=engine.dtype,
        rules=WeightRules(expert_width=width, expert_inputs=inputs, pad_scales=scales),
    )


def _from_checkpoint(
    stages: tuple[StageWeights, ...], heaviest: StageWeights, checkpoint_bytes: int, tensor_parallel: int
) -> float:
    """The file knows the total better than the closed form; the closed form knows how it divides."""
    everything = sum(stage.total - stage.rotary for stage in stages) * tensor_parallel
    share = (heaviest.total - heaviest.rotary) / everything if everything else 1.0
    return checkpoint_bytes * share + heaviest.rotary


def _block_size(model: Architecture, engine: EngineSettings) -> int:
    # The sparse MLA kernels read the cache in pages of 64 tokens.
    return max(engine.block_size, 64) if model.attention.index_head_dim else engine.block_size


def _non_torch(row: EngineConstants, device: Device, engine: EngineSettings) -> Term:
    if engine.tensor_parallel == 1:
        return Term(row.single, "GiB", f"CUDA context and libraries, one GPU, vLLM {row.minor}+")
    if device.nvlink:
        base, each = row.nvlink
        value = base + each * engine.tensor_parallel
        return Term(value, "GiB", f"NCCL and custom all-reduce buffers over NVLink, TP {engine.tensor_parallel}")
    return Term(row.pcie, "GiB", f"NCCL buffers over PCIe, TP {engine.tensor_parallel}, vLLM {row.minor}+")


def _device_doubts(device: Device) -> tuple[str, ...]:
    if device.vendor == "nvidia":
        return ()
    return (f"{device.name} is not an NVIDIA GPU: constants were measured on NVIDIA only",)


def _blocks(pool_gib: float, pages: KvLayout) -> int:
    return max(int(pool_gib * GIB // pages.block_bytes), 0)


def _tokens(blocks: int, pages: KvLayout, length: int, row: EngineConstants) -> int:
    if row.tokens is TokenCount.PER_GROUP:
        return blocks // max(pages.group_count, 1) * pages.block_size
    return int(blocks / pages.request_blocks(length) * length)


def _token_cost(pages: KvLayout, length: int, row: EngineConstants) -> Term:
    if row.tokens is TokenCount.PER_GROUP:
        value = pages.block_bytes * pages.group_count / pages.block_size
        return Term(
            value, "bytes", f"{pages.group_count} groups x {pages.block_bytes:.0f} B / {pages.block_size} tokens"
        )
    blocks = pages.request_blocks(length)
    value = blocks * pages.block_bytes / length
    return Term(value, "bytes", f"{blocks} blocks x {pages.block_bytes:.0f} B for a request of {length} tokens")


def _weights_reason(model: Architecture, engine: EngineSettings, stage: StageWeights) -> str:
    if engine.checkpoint_bytes is not None:
        return f"{engine.checkpoint_bytes / GIB:.2f} GiB of safetensors over {engine.gpus} GPUs"
    form = model.quantization.default.name if model.quantization.default else engine.dtype
    return (
        f"{model.parameters / 1e9:.2f} B weights as {form}, {stage.layers} of {model.layers} layers, "
        f"TP {engine.tensor_parallel}: layers {stage.matrices / GIB:.2f}, embeddings {stage.tables / GIB:.2f}, "
        f"vision {stage.vision / GIB:.2f}, rotary {stage.rotary / GIB:.2f}"
    )


def _pool_reason(device: Device, engine: EngineSettings, row: EngineConstants, taken: float, graphs: float) -> str:
    kept = f" - {graphs:.2f} graphs" if row.graphs_reserved else ""
    return f"{device.memory_gib:.2f} x {engine.gpu_memory_utilization:g} - {taken:.2f} taken{kept}"


def _problems(
    model: Architecture,
    engine: EngineSettings,
    weights_gib: float,
    requested: float,
    safe: float,
    blocks: int,
    pages: KvLayout,
) -> tuple[str, ...]:
    found = list(divisibility(model, engine.tensor_parallel, engine.pipeline_parallel))
    if weights_gib > requested:
        found.append(f"weights {weights_gib:.1f} GiB > {requested:.1f} GiB per GPU")
    elif safe <= 0:
        found.append(f"no memory left for KV after weights {weights_gib:.1f} GiB of {requested:.1f} GiB per GPU")
    elif blocks < pages.request_blocks(engine.max_model_len):
        found.append(f"KV cannot hold one request of {engine.max_model_len} tokens")
    return tuple(found)


def divisibility(model: Architecture, tensor_parallel: int, pipeline_parallel: int) -> tuple[str, ...]:
    """Why a model cannot be cut this way; empty when it can."""
    found = []
    for stored in model.blocks:
        attention = stored.block.attention
        if attention.heads and attention.kind is not AttentionKind.NONE and attention.heads % tensor_parallel:
            found.append(f"{attention.heads} heads do not divide by TP {tensor_parallel}")
        kv_heads = attention.kv_heads
        if (
            attention.kind is not AttentionKind.MLA
            and kv_heads
            and max(kv_heads, tensor_parallel) % min(kv_heads, tensor_parallel)
        ):
            found.append(f"{kv_heads} KV heads do not divide by TP {tensor_parallel}")
    if pipeline_parallel > model.layers:
        found.append(f"{model.layers} layers do not fill PP {pipeline_parallel}")
    return tuple(dict.fromkeys(found))
