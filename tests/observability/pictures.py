"""Draw the dashboards: ``python -m tests.observability.pictures FOLDER``.

A Prometheus watches the bench for some minutes, and each dashboard's JSON is drawn from its answers with matplotlib: rows, widths, units,
legends and thresholds as Grafana places them. It is no Grafana; what a picture shows is that every panel has data and reads well.
"""

from __future__ import annotations

import json
import math
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure
from tests.observability.bench import Bench

from llmgen.dashboards import DASHBOARDS, file_name, text

mpl.use("Agg")
MINUTES = 5.0
COLUMN, ROW = 0.62, 0.36  # inches of Grafana's grid
INK, FAINT, PAPER, CARD = "#d8d9da", "#8e8e8e", "#111217", "#181b1f"
COLOURS = {
    "green": "#73bf69",
    "orange": "#ff9830",
    "red": "#f2495c",
    "yellow": "#fade2a",
    "blue": "#5794f2",
    "text": INK,
}
PALETTE = [
    "#73bf69",
    "#f2cc0c",
    "#8ab8ff",
    "#ff780a",
    "#f2495c",
    "#5794f2",
    "#b877d9",
    "#705da0",
    "#37872d",
    "#fade2a",
    "#96d98d",
    "#c4162a",
]
VARIABLES = {
    "$namespace": "ns",
    "$release": "demo",
    "$model": ".*",
    "$tenant": ".*",
    "$__rate_interval": "20s",
    "$__range": "5m",
}


