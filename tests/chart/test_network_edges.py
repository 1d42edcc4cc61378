"""The rendered NetworkPolicies open exactly the edges of docs/reference/network-edges.md."""

from __future__ import annotations

import re
from typing import Any

import pytest
from tests.chart.conftest import CI, ROOT, Helm

Edge = tuple[str, str, str]
DOCS = ROOT / "docs" / "reference" / "network-edges.md"
PEERS = {"monitoring": "prometheus", "kube-system": "dns"}


def documented() -> set[Edge]:
    """Return the rows of the table, one edge per port."""
    rows = re.findall(r"^\| (\w+) \| (\w+) \| ([^|]+) \|", DOCS.read_text(), re.MULTILINE)
    return {(source, target, port) for source, target, ports in rows if source != "From" for port in ports.split()}


def component(selector: dict[str, Any]) -> str:
    name: str = selector["matchLabels"]["app.kubernetes.io/component"]
    assert selector["matchLabels"]["app.kubernetes.io/instance"] == "demo", "an edge stays inside the release"
    return name


def peer(rule: dict[str, Any]) -> str:
    """Name one end of an edge as the table does."""
    if "podSelector" in rule:
        return component(rule["podSelector"])
    if "namespaceSelector" in rule:
        return PEERS[rule["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"]]
    if rule["ipBlock"]["cidr"] == "169.254.20.10/32":
        return "dns"
    assert {"169.254.0.0/16", "fe80::/10"} & set(rule["ipBlock"]["except"]), "machine credentials stay out of reach"
    return "weights"


def edges(objects: list[dict[str, Any]]) -> tuple[set[Edge], set[Edge]]:
    """Return the edges that policies let in and let out."""
    let_in, let_out = set(), set()
    for item in objects:
        if item["kind"] != "NetworkPolicy" or item["metadata"]["name"].endswith("-default-deny"):
            continue
        own = component(item["spec"]["podSelector"])
        assert set(item["spec"]["policyTypes"]) == {"Ingress", "Egress"}
        for rule in item["spec"].get("ingress", []):
            assert rule["from"], "an empty list would let everybody in"
            let_in |= {(peer(source), own, port(entry)) for source in rule["from"] for entry in rule["ports"]}
        for rule in item["spec"].get("egress", []):
            assert rule["to"], "an empty list would let everything out"
            let_out |= {(own, peer(target), port(entry)) for target in rule["to"] for entry in rule["ports"]}
    return let_in, let_out


def port(entry: dict[str, Any]) -> str:
    return f"{entry['port']}/{entry['protocol']}"


def test_rendered_edges_are_the_documented_ones(helm: Helm):
    let_in, let_out = edges(helm.objects(CI / "minimal-values.yaml"))
    assert let_in | let_out == documented()


def test_an_edge_inside_the_release_is_open_at_both_ends(helm: Helm):
    let_in, let_out = edges(helm.objects(CI / "minimal-values.yaml"))
    # The gateway's own policy comes with the gateway; its end is opened here already.
    assert {edge for edge in let_in if edge[0] not in {"prometheus", "gateway"}} == {
        edge for edge in let_out if edge[1] == "engine"
    }


def test_mounted_weights_need_no_way_out(helm: Helm):
    _, let_out = edges(helm.objects(CI / "image-volume-values.yaml"))
    assert {edge for edge in let_out if edge[0] == "engine"} == {
        ("engine", "dns", "53/UDP"),
        ("engine", "dns", "53/TCP"),
    }


@pytest.mark.parametrize("case", ["minimal", "image-volume"])
def test_every_edge_points_at_a_pod_that_listens(helm: Helm, case: str):
    objects = helm.objects(CI / f"{case}-values.yaml")
    let_in, _ = edges(objects)
    listening = {
        f"{entry['containerPort']}/{entry['protocol']}"
        for item in objects
        if item["kind"] == "Deployment"
        for container in item["spec"]["template"]["spec"]["containers"]
        for entry in container.get("ports", [])
    }
    assert {edge[2] for edge in let_in} == listening
