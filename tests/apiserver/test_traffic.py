"""What the chart renders for Istio is accepted by a real API server, which knows its kinds and every field of them."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.apiserver.cluster import Cluster
from tests.apiserver.helm import CHART, Helm

pytestmark = pytest.mark.apiserver

VALUES = CHART / "ci" / "all-branches-values.yaml"


@pytest.fixture
def of_the_mesh(helm: Helm, namespace: str, tmp_path: Path) -> list[dict[str, Any]]:
    """Objects of Istio's kinds, with the way in through its ingress gateway."""
    exposed = tmp_path / "exposed.yaml"
    exposed.write_text("gateway: {exposure: {kind: istio}}")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    rendered = yaml.load_all(helm.template("check", namespace, VALUES, exposed), loader)
    found = [item for item in rendered if item and item["apiVersion"].startswith("networking.istio.io/")]
    assert {item["kind"] for item in found} == {"DestinationRule", "Gateway", "VirtualService"}
    return found


def test_every_branch_is_accepted(cluster: Cluster, namespace: str, of_the_mesh: list[dict[str, Any]]) -> None:
    assert cluster.refused(of_the_mesh, namespace) == []


def test_a_wrong_one_is_refused(cluster: Cluster, namespace: str, of_the_mesh: list[dict[str, Any]]) -> None:
    """Guards the test above: the server does know the kinds."""
    route = next(item for item in of_the_mesh if item["kind"] == "VirtualService")
    rule = next(item for item in of_the_mesh if item["kind"] == "DestinationRule")
    misspelt, wrong = copy.deepcopy(route), copy.deepcopy(rule)
    misspelt["spec"]["http"][-1]["mirrorPercents"] = 10
    wrong["spec"]["trafficPolicy"]["tls"]["mode"] = "OFF"
    assert len(cluster.refused([misspelt, wrong], namespace)) == 2