class Picture:
    """One dashboard as a figure."""

    def __init__(self, bench: Bench, dashboard: dict[str, Any], span: tuple[float, float]) -> None:
        self.bench, self.dashboard, self.span = bench, dashboard, span
        self.rows = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in dashboard["panels"]) + 1.6
        self.figure = Figure(figsize=(24 * COLUMN, self.rows * ROW), facecolor=PAPER, dpi=90)

    def save(self, file: Path) -> None:
        self.figure.text(0.008, 1 - 0.8 / self.rows, self.dashboard["title"], color=INK, fontsize=14, va="center")
        chosen = "namespace: ns    release: demo    model: All"
        self.figure.text(0.99, 1 - 0.8 / self.rows, chosen, color=FAINT, fontsize=9, va="center", ha="right")
        for panel in self.dashboard["panels"]:
            self._panel(panel)
        self.figure.savefig(file, facecolor=PAPER)

    def _panel(self, panel: dict[str, Any]) -> None:
        place = panel["gridPos"]
        left, width = place["x"] / 24, place["w"] / 24
        top, height = 1 - (place["y"] + 1.6) / self.rows, place["h"] / self.rows
        if panel["type"] == "row":
            self.figure.text(left + 0.008, top - height / 2, "▾ " + panel["title"], color=INK, fontsize=11, va="center")
            return
        pad_x, pad_y = 0.003, 0.12 / self.rows
        card = self.figure.add_axes(
            (left + pad_x, top - height + pad_y, width - 2 * pad_x, height - 2 * pad_y), facecolor=CARD
        )
        card.set_xticks([])
        card.set_yticks([])
        for spine in card.spines.values():
            spine.set_color("#2c3235")
        title_y = 1 - 0.75 / place["h"]
        card.text(
            0.014 * 24 / place["w"] / 3, title_y, panel["title"], color=INK, fontsize=9, va="center", weight="bold"
        )
        # Inches-like shares of the whole page: room for the axis on the left, for the legend below.
        room = 0.036
        inner = (left + room, top - height + 2.1 / self.rows, width - room - 0.008, height - 3.5 / self.rows)
        {"stat": self._stat, "table": self._table, "timeseries": self._lines}[panel["type"]](panel, card, inner)

    def _expr(self, target: dict[str, Any]) -> str:
        expr = target["expr"]
        for variable, value in VARIABLES.items():
            expr = expr.replace(variable, value)
        return str(expr)

    def _stat(self, panel: dict[str, Any], card: Any, _: Any) -> None:
        found = self.bench.query(self._expr(panel["targets"][0]))
        value = float(found[0]["value"][1]) if found else math.nan
        steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
        colour = [step["color"] for step in steps if step["value"] is None or value >= step["value"]][-1]
        shown = unit(value, panel["fieldConfig"]["defaults"]["unit"]) if found else "No data"
        card.text(0.5, 0.36, shown, color=COLOURS[colour], fontsize=20, ha="center", va="center")

    def _table(self, panel: dict[str, Any], card: Any, _: Any) -> None:
        names: list[str] = []
        rows: dict[tuple[str, ...], list[str]] = {}
        for index, target in enumerate(panel["targets"]):
            for sample in self.bench.query(self._expr(target)):
                metric = {key: value for key, value in sample["metric"].items() if key != "__name__"}
                names = sorted(metric)
                line = rows.setdefault(tuple(metric[name] for name in names), ["-"] * len(panel["targets"]))
                line[index] = f"{float(sample['value'][1]):,.0f}"
        heads = [*names, *(target["legendFormat"] for target in panel["targets"])]
        step = 0.11 * 8 / panel["gridPos"]["h"]
        for number, cells in enumerate([heads, *([*key, *values] for key, values in sorted(rows.items()))]):
            for column, cell in enumerate(cells):
                where = 0.02 + column * 0.96 / len(heads)
                colour = "#6e9fff" if number == 0 else INK
                card.text(where, 0.8 - number * step, cell, color=colour, fontsize=8.5, va="center")

    def _lines(self, panel: dict[str, Any], _: Any, inner: tuple[float, float, float, float]) -> None:
        axes = self.figure.add_axes(inner, facecolor=CARD)
        defaults = panel["fieldConfig"]["defaults"]
        drawn = self._series(panel)
        stacked = defaults["custom"]["stacking"]["mode"] == "normal"
        below: dict[float, float] = {}
        for number, (name, points) in enumerate(drawn):
            colour = PALETTE[number % len(PALETTE)]
            times = [time_ for time_, _ in points]
            values = [value + (below.get(time_, 0.0) if stacked else 0.0) for time_, value in points]
            axes.plot(times, values, color=colour, linewidth=1, label=name)
            floor = [below.get(time_, 0.0) for time_ in times] if stacked else 0
            if stacked:
                axes.fill_between(times, floor, values, color=colour, alpha=0.18, linewidth=0)
            if stacked:
                below.update(zip(times, values, strict=True))
        if not drawn:
            axes.text(0.5, 0.5, "No data", color=FAINT, ha="center", va="center", transform=axes.transAxes)
        self._axes(axes, defaults, self.figure)
        if drawn:
            self._legend(axes, inner, panel["gridPos"]["w"])

    def _series(self, panel: dict[str, Any]) -> list[tuple[str, list[tuple[float, float]]]]:
        start, end = self.span
        found = []
        for target in panel["targets"]:
            data = self.bench.api(
                "query_range", query=self._expr(target), start=f"{start:.0f}", end=f"{end:.0f}", step="2"
            )
            for series in data["result"]:
                name = target["legendFormat"]
                for label, value in series["metric"].items():
                    name = name.replace("{{" + label + "}}", value)
                points = [(float(when), float(value)) for when, value in series["values"]]
                found.append((name, [(when, value if math.isfinite(value) else math.nan) for when, value in points]))
        return sorted(found)

    def _axes(self, axes: Any, defaults: dict[str, Any], _: Any) -> None:
        start, end = self.span
        axes.set_xlim(start, end)
        top = axes.get_ylim()[1]
        axes.set_ylim(0, defaults.get("max") or max(top, 1e-3))
        ticks = [start + (end - start) * (part + 0.5) / 4 for part in range(4)]
        axes.set_xticks(ticks, [time.strftime("%H:%M:%S", time.gmtime(tick)) for tick in ticks])
        axes.yaxis.set_major_formatter(lambda value, _: unit(value, defaults["unit"]))
        axes.locator_params(axis="y", nbins=5)
        axes.tick_params(colors=FAINT, labelsize=6.5, length=0)
        axes.grid(color="#2c3235", linewidth=0.5)
        for step in defaults["thresholds"]["steps"]:
            if step["value"] is not None and defaults["custom"].get("thresholdsStyle", {}).get("mode") == "dashed":
                axes.axhline(step["value"], color=COLOURS[step["color"]], linewidth=0.8, linestyle="--")
        for spine in axes.spines.values():
            spine.set_visible(False)

    def _legend(self, axes: Any, inner: tuple[float, float, float, float], width: int) -> None:
        handles, names = axes.get_legend_handles_labels()
        room, columns = int(width * 8.5), max(1, min(3, int(width * 8.5 / (max(map(len, names)) + 5))))
        shown = columns * 2
        more = f" … {len(names) - shown} more" if len(names) > shown else ""
        names = [name[:room] for name in names[:shown]]
        if more:
            names[-1] += more
        anchor = (inner[0] - 0.02, inner[1] - 0.62 / self.rows)
        axes.legend(
            handles[:shown], names, loc="upper left", bbox_to_anchor=anchor, bbox_transform=self.figure.transFigure, ncol=columns,
            frameon=False, fontsize=6.5, labelcolor=INK, handlelength=1.2, columnspacing=1.2, labelspacing=0.3, borderaxespad=0,
        )  # fmt: skip


