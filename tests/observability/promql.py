"""Names in PromQL: every metric an expression reads must be exported by something, and every label must be there where it is used.

Labels are followed through the expression as Prometheus does it: aggregations and one-to-one matches drop what they do not name.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import promql_parser as promql

from llmgen.metrics import Metric, exporters, scraped_labels

GRAFANA = {"$__rate_interval": "5m", "$__interval": "1m", "$__range": "3h"}
SERIES: dict[str, tuple[str, Metric]] = {
    series: (exporter, metric)
    for exporter, metrics in exporters().items()
    for metric in metrics.values()
    for series in metric.series
}
NOTHING: frozenset[str] = frozenset()
_KEEPS_LEFT = {"and", "unless"}


def parse(expr: str) -> Any:
    """Parse an expression; Grafana's intervals count as durations. Raises ValueError."""
    for variable, value in GRAFANA.items():
        expr = expr.replace(variable, value)
    return promql.parse(expr)


def problems(expr: str) -> list[str]:
    """What is wrong with the names in ``expr``."""
    return check(expr)[1]


def check(expr: str) -> tuple[frozenset[str], list[str]]:
    """The labels that the result of ``expr`` carries, and what is wrong with the names in it."""
    try:
        tree = parse(expr)
    except ValueError as error:
        return NOTHING, [f"does not parse: {error}"]
    found: list[str] = []
    labels = _labels(tree, found)
    return labels or NOTHING, found


def labels_of(series: str) -> frozenset[str]:
    """Every label that a series may carry."""
    exporter, metric = SERIES[series]
    bucket = {"le"} if series.endswith("_bucket") else set()
    return frozenset({*metric.labels, *scraped_labels(exporter), *bucket})


def series_of(expr: str) -> set[str]:
    """Names of the series that an expression reads."""
    return {node.name or "" for node in _walk(parse(expr)) if isinstance(node, promql.VectorSelector)}


def _labels(node: Any, found: list[str]) -> frozenset[str] | None:
    """Labels of a node's result; None for a number."""
    kind = type(node).__name__
    if kind in _NUMBERS:
        return None
    return _KINDS[kind](node, found)


def _selector(node: Any, found: list[str]) -> frozenset[str]:
    if node.name not in SERIES:
        found.append(f"no exporter has {node.name!r}")
        return NOTHING
    labels = labels_of(node.name)
    _need(labels, [matcher.name for matcher in node.matchers.matchers], node.name, found)
    return labels


def _aggregate(node: Any, found: list[str]) -> frozenset[str]:
    labels = _labels(node.expr, found) or NOTHING
    if node.modifier is None:
        return NOTHING
    if node.modifier.type != promql.AggModifierType.By:
        return labels - set(node.modifier.labels)
    _need(labels, node.modifier.labels, f"{node.op} by", found)
    return frozenset(node.modifier.labels)


def _call(node: Any, found: list[str]) -> frozenset[str] | None:
    name = node.func.name
    inner = [_labels(argument, found) for argument in node.args]
    vectors = [labels for labels in inner if labels is not None]
    if name in {"time", "vector", "scalar"}:
        return None if name != "vector" else NOTHING
    labels = vectors[0] if vectors else NOTHING
    if name in {"label_join", "label_replace"}:
        texts = [argument.val for argument in node.args if type(argument).__name__ == "StringLiteral"]
        _need(labels, texts[2:] if name == "label_join" else texts[2:3], name, found)
        return labels | {texts[0]}
    if name == "histogram_quantile":
        _need(labels, ["le"], name, found)
        return labels - {"le"}
    return labels


def _binary(node: Any, found: list[str]) -> frozenset[str] | None:
    left, right = _labels(node.lhs, found), _labels(node.rhs, found)
    if left is None or right is None:
        return right if left is None else left
    modifier, op = node.modifier, str(node.op)
    matching = modifier.matching if modifier is not None else None
    on = matching is not None and matching.type == promql.LabelModifierType.Include
    if matching is not None and on:
        _need(left, matching.labels, f"left of {op} on", found)
        _need(right, matching.labels, f"right of {op} on", found)
    if op in _KEEPS_LEFT:
        return left
    if op == "or":
        return left | right
    card = modifier.card if modifier is not None else promql.VectorMatchCardinality.OneToOne
    if card == promql.VectorMatchCardinality.ManyToOne:
        _need(right, modifier.group_labels, "group_left", found)
        return left | set(modifier.group_labels)
    if card == promql.VectorMatchCardinality.OneToMany:
        _need(left, modifier.group_labels, "group_right", found)
        return right | set(modifier.group_labels)
    return frozenset(matching.labels) if matching is not None and on else left


def _need(labels: frozenset[str], wanted: list[str], where: str, found: list[str]) -> None:
    found += [f"{where}: there is no label {label!r}" for label in wanted if label not in labels]


def _walk(node: Any) -> Iterator[Any]:
    yield node
    for name in ("expr", "lhs", "rhs", "param", "vector_selector"):
        child = getattr(node, name, None)
        if child is not None:
            yield from _walk(child)
    for child in getattr(node, "args", None) or ():
        yield from _walk(child)


_NUMBERS = {"NumberLiteral", "StringLiteral"}
_KINDS = {
    "VectorSelector": _selector,
    "AggregateExpr": _aggregate,
    "Call": _call,
    "BinaryExpr": _binary,
    "MatrixSelector": lambda node, found: _labels(node.vector_selector, found),
    **dict.fromkeys(("ParenExpr", "UnaryExpr", "SubqueryExpr"), lambda node, found: _labels(node.expr, found)),
}
