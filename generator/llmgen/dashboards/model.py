"""What a dashboard is made of: plain facts, in the order they are read. ``grafana`` turns them into JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["timeseries", "stat", "table"]
Unit = Literal["reqps", "s", "percentunit", "short", "bytes", "tokps", "tokens"]
Colour = Literal["green", "yellow", "orange", "red", "blue", "text"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One PromQL expression in the language of ``llmgen.metrics.expand``, and how Grafana names its series."""

    expr: str
    legend: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """From ``above`` on, in the panel's unit, the value has this colour."""

    above: float
    colour: Colour


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One picture. ``width`` in Grafana's columns, of which a row has 24; ``most`` fixes the top of the axis."""

    title: str
    description: str
    unit: Unit
    queries: tuple[Query, ...]
    kind: Kind = "timeseries"
    width: int = 8
    steps: tuple[Step, ...] = ()
    stacked: bool = False
    most: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Panels under one heading."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dashboard:
    """One page. ``uid`` is its address in Grafana; ``tenants`` adds the choice of a tenant."""

    uid: str
    title: str
    description: str
    rows: tuple[Row, ...]
    tenants: bool = False


def line(expr: str, legend: str = "") -> Query:
    """Short for one query."""
    return Query(expr=expr, legend=legend)


def percentiles(histogram: str, by: str, legend: str) -> tuple[Query, ...]:
    """Return p50 and p95 of ``histogram``, a bucket series with its matchers, per ``by``."""
    return tuple(
        Query(
            expr=f"histogram_quantile({share}, sum by ({by}, le) (rate({histogram}[$__rate_interval])))",
            legend=f"{legend} {name}",
        )
        for share, name in ((0.5, "p50"), (0.95, "p95"))
    )