def unit(value: float, name: str) -> str:
    """A value as Grafana writes it."""
    if math.isnan(value):
        return "-"
    if name == "percentunit":
        return f"{value * 100:.3g} %"
    if name == "s":
        return (
            f"{value * 1000:.3g} ms"
            if abs(value) < 1
            else f"{value:.3g} s"
            if abs(value) < 120
            else f"{value / 60:.3g} min"
        )
    if name == "bytes":
        return f"{value / 2**30:.3g} GiB"
    for size, letter in ((1e6, "M"), (1e3, "K")):
        if abs(value) >= size:
            value, suffix = value / size, letter
            break
    else:
        suffix = ""
    tail = {"reqps": " req/s"}.get(name, name.removeprefix("suffix:") if name.startswith("suffix:") else "")
    return f"{value:.3g}{suffix}{tail}"


def story(bench: Bench) -> None:
    """What the pictures show: quiet; a rush; an engine that fails; one that is slow, and restarts; a canary's bad answers; quiet again."""
    part = MINUTES * 60 / 6
    bench.clients.start(5)
    time.sleep(2 * part)
    bench.clients.pause = 0.15
    bench.clients.start(14)
    bench.cluster.set('<dcgm.gpuUtil>{<ns>,pod="v1-0"', 99)
    bench.cluster.set('<dcgm.gpuUtil>{<ns>,pod="v1-1"', 98)
    bench.cluster.set("<kubeState.hpaDesired>{<ns>", 4)
    bench.cluster.set('<kubeState.deploymentReplicas>{<ns>,deployment="demo-chat-v1"', 4)
    bench.cluster.set('<kubeState.podPhase>{<ns>,pod="v1-1",uid="2",phase="Pending"', 1)
    time.sleep(part)
    bench.engines["v1-1"].faults(error=0.3)
    bench.engines["v2-0"].faults(broken_json=0.15, broken_tool_call=0.1)
    time.sleep(part)
    bench.engines["v1-1"].faults(error=0.0, slow=3.0)
    bench.engines["v2-0"].faults(broken_json=0.0, broken_tool_call=0.0)
    bench.cluster.set('<kubeState.containerRestarts>{<ns>,pod="v1-1"', 2)
    bench.cluster.set('<cadvisor.oomEvents>{<ns>,pod="v1-1"', 2)
    bench.cluster.set('<kubeState.podPhase>{<ns>,pod="v1-1",uid="2",phase="Pending"', 0)
    time.sleep(part)
    bench.engines["v1-1"].faults(slow=1.0)
    bench.cluster.set("<kubeState.hpaDesired>{<ns>", 2)
    bench.cluster.set('<kubeState.deploymentReplicas>{<ns>,deployment="demo-chat-v1"', 2)
    bench.cluster.set('<dcgm.gpuUtil>{<ns>,pod="v1-1"', 61)
    bench.clients.pause = 0.5
    time.sleep(part)


def main(folder: Path) -> None:
    """Tell the story, and draw it."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch, Bench(Path(scratch), speed=1, interval="2s") as bench:
        start = time.time()
        story(bench)
        for dashboard in DASHBOARDS:
            drawn = Picture(bench, json.loads(text(dashboard)), (start + 4, time.time()))
            drawn.save(folder / f"dashboard-{file_name(dashboard).removesuffix('.json')}.png")
            print(f"wrote {file_name(dashboard)}")  # noqa: T201 -- a command


if __name__ == "__main__":
    main(Path(sys.argv[1]))
