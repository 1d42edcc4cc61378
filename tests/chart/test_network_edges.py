"""The rendered NetworkPolicies open exactly the edges of docs/reference/network-edges.md."""

from __future__ import annotations

import re
from typing import Any

import pytest
from tests.chart.conftest import CI, ROOT, Helm

Edge = tuple[str, str, str]
DOCS = ROOT / "docs" / "reference" / "network-edges.md"
PEERS = {"monitoring": "prometheus", "kube-system": "dns", "istio-system": "istiod"}
MINIMAL = CI / "minimal-values.yaml"
GATEWAY: dict[str, Any] = {
    "gateway": {"enabled": True, "limitStore": {"kind": "redis", "address": "redis.stores:6379"}},
    "traffic": {"provider": "istio", "mtls": True},
    **(TRACING := {"engineDefaults": {"tracing": {"endpoint": "http://otel-collector.monitoring:4317"}}}),
}
"""Everything that opens an edge."""


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
        labels = rule["namespaceSelector"].get("matchLabels")
        return "anywhere" if labels is None else PEERS[labels["kubernetes.io/metadata.name"]]
    if rule["ipBlock"]["cidr"] == "169.254.20.10/32":
        return "dns"
    return "anywhere"


def assert_no_machine_credentials(targets: list[dict[str, Any]]) -> None:
    for target in targets:
        if peer(target) == "anywhere" and "ipBlock" in target:
            assert {"169.254.0.0/16", "fe80::/10"} & set(target["ipBlock"]["except"]), (
                "machine credentials stay out of reach"
            )


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
            assert_no_machine_credentials(rule["to"])
            let_out |= {(own, peer(target), port(entry)) for target in rule["to"] for entry in rule["ports"]}
    return let_in, let_out


def port(entry: dict[str, Any]) -> str:
    return f"{entry['port']}/{entry['protocol']}"


def test_rendered_edges_are_the_documented_ones(helm: Helm):
    let_in, let_out = edges(helm.objects(MINIMAL, values=GATEWAY))
    assert let_in | let_out == documented()


def test_without_a_gateway_its_edges_are_missing(helm: Helm):
    let_in, let_out = edges(helm.objects(MINIMAL, values=TRACING))
    closed = {
        edge for edge in documented() if {"gateway", "istiod"} & {*edge} and edge != ("gateway", "engine", "8000/TCP")
    }
    assert let_in | let_out == documented() - closed


def test_an_edge_inside_the_release_is_open_at_both_ends(helm: Helm):
    let_in, let_out = edges(helm.objects(MINIMAL, values=GATEWAY))
    inside = {"engine", "gateway", "test"}
    assert {edge for edge in let_in if edge[0] in inside} == {edge for edge in let_out if edge[1] in inside}


def test_the_gateway_takes_clients_of_some_namespaces_only(helm: Helm):
    values = {"gateway": {"enabled": True, "clientNamespaces": {"llm-clients": "true"}}}
    policy = next(
        item
        for item in helm.objects(MINIMAL, values=values)
        if item["kind"] == "NetworkPolicy" and item["metadata"]["name"] == "demo-gateway"
    )
    assert policy["spec"]["ingress"][0]["from"] == [{"namespaceSelector": {"matchLabels": {"llm-clients": "true"}}}]


def test_mounted_weights_need_no_way_out(helm: Helm):
    _, let_out = edges(helm.objects(CI / "image-volume-values.yaml"))
    assert {edge for edge in let_out if edge[0] == "engine"} == {
        ("engine", "dns", "53/UDP"),
        ("engine", "dns", "53/TCP"),
    }


@pytest.mark.parametrize("case", ["minimal", "image-volume"])
def test_every_edge_points_at_a_pod_that_listens(helm: Helm, case: str):
    objects = helm.objects(CI / f"{case}-values.yaml", values={"gateway": {"enabled": True}})
    let_in, _ = edges(objects)
    listening = {
        f"{entry['containerPort']}/{entry['protocol']}"
        for item in objects
        if item["kind"] == "Deployment"
        for container in item["spec"]["template"]["spec"]["containers"]
        for entry in container.get("ports", [])
    }
    assert {edge[2] for edge in let_in} == listening
