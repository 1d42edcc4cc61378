"""The picture of a search: a memory bar for each shape, and KV use against concurrency and context length.

HTML with SVG made by hand, so that it needs no library; PNG through matplotlib where it is installed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from llmgen.sizing.search import SearchResult
from llmgen.sizing.shapes import Shape

_PARTS = (
    ("weights", "#4269d0"),
    ("activation", "#efb118"),
    ("non-torch", "#9c6b4e"),
    ("graphs", "#a463f2"),
    ("KV cache, safe", "#3ca951"),
    ("reserve", "#97bbf5"),
    ("left to the system", "#dddddd"),
)
_SHOWN = 12
_WIDTH, _BAR, _GAP, _LABEL = 960, 22, 8, 330
_SHARES = (0.1, 0.25, 0.5, 0.75, 1.0)


def memory_parts(shape: Shape) -> tuple[tuple[str, float, str], ...]:
    """(name, GiB, colour) of the bar of one GPU; the parts add up to its memory unless the shape does not fit."""
    plan = shape.memory
    kept = plan.kv_cache.value - plan.kv_cache_safe.value
    sizes = [
        plan.weights.value,
        plan.activation.value,
        plan.non_torch.value,
        plan.cuda_graphs.value,
        max(plan.kv_cache_safe.value, 0.0),
        max(kept, 0.0),
    ]
    sizes.append(max(plan.total.value - sum(sizes), 0.0))
    return tuple((name, size, colour) for (name, colour), size in zip(_PARTS, sizes, strict=True))


def kv_share(shape: Shape, tokens: int, requests: int) -> float:
    """Share of the safe pool that ``requests`` of ``tokens`` each take."""
    plan = shape.memory
    return requests * plan.layout.request_blocks(tokens) / plan.blocks_safe if plan.blocks_safe else 1.0


def html(results: Mapping[str, SearchResult]) -> str:
    """One page with a section for every model."""
    body = "".join(f"<h2>{escape(name)}</h2>{_bars(result)}{_curves(result)}" for name, result in results.items())
    legend = "".join(f'<span><i style="background:{colour}"></i>{escape(name)}</span>' for name, colour in _PARTS)
    style = (
        "body{font:14px system-ui,sans-serif;margin:2em;max-width:1000px}"
        "i{display:inline-block;width:1em;height:1em;margin:0 .4em 0 1em;vertical-align:-.1em}"
        "svg{display:block;margin:1em 0}"
    )
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>GPU sizing</title><style>{style}</style>'
        f"<h1>GPU sizing</h1><p>{legend}</p>{body}</html>\n"
    )


def _bars(result: SearchResult) -> str:
    shapes = result.shapes[:_SHOWN]
    largest = max((max(s.memory.total.value, sum(size for _, size, _ in memory_parts(s))) for s in shapes), default=1.0)
    scale = (_WIDTH - _LABEL - 10) / largest
    rows = []
    for index, shape in enumerate(shapes):
        top = index * (_BAR + _GAP)
        name = f"{'' if shape.fits else '✗ '}{shape.pool} {shape.label}"
        rows.append(f'<text x="{_LABEL - 8}" y="{top + 16}" text-anchor="end">{escape(name)}</text>')
        left = float(_LABEL)
        for part, size, colour in memory_parts(shape):
            width = size * scale
            title = f"<title>{escape(part)}: {size:.2f} GiB</title>"
            rows.append(
                f'<rect x="{left:.1f}" y="{top}" width="{width:.1f}" height="{_BAR}" fill="{colour}">{title}</rect>'
            )
            left += width
    height = len(shapes) * (_BAR + _GAP)
    return f'<svg width="{_WIDTH}" height="{height}" font-size="12">{"".join(rows)}</svg>'


def _curves(result: SearchResult) -> str:
    """KV use of the best shape: a line for each context length, over the number of requests."""
    best = result.best
    if best is None or not best.memory.blocks_safe:
        return "<p>no shape meets the targets</p>"
    longest = best.engine.max_model_len
    lengths = [max(int(longest * share), 1) for share in _SHARES]
    most = max(best.memory.requests_that_fit(longest), 1) * 2
    width, height, left = 600, 260, 60
    lines = [f'<rect x="{left}" y="10" width="{width}" height="{height}" fill="none" stroke="#999"/>']
    for index, tokens in enumerate(lengths):
        points = _points(best, tokens, most)
        path = " ".join(f"{left + width * r / most:.1f},{10 + height * (1 - share):.1f}" for r, share in points)
        colour = _PARTS[index][1]
        lines.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        lines.append(f'<text x="{left + width + 8}" y="{24 + 18 * index}" fill="{colour}">{tokens:,} tokens</text>')
    lines.append(f'<text x="{left}" y="{height + 28}">0</text>')
    lines.append(f'<text x="{left + width}" y="{height + 28}" text-anchor="end">{most} requests</text>')
    lines.append(f'<text x="{left - 6}" y="20" text-anchor="end">100 %</text>')
    title = f"KV use of {escape(best.label)}: {best.memory.kv_cache_safe.value * best.engine.gpus:.0f} GiB over the pod"
    return f'<p>{title}</p><svg width="{_WIDTH}" height="{height + 40}" font-size="12">{"".join(lines)}</svg>'


def _points(shape: Shape, tokens: int, most: int) -> Sequence[tuple[float, float]]:
    """Points of a line that stops where the pool is full."""
    one = kv_share(shape, tokens, 1)
    end = min(most, 1 / one if one else most)
    return [(0.0, 0.0), (end, end * one)]


def png(results: Mapping[str, SearchResult], target: Path) -> None:
    """The memory bars as PNG. Raises ImportError without matplotlib."""
    from matplotlib.figure import Figure  # type: ignore[import-not-found,unused-ignore]  # noqa: PLC0415 - optional

    figure = Figure(figsize=(11, 1 + 4 * len(results)), layout="constrained")
    axes = figure.subplots(len(results), 1, squeeze=False)
    for axis, (name, result) in zip(axes[:, 0], results.items(), strict=True):
        shapes = result.shapes[:_SHOWN]
        for row, shape in enumerate(shapes):
            left = 0.0
            for _, size, colour in memory_parts(shape):
                axis.barh(row, size, left=left, color=colour)
                left += size
        axis.set_yticks(range(len(shapes)), [f"{shape.pool} {shape.label}" for shape in shapes])
        axis.invert_yaxis()
        axis.set_title(name)
        axis.set_xlabel("GiB per GPU")
    figure.savefig(target)


__all__ = ["html", "kv_share", "memory_parts", "png"]
