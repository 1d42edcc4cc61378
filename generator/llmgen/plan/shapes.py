"""The GPU shape of each revision: chosen by cost, or the one the spec fixes, checked."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from llmgen.invariants_scaling import HIGHEST
from llmgen.sizing import Device, PoolOffer, SearchResult, Shape, Workload, search
from llmgen.spec.model import GpuChoice

if TYPE_CHECKING:
    from llmgen.checks.context import Context, Resolved
    from llmgen.facts import Facts

STAFFING = 1.74
"""Square roots of the peak that are kept free for the swings of arrivals. An interactive fleet of L + z x sqrt(L) places for L requests in
flight makes one request in twenty wait where z x Phi(z) / phi(z) = 19 (S. Halfin, W. Whitt, Heavy-traffic limits for queues with many
exponential servers, Operations Research 29, 1981): so a large fleet may run hotter than a small one. What it is worth on replayed days
is in docs/explanation/scaling.md.
"""
QUEUEING = 0.8
"""The share for classes that may queue."""


def utilization(item: Resolved) -> float:
    """Return the share of an engine's concurrency that is planned to be in use at the peak, in hundredths."""
    chosen = item.revision.scaling.target_utilization
    if chosen is not None:
        return chosen
    if item.model.preemptible:
        return QUEUEING
    peak = item.model.targets.peak_concurrent_requests
    return min(math.floor(100 / (1 + STAFFING / math.sqrt(peak))) / 100, HIGHEST)


def choose(context: Context, facts: Facts, item: Resolved) -> Shape | None:
    """Return the shape of ``item``, or None after reporting why there is none."""
    found = facts.revisions[item.model_name, item.name]
    if found.architecture is not None and found.architecture.unsupported:
        reasons = "; ".join(found.architecture.unsupported)
        context.add(
            "LLM303",
            (*item.path, "source"),
            f"the architecture of {item.model_name}/{item.name} cannot be sized: {reasons}",
            key=True,
        )
        return None
    result = shapes(context, facts, item)
    if result is None or not result.shapes:
        return None
    if result.best is None:
        _report(context, item, result)
    return result.best


def shapes(context: Context, facts: Facts, item: Resolved) -> SearchResult | None:
    """Return every shape of ``item`` ranked or rejected; None where a fact is missing, which has been reported."""
    found = facts.revisions[item.model_name, item.name]
    if found.architecture is None or found.version is None:
        return None
    revision, workload, offers = item.revision, _workload(context, item), tuple(_offers(context, facts, item))
    quantization = "fp8" if revision.quantization == "fp8" else None
    engine = revision.engine
    # Models that share everything are sized once: a platform has many models and few shapes.
    key = (
        found.architecture_from, workload, offers, engine.version, quantization, revision.kv_cache_dtype,
        engine.gpu_memory_utilization, engine.max_batched_tokens, engine.enforce_eager,
    )  # fmt: skip
    if key not in facts.searches:
        facts.searches[key] = search(
            found.architecture, workload, offers, engine_version=engine.version, quantizations=(quantization,),
            kv_cache_dtypes=(revision.kv_cache_dtype,), utilization=engine.gpu_memory_utilization,
            max_batched_tokens=engine.max_batched_tokens, enforce_eager=engine.enforce_eager,
        )  # fmt: skip
    return facts.searches[key]


def redundant(context: Context, item: Resolved) -> int:
    """Return the engines that run for redundancy alone: two of an interactive model in production, on two nodes if need be."""
    return 2 if context.spec.production and not item.model.preemptible else 1


def _workload(context: Context, item: Resolved) -> Workload:
    limits, targets = item.model.limits, item.model.targets
    return Workload(
        max_prompt_tokens=limits.max_prompt_tokens,
        max_completion_tokens=limits.max_completion_tokens,
        mean_prompt_tokens=targets.mean_prompt_tokens,
        mean_completion_tokens=targets.mean_completion_tokens,
        peak_concurrent_requests=targets.peak_concurrent_requests,
        ttft_target_ms=None if targets.ttft_p95 is None else targets.ttft_p95 * 1000,
        tpot_target_ms=None if targets.tpot_p95 is None else targets.tpot_p95 * 1000,
        peak_growth_per_minute=targets.growth_per_minute,
        max_num_seqs=limits.max_concurrent_requests,
        target_use=utilization(item),
        least_replicas=redundant(context, item),
    )


def _offers(context: Context, facts: Facts, item: Resolved) -> list[PoolOffer]:
    """Offer every pool the revision may use; engines stay on one node."""
    gpu = item.revision.gpu
    fixed = gpu if isinstance(gpu, GpuChoice) else None
    offers = []
    for name, pool in context.spec.cluster.pools.items():
        if name not in facts.gpus or (fixed is not None and fixed.pool not in (None, name)):
            continue
        price = facts.gpus[name].price_per_hour_usd if pool.price_per_gpu_hour is None else pool.price_per_gpu_hour
        offers.append(
            PoolOffer(
                name=name, device=Device.of(facts.gpus[name], mig=pool.mig), gpus_per_node=pool.gpus_per_node, max_nodes=pool.max_nodes,
                price_per_gpu_hour_usd=price, mig_profile=pool.mig, across_nodes=False,
                tensor_parallel=fixed.tensor_parallel if fixed else None, pipeline_parallel=fixed.pipeline_parallel if fixed else None,
            )
        )  # fmt: skip
    return offers


def _report(context: Context, item: Resolved, result: SearchResult) -> None:
    """Say why no shape works: one line per shape, in the order tried."""
    lines = [f"{shape.pool} {_split(shape)}: {', '.join(shape.rejected)}" for shape in result.shapes]
    gpu = item.revision.gpu
    if isinstance(gpu, GpuChoice) and gpu.pool is not None and gpu.tensor_parallel is not None and len(lines) == 1:
        context.add(
            "LLM302",
            (*item.path, "gpu"),
            f"{item.model_name}/{item.name} does not work on {lines[0]}",
            key=True,
            hint="gpu: auto lets the plan choose, and llmgen size shows every shape"
            + (f"; or raise cluster.pools.{gpu.pool}.maxNodes" if "nodes" in lines[0] else ""),
        )
        return
    context.add(
        "LLM301",
        (*item.path, "gpu"),
        f"no shape meets the targets of {item.model_name}/{item.name}",
        key=True,
        allowed=lines,
        hint="relax the target that most shapes miss, or add a larger pool; llmgen size shows every shape",
    )


def _split(shape: Shape) -> str:
    return f"TP{shape.tensor_parallel}" + (f" PP{shape.pipeline_parallel}" if shape.pipeline_parallel > 1 else "")
