"""Sizing results as text: the derivation of one size, and the table of shapes."""

from __future__ import annotations

from collections.abc import Sequence

from llmgen.sizing.latency import Latency
from llmgen.sizing.load import LoadBudget
from llmgen.sizing.memory import MemoryPlan
from llmgen.sizing.search import SearchResult
from llmgen.sizing.shapes import Shape

_NAMES = {
    "total": "GPU memory",
    "weights": "weights",
    "activation": "activation peak",
    "non_torch": "outside PyTorch",
    "cuda_graphs": "CUDA graphs",
    "hidden": "not profiled",
    "reserve": "reserve",
    "kv_cache": "KV cache",
    "kv_cache_safe": "KV cache, safe",
    "kv_bytes_per_token": "KV per token",
}
_HEAD = (
    "#", "shape", "weights GiB/GPU", "KV safe tokens", "requests/pod", "replicas", "GPUs", "TPOT", "TTFT", "tok/s/pod", "$/h",
    "$/M tok",
)  # fmt: skip


def render_plan(plan: MemoryPlan, speed: Latency | None = None, load: LoadBudget | None = None) -> str:
    """One size with the reason of every number, a line each."""
    lines = []
    for name, term in plan.terms().items():
        value = f"{term.value:,.0f} B" if term.unit == "bytes" else f"{term.value:.2f} {term.unit}"
        lines.append(f"{_NAMES[name]:16} {value:>12}  {term.because}")
    lines.append(f"{'KV tokens':16} {plan.kv_cache_tokens:>12,}  safe {plan.kv_cache_tokens_safe:,}")
    lines.append(f"{'requests':16} {plan.max_concurrency:>12.2f}  of the longest length, by the engine's own count")
    if speed is not None:
        for label, term in (
            ("TPOT", speed.tpot_ms),
            ("TTFT", speed.ttft_ms),
            ("output", speed.output_tokens_per_second),
        ):
            lines.append(f"{label:16} {f'{term.value:.1f} {term.unit}':>12}  {term.because}")
    if load is not None:
        lines.append(
            f"{'load, expected':16} {f'{load.expected_seconds.value:.0f} s':>12}  {load.expected_seconds.because}"
        )
        lines.append(f"{'load, budget':16} {f'{load.budget_seconds.value:.0f} s':>12}  {load.budget_seconds.because}")
    lines += [f"cannot start: {reason}" for reason in plan.problems]
    lines += [f"doubt: {reason}" for reason in plan.unsupported]
    return "\n".join(lines)


def render_table(result: SearchResult, after: str = "") -> str:
    """Fitting shapes by rank, the line ``after`` them, the rejected ones with their reasons, and how to grow."""
    rows = [_HEAD, *(_row(shape) for shape in result.fitting)]
    lines = _aligned(rows) if len(rows) > 1 else ["no shape meets the targets"]
    if after:
        lines += ["", after]
    rejected = [shape for shape in result.shapes if not shape.fits]
    if rejected:
        lines += ["", "rejected:"]
        width = max(len(f"{shape.pool} {shape.label}") for shape in rejected)
        lines += [f"  {f'{shape.pool} {shape.label}':{width}}  {'; '.join(shape.rejected)}" for shape in rejected]
    if result.growth:
        lines += ["", "to serve more:"]
        for row in result.growth:
            price = "" if row.usd is None else f", {row.usd:.2f} $/h ({row.usd_per_request:.3f} per request)"
            lines.append(
                f"  {row.kind:8} {row.label}: +{row.requests} requests{price}, longest {row.longest_request_tokens:,} tokens"
            )
        lines.append(f"  {result.advice}")
    doubts = sorted({reason for shape in result.shapes for reason in shape.memory.unsupported})
    lines += [f"doubt: {reason}" for reason in doubts]
    return "\n".join(lines)


def _row(shape: Shape) -> tuple[str, ...]:
    speed = shape.latency
    return (
        str(shape.rank),
        f"{shape.pool} {shape.label}",
        f"{shape.memory.weights.value:.1f}",
        f"{shape.memory.kv_cache_tokens_safe:,}",
        f"{shape.concurrency.value:.0f} ({shape.limited_by})",
        f"{shape.replicas.value:.0f}",
        str(shape.gpus),
        f"{speed.tpot_ms.value:.0f} ms" if speed else "-",
        f"{speed.ttft_ms.value:.0f} ms" if speed else "-",
        f"{speed.output_tokens_per_second.value:.0f}" if speed else "-",
        f"{shape.cost_per_hour_usd.value:.2f}" if shape.cost_per_hour_usd else "-",
        f"{shape.cost_per_million_tokens_usd.value:.2f}" if shape.cost_per_million_tokens_usd else "-",
    )


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    left = {1}
    return [
        "  ".join(
            cell.ljust(width) if column in left else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def as_json(result: SearchResult) -> dict[str, object]:
    """Every shape with its numbers and reasons, and the ways to grow."""
    return {
        "best": result.best.label if result.best else None,
        "shapes": [_shape_json(shape) for shape in result.shapes],
        "growth": [
            {
                "kind": row.kind,
                "label": row.label,
                "requests": row.requests,
                "usdPerHour": row.usd,
                "usdPerRequest": row.usd_per_request,
                "longestRequestTokens": row.longest_request_tokens,
            }
            for row in result.growth
        ],
        "advice": result.advice,
    }


def _shape_json(shape: Shape) -> dict[str, object]:
    speed = shape.latency
    terms = {
        name: {"value": term.value, "unit": term.unit, "because": term.because}
        for name, term in shape.memory.terms().items()
    }
    return {
        "rank": shape.rank,
        "pool": shape.pool,
        "gpu": shape.gpu,
        "tensorParallel": shape.tensor_parallel,
        "pipelineParallel": shape.pipeline_parallel,
        "quantization": shape.quantization,
        "kvCacheDtype": shape.kv_cache_dtype,
        "memory": terms,
        "kvCacheTokens": shape.memory.kv_cache_tokens,
        "kvCacheTokensSafe": shape.memory.kv_cache_tokens_safe,
        "concurrency": int(shape.concurrency.value),
        "limitedBy": shape.limited_by,
        "replicas": int(shape.replicas.value),
        "gpus": shape.gpus,
        "nodes": shape.nodes,
        "tpotMs": speed.tpot_ms.value if speed else None,
        "ttftMs": speed.ttft_ms.value if speed else None,
        "outputTokensPerSecond": speed.output_tokens_per_second.value if speed else None,
        "usdPerHour": shape.cost_per_hour_usd.value if shape.cost_per_hour_usd else None,
        "usdPerMillionTokens": shape.cost_per_million_tokens_usd.value if shape.cost_per_million_tokens_usd else None,
        "rejected": list(shape.rejected),
        "unsupported": list(shape.memory.unsupported),
    }
