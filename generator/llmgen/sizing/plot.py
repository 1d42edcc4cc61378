"""The picture of a search: a memory bar for each shape, and KV use against concurrency and context length.

HTML with SVG made by hand, so that it needs no library; PNG through matplotlib (``plot_png.py``) where it is installed.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from llmgen.sizing.search import SearchResult
from llmgen.sizing.shapes import Shape

PARTS = (
    ("weights", "#4269d0"),
    ("activation", "#efb118"),
    ("outside PyTorch", "#9c6b4e"),
    ("CUDA graphs", "#a463f2"),
    ("KV cache, safe", "#3ca951"),
    ("headroom: reserve", "#97bbf5"),
    ("headroom: outside the engine", "#dddddd"),
)
# Context lengths as shares of the longest, each with its shade.
LENGTHS = ((0.1, "#9ecae1"), (0.25, "#6baed6"), (0.5, "#4292c6"), (0.75, "#2171b5"), (1.0, "#08306b"))
SHOWN = 12
_WIDTH, _LABEL, _BAR, _GAP = 980, 270, 22, 8
_CURVE_WIDTH, _CURVE_HEIGHT, _LEFT = 620, 260, 60
# A number fits into its part of a bar from this many pixels on.
_ROOM = 34
_STYLE = (
    "body{font:14px system-ui,sans-serif;margin:2em;max-width:1000px;color:#222}"
    "h2{margin:1.6em 0 .2em}p{margin:.6em 0}i{display:inline-block;width:1em;height:1em;margin:0 .4em 0 0;vertical-align:-.1em}"
    ".key span{margin-right:1.2em;white-space:nowrap}svg{display:block}text{fill:#222}.in{fill:#fff}.soft{fill:#777}"
)


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
    return tuple((name, size, colour) for (name, colour), size in zip(PARTS, sizes, strict=True))


def kv_share(shape: Shape, tokens: int, requests: float) -> float:
    """Share of the safe pool that ``requests`` of ``tokens`` each take."""
    plan = shape.memory
    return requests * plan.layout.request_blocks(tokens) / plan.blocks_safe if plan.blocks_safe else 1.0


def shown_name(shape: Shape) -> str:
    """Pool and shape, marked where it is rejected."""
    return f"{'' if shape.fits else '✗ '}{shape.pool}: {shape.label}"


def curves(shape: Shape) -> tuple[tuple[int, str, float, float], ...]:
    """(tokens, colour, requests, share) of the end of each line from the origin: where the pool is full, or the axis ends."""
    longest, most = shape.engine.max_model_len, most_requests(shape)
    found = []
    for share, colour in LENGTHS:
        tokens = max(int(longest * share), 1)
        one = kv_share(shape, tokens, 1)
        end = min(most, 1 / one) if one else most
        found.append((tokens, colour, end, end * one))
    return tuple(found)


def most_requests(shape: Shape) -> float:
    """End of the axis of requests: twice what fits at the longest length, and the planned concurrency."""
    return max(2 * shape.memory.requests_that_fit(shape.engine.max_model_len), 1.25 * shape.concurrency.value, 2)


def ticks(end: float, number: int = 8) -> tuple[float, ...]:
    """Round values from 0 to ``end``, about ``number`` of them."""
    raw = end / number
    power = 10.0 ** (len(str(int(raw))) - 1) if raw >= 1 else 1.0
    step = next((factor * power for factor in (1, 2, 5, 10) if factor * power >= raw), 10 * power)
    return tuple(step * index for index in range(int(end / step) + 1))


def html(results: Mapping[str, SearchResult]) -> str:
    """One page with a section for every model."""
    body = "".join(f"<h2>{escape(name)}</h2>{_bars(result)}{_curves(result)}" for name, result in results.items())
    key = "".join(f'<span><i style="background:{colour}"></i>{escape(name)}</span>' for name, colour in PARTS)
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>GPU sizing</title><style>{_STYLE}</style>'
        f'<h1>GPU sizing</h1><p class="key">{key}</p>{body}</html>\n'
    )


def _bars(result: SearchResult) -> str:
    shapes = result.shapes[:SHOWN]
    largest = max((max(s.memory.total.value, sum(size for _, size, _ in memory_parts(s))) for s in shapes), default=1.0)
    scale = (_WIDTH - _LABEL - 40) / largest
    height = len(shapes) * (_BAR + _GAP)
    rows = []
    for tick in ticks(largest):
        x = _LABEL + tick * scale
        rows.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="{height}" stroke="#eee"/>')
        rows.append(f'<text class="soft" x="{x:.1f}" y="{height + 14}" text-anchor="middle">{tick:g}</text>')
    rows.append(
        f'<text class="soft" x="{_LABEL}" y="{height + 30}">GiB per GPU; │ is the card, ✗ a rejected shape</text>'
    )
    rows += [_bar(shape, index * (_BAR + _GAP) + _GAP // 2, scale) for index, shape in enumerate(shapes)]
    hidden = len(result.shapes) - len(shapes)
    more = f"<p>and {hidden} more</p>" if hidden > 0 else ""
    return f'<svg width="{_WIDTH}" height="{height + 36}" font-size="12">{"".join(rows)}</svg>{more}'


def _bar(shape: Shape, top: int, scale: float) -> str:
    why = escape("; ".join(shape.rejected)) or f"rank {shape.rank}"
    rows = [
        f'<text x="{_LABEL - 8}" y="{top + 16}" text-anchor="end">{escape(shown_name(shape))}<title>{why}</title></text>'
    ]
    left = float(_LABEL)
    for part, size, colour in memory_parts(shape):
        width = size * scale
        rows.append(
            f'<rect x="{left:.1f}" y="{top}" width="{width:.1f}" height="{_BAR}" fill="{colour}">'
            f"<title>{escape(part)}: {size:.2f} GiB</title></rect>"
        )
        if width >= _ROOM and part in {"weights", "KV cache, safe"}:
            rows.append(
                f'<text class="in" x="{left + width / 2:.1f}" y="{top + 16}" text-anchor="middle">{size:.1f}</text>'
            )
        left += width
    end = _LABEL + shape.memory.total.value * scale
    # What sticks out of the card is what does not fit.
    rows.append(
        f'<line x1="{end:.1f}" x2="{end:.1f}" y1="{top - 3}" y2="{top + _BAR + 3}" stroke="#222" stroke-width="2"/>'
    )
    return "".join(rows)


def _curves(result: SearchResult) -> str:
    """KV use of the best shape: a line for each context length, over the number of requests."""
    best = result.best
    if best is None or not best.memory.blocks_safe:
        return "<p>no shape meets the targets</p>"
    most, right, bottom = most_requests(best), _LEFT + _CURVE_WIDTH, 10 + _CURVE_HEIGHT
    lines = [f'<rect x="{_LEFT}" y="10" width="{_CURVE_WIDTH}" height="{_CURVE_HEIGHT}" fill="none" stroke="#999"/>']
    for percent in (0, 25, 50, 75, 100):
        y = bottom - _CURVE_HEIGHT * percent / 100
        lines.append(f'<line x1="{_LEFT}" x2="{right}" y1="{y}" y2="{y}" stroke="#eee"/>')
        lines.append(f'<text class="soft" x="{_LEFT - 6}" y="{y + 4}" text-anchor="end">{percent} %</text>')
    for tick in ticks(most):
        x = _LEFT + _CURVE_WIDTH * tick / most
        lines.append(f'<text class="soft" x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">{tick:g}</text>')
    for index, (tokens, colour, requests, share) in enumerate(curves(best)):
        x, y = _LEFT + _CURVE_WIDTH * requests / most, bottom - _CURVE_HEIGHT * share
        lines.append(
            f'<line x1="{_LEFT}" y1="{bottom}" x2="{x:.1f}" y2="{y:.1f}" stroke="{colour}" stroke-width="2.5"/>'
        )
        fit = best.memory.requests_that_fit(tokens)
        lines.append(f'<rect x="{right + 14}" y="{24 + 22 * index}" width="12" height="12" fill="{colour}"/>')
        lines.append(f'<text x="{right + 32}" y="{34 + 22 * index}">{tokens:,} tokens: {fit:,} requests fit</text>')
    planned = _LEFT + _CURVE_WIDTH * best.concurrency.value / most
    lines.append(
        f'<line x1="{planned:.1f}" x2="{planned:.1f}" y1="10" y2="{bottom}" stroke="#d62728" stroke-dasharray="5 4"/>'
        f'<line x1="{right + 14}" x2="{right + 26}" y1="150" y2="150" stroke="#d62728" stroke-dasharray="5 4"/>'
        f'<text x="{right + 32}" y="154">planned: {best.concurrency.value:.0f} per pod</text>'
        f'<text class="soft" x="{_LEFT}" y="{bottom + 34}">requests at once in one pod</text>'
    )
    title = f"Share of the safe KV pool in use: {escape(shown_name(best))}, {best.memory.kv_cache_tokens_safe:,} tokens"
    return f'<p>{title}</p><svg width="{_WIDTH}" height="{bottom + 42}" font-size="12">{"".join(lines)}</svg>'
