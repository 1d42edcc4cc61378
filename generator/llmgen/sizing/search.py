"""Every shape a cluster offers, ranked by cost among those that meet the workload, the others with their reasons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import floor, inf

from llmgen.architecture import Architecture
from llmgen.sizing.shapes import Choice, Shape, size_shape
from llmgen.sizing.workload import PoolOffer, Workload

# Larger pods listed beside one more replica.
_GROWTH_SHOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """One way to serve more than today: what it adds and what it costs. ``requests`` at once, ``usd`` per hour."""

    kind: str
    label: str
    requests: int
    usd: float | None
    usd_per_request: float | None
    tpot_ms: float | None
    longest_request_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchResult:
    """``shapes`` holds the fitting ones first, by rank, then the rejected ones. ``growth`` compares how to grow."""

    best: Shape | None
    shapes: tuple[Shape, ...]
    growth: tuple[Growth, ...]
    advice: str

    @property
    def fitting(self) -> tuple[Shape, ...]:
        """Shapes that meet the workload, cheapest first."""
        return tuple(shape for shape in self.shapes if shape.fits)


def search(
    architecture: Architecture,
    workload: Workload,
    offers: Sequence[PoolOffer],
    *,
    engine_version: str,
    quantizations: Sequence[str | None] = (None,),
    kv_cache_dtypes: Sequence[str] = ("auto",),
    utilization: float | None = None,
    max_model_len: int | None = None,
    max_batched_tokens: int | None = None,
    enforce_eager: bool = False,
) -> SearchResult:
    """Size every offer x split x quantization.

    ``max_model_len`` defaults to the longest request of the workload, ``max_batched_tokens`` (tokens per step) to what the
    engine takes on the device.
    """
    length = max_model_len or workload.max_tokens
    found = []
    for quantization in quantizations:
        model = architecture.requantized(quantization)
        for offer in offers:
            for tensor, stages in offer.splits():
                for kv in kv_cache_dtypes:
                    choice = Choice(
                        offer=offer,
                        tensor_parallel=tensor,
                        pipeline_parallel=stages,
                        quantization=quantization,
                        kv_cache_dtype=kv,
                        version=engine_version,
                        utilization=utilization,
                        max_model_len=length,
                        max_batched_tokens=max_batched_tokens,
                        enforce_eager=enforce_eager,
                    )
                    found.append(size_shape(model, workload, choice))
    fitting = sorted((shape for shape in found if shape.fits), key=_order)
    ranked = [replace(shape, rank=place) for place, shape in enumerate(fitting, start=1)]
    rejected = [shape for shape in found if not shape.fits]
    best = ranked[0] if ranked else None
    growth = _growth(best, ranked, workload)
    return SearchResult(best=best, shapes=(*ranked, *rejected), growth=growth, advice=_advice(best, growth))


def _order(shape: Shape) -> tuple[float, int, int, float, str]:
    cost = shape.cost_per_hour_usd.value if shape.cost_per_hour_usd else inf
    return cost, shape.gpus, shape.tensor_parallel * shape.pipeline_parallel, -shape.concurrency.value, shape.label


def _growth(best: Shape | None, ranked: Sequence[Shape], workload: Workload) -> tuple[Growth, ...]:
    """One more replica of the best shape beside the cheapest shapes with a larger pod."""
    if best is None:
        return ()
    rows = [_row("replica", f"one more {best.label}", best, workload)]
    seen = best.concurrency.value
    for shape in ranked:
        if shape.memory.kv_cache_tokens_safe * shape.engine.gpus > best.memory.kv_cache_tokens_safe * best.engine.gpus:
            if (
                shape.concurrency.value <= seen
                and shape.memory.kv_cache_tokens_safe <= best.memory.kv_cache_tokens_safe
            ):
                continue
            rows.append(_row("size", shape.label, shape, workload))
            seen = shape.concurrency.value
        if len(rows) > 3:
            break
    return tuple(rows)


def _row(kind: str, label: str, shape: Shape, workload: Workload) -> Growth:
    # What the pod could hold, not what today's peak asks of it.
    holds = (
        shape.concurrency.value if shape.limited_by == "tpot" else shape.memory.requests_that_fit(workload.max_tokens)
    )
    requests = max(floor(holds * workload.use), 1)
    usd = None
    if shape.cost_per_hour_usd is not None and shape.replicas.value:
        usd = shape.cost_per_hour_usd.value / shape.replicas.value
    return Growth(
        kind=kind,
        label=label,
        requests=requests,
        usd=usd,
        usd_per_request=usd / requests if usd is not None else None,
        tpot_ms=shape.latency.tpot_ms.value if shape.latency else None,
        longest_request_tokens=shape.memory.kv_cache_tokens_safe,
    )


def _advice(best: Shape | None, growth: Sequence[Growth]) -> str:
    if best is None:
        return "no shape meets the targets: see the reasons"
    sizes = [row for row in growth if row.kind == "size" and row.usd_per_request is not None]
    replica = growth[0]
    cheaper = [
        row for row in sizes if replica.usd_per_request and (row.usd_per_request or inf) < replica.usd_per_request
    ]
    if cheaper:
        return (
            f"more requests of today's length: {cheaper[0].label} costs less per request than a replica; "
            f"scale replicas only in small steps"
        )
    return (
        "more requests of today's length: add replicas; longer requests or a tighter TPOT: take a larger GPU or TP, "
        f"for one pod holds {replica.longest_request_tokens} tokens at most"
    )
