"""One shape: a GPU, a split, a quantization; whether it meets the workload, and at what cost."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor

from llmgen.architecture import Architecture
from llmgen.sizing.constants import constants
from llmgen.sizing.engine import EngineSettings, default_batch
from llmgen.sizing.latency import Latency, costs, largest_batch, latency_of
from llmgen.sizing.memory import MemoryPlan, memory
from llmgen.sizing.units import Term
from llmgen.sizing.workload import PoolOffer, Workload

# More sequences than this per pod are never planned: the sampler's memory grows with it and no target needs it.
_MOST_SEQUENCES = 256
# First compute capability with bfloat16 and with the kernels of quantized caches.
_AMPERE = (8, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A way to serve the model. ``rejected`` is empty when it meets the workload; ``concurrency`` is C of one pod."""

    pool: str
    gpu: str
    tensor_parallel: int
    pipeline_parallel: int
    quantization: str | None
    kv_cache_dtype: str
    engine: EngineSettings
    memory: MemoryPlan
    latency: Latency | None
    concurrency: Term
    concurrency_mean: int
    limited_by: str
    replicas: Term
    gpus: int
    nodes: int
    cost_per_hour_usd: Term | None
    cost_per_million_tokens_usd: Term | None
    rejected: tuple[str, ...]
    rank: int | None = None

    @property
    def fits(self) -> bool:
        """Whether the shape meets the workload."""
        return not self.rejected

    @property
    def label(self) -> str:
        """Short name for tables: ``H100-SXM-80GB x2 fp8``."""
        pipeline = f" PP{self.pipeline_parallel}" if self.pipeline_parallel > 1 else ""
        kv = "" if self.kv_cache_dtype == "auto" else f" kv:{self.kv_cache_dtype}"
        return f"{self.gpu} TP{self.tensor_parallel}{pipeline} {self.quantization or 'as stored'}{kv}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What one shape is made of, before it is sized."""

    offer: PoolOffer
    tensor_parallel: int
    pipeline_parallel: int
    quantization: str | None
    kv_cache_dtype: str
    version: str
    utilization: float | None
    max_model_len: int
    max_batched_tokens: int | None = None
    enforce_eager: bool = False


def size_shape(model: Architecture, workload: Workload, choice: Choice) -> Shape:
    """Size one choice. ``model`` already carries the choice's quantization."""
    offer, device = choice.offer, choice.offer.device
    engine = _engine(model, workload, choice)
    plan = memory(model, device, engine)
    rejected = [*plan.problems, *_unsuitable(choice)]
    fits_worst = plan.requests_that_fit(workload.max_tokens)
    fits_mean = plan.requests_that_fit(ceil(workload.prompt + workload.completion))
    if not rejected:
        rejected += _too_few(workload, fits_worst)
    batch, limited, speed = 0, "kv", None
    if not rejected:
        cost = costs(model, device, engine)
        batch, limited = _concurrency(workload, engine, fits_worst)
        if workload.tpot_target_ms is not None:
            quick = largest_batch(cost, workload.prompt, workload.completion, workload.tpot_target_ms, batch)
            batch, limited = (quick, "tpot") if quick < batch else (batch, limited)
        needed = workload.max_num_seqs or 1
        speed = latency_of(cost, workload.prompt, workload.completion, max(batch, needed))
        rejected += _too_slow(workload, speed, batch, needed)
    running = max(floor(batch * workload.use), 1)
    replicas = max(ceil(workload.peak_concurrent_requests / running), workload.least_replicas) if batch else 0
    nodes = _nodes(choice, replicas)
    if batch and nodes > offer.max_nodes:
        rejected.append(f"needs {nodes} nodes, pool has {offer.max_nodes}")
    if speed is not None and batch:
        load = min(running, workload.peak_concurrent_requests / max(replicas, 1))
        speed = latency_of(costs(model, device, engine), workload.prompt, workload.completion, load)
    hourly, million = _prices(choice, replicas, speed, engine.gpus)
    return Shape(
        pool=offer.name,
        gpu=device.name,
        tensor_parallel=choice.tensor_parallel,
        pipeline_parallel=choice.pipeline_parallel,
        quantization=choice.quantization,
        kv_cache_dtype=choice.kv_cache_dtype,
        engine=engine,
        memory=plan,
        latency=speed,
        concurrency=Term(
            batch, "requests", f"least of KV {fits_worst}, max-num-seqs {engine.max_num_seqs}, TPOT; {limited} decides"
        ),
        concurrency_mean=fits_mean,
        limited_by=limited,
        replicas=Term(
            replicas,
            "pods",
            f"peak {workload.peak_concurrent_requests} / ({batch} x {workload.use:g} = {running}) up, at least {workload.least_replicas}",
        ),
        gpus=replicas * engine.gpus,
        nodes=nodes,
        cost_per_hour_usd=hourly,
        cost_per_million_tokens_usd=million,
        rejected=tuple(rejected),
    )


