"""What the chart renders for observability: rules, alerts, triggers."""

from __future__ import annotations

import functools
from typing import Any

from tests.chart.conftest import CHART, CI, Helm, load, tool

PROMETHEUS_FILE = "llm-serving.rules.yaml"


@functools.cache
def objects(case: str) -> tuple[dict[str, Any], ...]:
    """Objects of one of the chart's ci files."""
    return tuple(Helm(tool("helm"), CHART).objects(CI / f"{case}-values.yaml"))


def groups(items: tuple[dict[str, Any], ...]) -> list[dict[str, Any]]:
    """Rule groups of a PrometheusRule, or of the ConfigMap that stands for one."""
    found: list[dict[str, Any]] = []
    for item in items:
        if item["kind"] == "PrometheusRule":
            found += item["spec"]["groups"]
        elif item["kind"] == "ConfigMap" and PROMETHEUS_FILE in item.get("data", {}):
            found += load(item["data"][PROMETHEUS_FILE])["groups"]
    return found


def rules(items: tuple[dict[str, Any], ...]) -> list[dict[str, Any]]:
    """Every rule of every group."""
    return [rule for group in groups(items) for rule in group["rules"]]


def triggers(items: tuple[dict[str, Any], ...]) -> list[str]:
    """PromQL of every trigger of a ScaledObject."""
    scaled = [item for item in items if item["kind"] == "ScaledObject"]
    found = [trigger for item in scaled for trigger in item["spec"]["triggers"]]
    return [trigger["metadata"]["query"] for trigger in found if "query" in trigger.get("metadata", {})]
