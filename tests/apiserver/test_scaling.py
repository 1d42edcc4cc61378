"""Every autoscaler that the chart renders is accepted by a real API server, which knows KEDA's kind and every field of it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.apiserver.cluster import Cluster
from tests.apiserver.conftest import Rendered
from tests.apiserver.helm import CHART, Helm

pytestmark = pytest.mark.apiserver

KINDS = {"ScaledObject", "HorizontalPodAutoscaler"}


def scalers(helm: Helm, namespace: str, *values: Path) -> list[dict[str, Any]]:
    found = [
        item
        for item in yaml.safe_load_all(helm.template("check", namespace, *values))
        if item and item["kind"] in KINDS
    ]
    assert found
    return found


def test_of_a_shipped_environment(
    cluster: Cluster, namespace: str, helm: Helm, render: Callable[[str], Rendered]
) -> None:
    production = render("prod")
    found = scalers(helm, namespace, *production.files)
    engines = sum(len(model["revisions"]) for model in production.data["models"].values())
    assert len(found) == engines + 1, "one for each revision and the gateway"
    assert cluster.refused(found, namespace) == []


def test_of_every_branch(cluster: Cluster, namespace: str, helm: Helm) -> None:
    found = scalers(helm, namespace, CHART / "ci" / "all-branches-values.yaml")
    assert {item["kind"] for item in found} == KINDS
    assert cluster.refused(found, namespace) == []


def test_a_wrong_one_is_refused(cluster: Cluster, namespace: str, helm: Helm) -> None:
    """Guards the tests above: the server does know the kind."""
    values = CHART / "ci" / "all-branches-values.yaml"
    right = next(item for item in scalers(helm, namespace, values) if item["kind"] == "ScaledObject")
    wrong = copy.deepcopy(right)
    wrong["spec"]["fallback"]["behavior"] = "currentReplicasIfLarger"
    misspelt = copy.deepcopy(right)
    misspelt["spec"]["minReplicasCount"] = 1
    assert len(cluster.refused([right, wrong, misspelt], namespace)) == 2


def test_switching_an_autoscaler_on_leaves_one_engine(
    cluster: Cluster, namespace: str, helm: Helm, tmp_path: Path
) -> None:
    """helm#12650, which `llmgen diff` warns of: should this fail one day, the warning can go."""
    minimal, fixed, scaled = CHART / "ci" / "minimal-values.yaml", tmp_path / "fixed.yaml", tmp_path / "scaled.yaml"
    sizes = "minReplicas: 3, maxReplicas: 4, inFlightTarget: 4"
    fixed.write_text(f"models: {{chat: {{revisions: {{v1: {{scaling: {{{sizes}}}}}}}}}}}\n")
    scaled.write_text(
        "prometheus: {address: 'http://prometheus:9090'}\n"
        f"models: {{chat: {{revisions: {{v1: {{scaling: {{autoscaler: keda, {sizes}}}}}}}}}}}\n"
    )
    helm.install("switch", namespace, minimal, fixed)
    assert _replicas(cluster, namespace) == 3
    helm.upgrade("switch", namespace, minimal, scaled)
    left = _replicas(cluster, namespace)
    helm.uninstall("switch", namespace)
    assert left == 1


def _replicas(cluster: Cluster, namespace: str) -> int:
    (engine,) = cluster.all("apps/v1", "Deployment", namespace)
    return int(engine["spec"]["replicas"])