def _engine(model: Architecture, workload: Workload, choice: Choice) -> EngineSettings:
    device = choice.offer.device
    row, _ = constants(choice.version, model)
    wanted = workload.max_num_seqs or ceil(workload.peak_concurrent_requests / workload.use)
    _, tokens = default_batch(device.memory_gib, device.name)
    return EngineSettings(
        version=choice.version,
        max_model_len=choice.max_model_len,
        max_num_seqs=max(min(wanted, _MOST_SEQUENCES) if workload.max_num_seqs is None else wanted, 1),
        max_num_batched_tokens=choice.max_batched_tokens or tokens,
        enforce_eager=choice.enforce_eager,
        gpu_memory_utilization=choice.utilization or row.default_utilization,
        tensor_parallel=choice.tensor_parallel,
        pipeline_parallel=choice.pipeline_parallel,
        dtype="float16" if device.capability < _AMPERE and model.dtype == "bfloat16" else "auto",
        quantization=choice.quantization,
        kv_cache_dtype=choice.kv_cache_dtype,
    )


def _unsuitable(choice: Choice) -> list[str]:
    offer, found = choice.offer, []
    per_node = choice.tensor_parallel
    if per_node > offer.gpus_per_node:
        found.append(f"TP {per_node} needs {per_node} GPUs on a node, pool {offer.name} has {offer.gpus_per_node}")
    if choice.kv_cache_dtype.startswith("fp8") and offer.device.capability < _AMPERE:
        major, minor = offer.device.capability
        found.append(
            f"KV cache in {choice.kv_cache_dtype} needs compute capability 8.0, {offer.device.name} has {major}.{minor}"
        )
    return found


def _too_few(workload: Workload, fits: int) -> list[str]:
    needed = workload.max_num_seqs or 1
    if fits >= needed:
        return []
    return [f"KV holds {fits} of {needed} requests"]


def _concurrency(workload: Workload, engine: EngineSettings, fits: int) -> tuple[int, str]:
    if fits < engine.max_num_seqs:
        return fits, "kv"
    return engine.max_num_seqs, "limit" if workload.max_num_seqs else "max-num-seqs"


def _too_slow(workload: Workload, speed: Latency, batch: int, needed: int) -> list[str]:
    found = []
    target = workload.tpot_target_ms
    if target is not None and batch < needed:
        found.append(f"TPOT {speed.tpot_ms.value:.0f} ms > {target:g} ms")
    first = workload.ttft_target_ms
    if first is not None and speed.ttft_ms.value > first:
        found.append(f"TTFT {speed.ttft_ms.value:.0f} ms > {first:g} ms")
    return found


def _nodes(choice: Choice, replicas: int) -> int:
    gpus = choice.tensor_parallel * choice.pipeline_parallel
    if gpus > choice.offer.gpus_per_node:
        return replicas * choice.pipeline_parallel
    pods = max(choice.offer.gpus_per_node // gpus, 1)
    return ceil(replicas / pods)


def _prices(choice: Choice, replicas: int, speed: Latency | None, gpus: int) -> tuple[Term | None, Term | None]:
    price = choice.offer.price_per_gpu_hour_usd
    if price is None or not replicas:
        return None, None
    hourly = replicas * gpus * price
    reason = f"{replicas} replicas x {gpus} GPUs x {price:g} $/h"
    if speed is None or not speed.output_tokens_per_second.value:
        return Term(hourly, "$/h", reason), None
    tokens = replicas * speed.output_tokens_per_second.value * 3600 / 1e6
    million = Term(
        hourly / tokens, "$/M tokens", f"{hourly:.2f} $/h over {tokens:.1f} M output tokens an hour at the peak"
    )
    return Term(hourly, "$/h", reason), million
