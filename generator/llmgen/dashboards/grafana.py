"""Dashboards as Grafana's JSON (schema version 39, Grafana 10.4 and later)."""

from __future__ import annotations

from typing import Any

from llmgen.dashboards.model import Dashboard, Panel, Query, Row
from llmgen.metrics import expand, metric

_COLUMNS = 24
_HEIGHTS = {"stat": 4, "timeseries": 8, "table": 8}
_SOURCE = {"type": "prometheus", "uid": "${datasource}"}
_UNITS = {"tokps": "suffix: tok/s", "tokens": "suffix: tok"}
WORDS = {
    "release": 'namespace="$namespace",llm_release="$release"',
    "namespace": 'namespace="$namespace"',
    "models": 'namespace="$namespace",llm_release="$release",llm_model=~"$model"',
    "gateway": 'namespace="$namespace",llm_release="$release",model=~"$model"',
    "tenants": 'namespace="$namespace",llm_release="$release",model=~"$model",tenant=~"$tenant"',
}
"""Label matchers of what the variables choose."""


def render(dashboard: Dashboard) -> dict[str, Any]:
    """Return the JSON of one dashboard. Raises KeyError for a metric that files/metrics.yaml does not have."""
    return {
        "uid": dashboard.uid,
        "title": dashboard.title,
        "description": dashboard.description,
        "tags": ["llm-serving"],
        "schemaVersion": 39,
        "editable": False,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": "now-3h", "to": "now"},
        "timezone": "browser",
        "links": [_links()],
        "templating": {"list": _variables(tenants=dashboard.tenants)},
        "annotations": {"list": []},
        "panels": _panels(dashboard.rows),
    }


def queries(dashboard: Dashboard) -> list[tuple[Panel, str]]:
    """Return every expression with its panel, words replaced and Grafana's variables left in."""
    return [(panel, expression(query)) for row in dashboard.rows for panel in row.panels for query in panel.queries]


def _panels(rows: tuple[Row, ...]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    top = 0
    for row in rows:
        place = {"x": 0, "y": top, "w": _COLUMNS, "h": 1}
        found.append(
            {
                "id": len(found) + 1,
                "type": "row",
                "title": row.title,
                "collapsed": False,
                "gridPos": place,
                "panels": [],
            }
        )
        top += 1
        left = height = 0
        for panel in row.panels:
            if left + panel.width > _COLUMNS:
                top, left, height = top + height, 0, 0
            tall = _HEIGHTS[panel.kind]
            place = {"x": left, "y": top, "w": panel.width, "h": tall}
            found.append({"id": len(found) + 1, "gridPos": place, **_panel(panel)})
            left, height = left + panel.width, max(height, tall)
        top += height
    return found


def _panel(panel: Panel) -> dict[str, Any]:
    instant = panel.kind != "timeseries"
    targets = [_target(query, "ABCDEFGHIJ"[index], panel, instant=instant) for index, query in enumerate(panel.queries)]
    defaults: dict[str, Any] = {
        "unit": _UNITS.get(panel.unit, panel.unit),
        "color": {"mode": "thresholds" if panel.kind == "stat" else "palette-classic"},
        "thresholds": _thresholds(panel),
        "custom": _look(panel),
    }
    if panel.kind == "timeseries":
        defaults["min"] = 0
    if panel.most is not None:
        defaults["max"] = panel.most
    drawn: dict[str, Any] = {
        "type": panel.kind,
        "title": panel.title,
        "description": panel.description,
        "datasource": _SOURCE,
        "targets": targets,
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "options": _options(panel),
    }
    if panel.kind == "table":
        drawn["transformations"] = _joined(panel)
    return drawn


def _target(query: Query, name: str, panel: Panel, *, instant: bool) -> dict[str, Any]:
    return {
        "refId": name,
        "datasource": _SOURCE,
        "expr": expression(query),
        "legendFormat": query.legend or "__auto",
        "instant": instant,
        "range": not instant,
        **({"format": "table"} if panel.kind == "table" else {}),
    }


def expression(query: Query) -> str:
    """Return the PromQL of one query, with Grafana's variables left in."""
    return expand(query.expr, WORDS)


def _thresholds(panel: Panel) -> dict[str, Any]:
    base = "green" if panel.steps else "text"
    steps = [{"color": base, "value": None}, *({"color": step.colour, "value": step.above} for step in panel.steps)]
    return {"mode": "absolute", "steps": steps}


def _look(panel: Panel) -> dict[str, Any]:
    if panel.kind != "timeseries":
        return {}
    return {
        "drawStyle": "line",
        "lineWidth": 1,
        "fillOpacity": 20 if panel.stacked else 5,
        "showPoints": "never",
        "spanNulls": False,
        "stacking": {"mode": "normal" if panel.stacked else "none", "group": "A"},
        "thresholdsStyle": {"mode": "dashed" if panel.steps else "off"},
    }


def _options(panel: Panel) -> dict[str, Any]:
    if panel.kind == "stat":
        reduce = {"calcs": ["lastNotNull"], "fields": "", "values": False}
        return {"reduceOptions": reduce, "colorMode": "value", "graphMode": "none", "textMode": "auto"}
    if panel.kind == "table":
        return {"showHeader": True, "cellHeight": "sm"}
    legend = {"showLegend": True, "displayMode": "list", "placement": "bottom", "calcs": []}
    return {"legend": legend, "tooltip": {"mode": "multi", "sort": "desc"}}


def _joined(panel: Panel) -> list[dict[str, Any]]:
    """One table of all queries: their labels once, then a column per query, named by its legend."""
    names = {f"Value #{'ABCDEFGHIJ'[index]}": query.legend for index, query in enumerate(panel.queries)}
    if len(panel.queries) == 1:
        names = {"Value": panel.queries[0].legend}
    return [
        {"id": "merge", "options": {}},
        {"id": "organize", "options": {"excludeByName": {"Time": True}, "renameByName": names}},
    ]


def _variables(*, tenants: bool) -> list[dict[str, Any]]:
    facts, requests = metric("rules", "loadBudget").name, metric("gateway", "requests").name
    chosen = 'namespace="$namespace"'
    source = {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus", "hide": 0}
    found = [
        source,
        _variable("namespace", "Namespace", f"label_values({facts}, namespace)", several=False),
        _variable("release", "Release", f"label_values({facts}{{{chosen}}}, llm_release)", several=False),
        _variable("model", "Model", f"label_values({facts}{{{WORDS['release']}}}, llm_model)", several=True),
    ]
    if tenants:
        found.append(
            _variable("tenant", "Tenant", f"label_values({requests}{{{WORDS['release']}}}, tenant)", several=True)
        )
    return found


def _variable(name: str, label: str, query: str, *, several: bool) -> dict[str, Any]:
    return {
        "name": name,
        "label": label,
        "type": "query",
        "datasource": _SOURCE,
        "query": {"query": query, "refId": name},
        "refresh": 2,
        "sort": 1,
        "multi": several,
        "includeAll": several,
        **({"allValue": ".*", "current": {"text": ["All"], "value": ["$__all"]}} if several else {}),
        "hide": 0,
    }


def _links() -> dict[str, Any]:
    return {
        "type": "dashboards",
        "title": "LLM serving",
        "tags": ["llm-serving"],
        "asDropdown": False,
        "includeVars": True,
        "keepTime": True,
        "icon": "external link",
    }
