"""PodMonitors and rules are what prometheus-operator's own definitions take; dashboards fit into a ConfigMap."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from tests.apiserver.cluster import Cluster
from tests.chart.conftest import CHART, CI, Helm, tool

pytestmark = pytest.mark.apiserver


@pytest.fixture(scope="module")
def rendered() -> list[dict[str, Any]]:
    objects = Helm(tool("helm"), CHART).objects(CI / "all-branches-values.yaml")
    found = [
        item
        for item in objects
        if item["metadata"].get("labels", {}).get("app.kubernetes.io/component") == "observability"
    ]
    for item in found:
        item["metadata"].pop("namespace")
    return found


def test_they_are_admitted(cluster: Cluster, namespace: str, rendered: list[dict[str, Any]]) -> None:
    kinds = sorted(item["kind"] for item in rendered)
    assert kinds == ["ConfigMap"] * 4 + ["PodMonitor"] * 2 + ["PrometheusRule"]
    assert cluster.refused(rendered, namespace) == []


@pytest.mark.parametrize(
    ("kind", "part", "key", "value"),
    [
        ("PodMonitor", ("spec", "podMetricsEndpoints", 0), "interval", "15 seconds"),
        ("PodMonitor", ("spec", "podMetricsEndpoints", 0), "relabelling", []),
        ("PrometheusRule", ("spec", "groups", 0, "rules", 0), "for", "soon"),
        ("PrometheusRule", ("spec", "groups", 0), "every", "1m"),
    ],
)
def test_the_definitions_would_notice(
    cluster: Cluster,
    namespace: str,
    rendered: list[dict[str, Any]],
    kind: str,
    part: tuple[Any, ...],
    key: str,
    value: Any,
) -> None:
    item = copy.deepcopy(next(item for item in rendered if item["kind"] == kind))
    place: Any = item
    for step in part:
        place = place[step]
    place[key] = value
    assert cluster.refused([item], namespace) != []
