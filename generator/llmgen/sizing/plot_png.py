"""The picture of a search as PNG, through matplotlib where it is installed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from llmgen.sizing.plot import PARTS, SHOWN, curves, memory_parts, most_requests, shown_name
from llmgen.sizing.search import SearchResult

# Inches of a bar, of a panel's frame, and of the least a panel of curves needs.
_BAR, _FRAME, _LEAST = 0.32, 1.1, 3.2


def png(results: Mapping[str, SearchResult], target: Path) -> None:
    """Write bars (left) and KV use (right), a row for every model. Raises ImportError without matplotlib."""
    from matplotlib.figure import Figure  # type: ignore[import-not-found,unused-ignore]  # noqa: PLC0415 - optional
    from matplotlib.patches import Patch  # type: ignore[import-not-found,unused-ignore]  # noqa: PLC0415 - optional

    heights = [max(_FRAME + _BAR * min(len(result.shapes), SHOWN), _LEAST) for result in results.values()]
    figure = Figure(figsize=(15, sum(heights) + 0.6), layout="constrained", dpi=110)
    axes = figure.subplots(len(results), 2, squeeze=False, height_ratios=heights, width_ratios=(3, 2))
    for (left, right), (name, result) in zip(axes, results.items(), strict=True):
        _bars(left, name, result)
        _curves(right, result)
    handles = [Patch(color=colour, label=part) for part, colour in PARTS]
    figure.legend(handles=handles, loc="outside upper center", ncols=len(PARTS), frameon=False, fontsize=9)
    figure.savefig(target)


def _bars(axis: Any, name: str, result: SearchResult) -> None:  # noqa: ANN401 -- matplotlib is optional
    shapes = result.shapes[:SHOWN]
    for row, shape in enumerate(shapes):
        start = 0.0
        for part, size, colour in memory_parts(shape):
            axis.barh(row, size, left=start, height=0.72, color=colour)
            if part in {"weights", "KV cache, safe"} and size > 0.06 * shape.memory.total.value:
                axis.text(start + size / 2, row, f"{size:.1f}", ha="center", va="center", color="white", fontsize=8)
            start += size
        axis.plot([shape.memory.total.value] * 2, [row - 0.45, row + 0.45], color="#222", linewidth=2)
    axis.set_yticks(range(len(shapes)), [shown_name(shape) for shape in shapes], fontsize=9)
    # A lone bar keeps the thickness it has among others.
    axis.set_ylim(max(len(shapes), 5) - 0.4, -0.6)
    axis.set_title(name, loc="left", fontweight="bold")
    axis.set_xlabel("GiB per GPU; | is the card, ✗ a rejected shape")
    _quiet(axis)


def _curves(axis: Any, result: SearchResult) -> None:  # noqa: ANN401 -- matplotlib is optional
    best = result.best
    if best is None or not best.memory.blocks_safe:
        axis.set_axis_off()
        axis.text(0, 0.5, "no shape meets the targets")
        return
    for tokens, colour, requests, share in curves(best):
        label = f"{tokens:,} tokens: {best.memory.requests_that_fit(tokens):,} fit"
        axis.plot([0, requests], [0, 100 * share], color=colour, linewidth=2, label=label)
    axis.axvline(
        best.concurrency.value, color="#d62728", linestyle="--", label=f"planned: {best.concurrency.value:.0f} per pod"
    )
    axis.set_xlim(0, most_requests(best))
    axis.set_ylim(0, 100)
    axis.set_xlabel("requests at once in one pod")
    axis.set_ylabel("% of the safe KV pool")
    axis.set_title(shown_name(best), loc="left", fontsize=10)
    axis.legend(fontsize=8, loc="lower right")
    _quiet(axis)


def _quiet(axis: Any) -> None:  # noqa: ANN401 -- matplotlib is optional
    axis.grid(color="#eeeeee")
    axis.set_axisbelow(True)
    axis.spines[["top", "right"]].set_visible(False)
