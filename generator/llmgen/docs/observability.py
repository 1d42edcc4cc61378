"""The page of the alerts, and the dashboards, which are generated like a page."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable

from llmgen.docs import markdown

_EXPORTERS = {
    "engine": "the engines",
    "gateway": "the gateway",
    "kubeState": "kube-state-metrics",
    "dcgm": "dcgm-exporter",
    "cadvisor": "the kubelet",
    "keda": "KEDA",
}
_INSIDE = {
    "gpuUtil": "dcgm",
    "gpuMemory": "dcgm",
    "gpuXid": "dcgm",
    "loadSeconds": "kubeState",
    "pod": "kubeState",
    "scaler": "kubeState",
}
"""Recorded metrics that stand for another exporter's."""


def alerts_page() -> str:
    """Return docs/reference/alerts.md."""
    from llmgen.alerts import alerts  # noqa: PLC0415 -- parses YAML

    text = markdown.header(
        "charts/llm-serving/files/alerts",
        "Alerts",
        "Every alert of the chart. Its page in `docs/runbooks` says what to do; `observability.alerts` holds thresholds, labels, and the "
        "switch for each. An alert stays silent where an exporter that it reads is missing.",
    )
    rows = [
        {
            "Alert": f"[`{alert.name}`](../runbooks/{alert.name}.md)",
            "Severity": alert.severity,
            "It says": re.sub(r"\{\{ *\$(?:labels\.)?([a-z_]+)[^}]*\}\}", r"`\1`", alert.summary),
            "It reads": ", ".join(_exporters(alert.expr)),
        }
        for alert in alerts().values()
    ]
    return text + "\n" + markdown.table(rows)


def dashboards() -> dict[str, Callable[[], str]]:
    """Return the builder of each dashboard's JSON, by its path in the repository."""
    from llmgen.dashboards import DASHBOARDS, file_name, text  # noqa: PLC0415 -- parses YAML

    return {
        f"charts/llm-serving/files/dashboards/{file_name(item)}": functools.partial(text, item) for item in DASHBOARDS
    }


def _exporters(expr: str) -> list[str]:
    read = re.findall(r"<([a-zA-Z]+)\.([a-zA-Z]+)", expr)
    of = {_INSIDE.get(key, "engine") if exporter == "rules" else exporter for exporter, key in read}
    return [name for exporter, name in _EXPORTERS.items() if exporter in of] or ["the scrapes themselves"]
