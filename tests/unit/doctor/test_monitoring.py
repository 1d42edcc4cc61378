from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from tests.unit.doctor.conftest import HERE, Examine, FakeApi, deployment, of, only

from llmgen import doctor
from llmgen.doctor.monitoring import selects
from llmgen.doctor.prober import proxied
from llmgen.pipeline import Outcome

PROXY = "/api/v1/namespaces/monitoring/services/"


@pytest.mark.parametrize(
    ("address", "path"),
    [
        ("http://prometheus.monitoring:9090", f"{PROXY}prometheus:9090/proxy/api/v1/query"),
        ("http://prometheus.monitoring.svc.cluster.local:9090/", f"{PROXY}prometheus:9090/proxy/api/v1/query"),
        ("https://mimir.monitoring.svc/prometheus", f"{PROXY}https:mimir:443/proxy/prometheus/api/v1/query"),
        ("https://prometheus.example.com", None),
        ("https://example.com", None),
        ("http://10.0.0.1:9090", None),
    ],
)
def test_the_way_through_the_api_server(address: str, path: str | None) -> None:
    assert proxied(address) == path


def test_prometheus_that_does_not_answer(api: FakeApi, examine: Examine) -> None:
    api.objects["/api/v1/namespaces/monitoring/services/prometheus:9090/proxy/api/v1/query"] = {}
    api.queries = {}
    api.get = lambda path, query: (503, "no endpoints") if "proxy" in path else FakeApi.get(api, path, query)  # type: ignore[method-assign]
    findings = examine()
    assert only(findings, "prometheus").level == "fail"
    assert only(findings, "trigger").level == "unknown", "said once as a failure"


def test_a_service_that_is_not_there_is_said_in_the_servers_words(api: FakeApi, examine: Examine) -> None:
    body = json.dumps({"kind": "Status", "message": 'services "prometheus" not found'})
    api.get = lambda path, query: (404, body) if "proxy" in path else FakeApi.get(api, path, query)  # type: ignore[method-assign]
    found = only(examine(), "prometheus")
    assert found.message == 'http://prometheus.monitoring:9090 cannot be reached: services "prometheus" not found'


def test_autoscalers_without_a_prometheus(api: FakeApi, outcome: Outcome) -> None:
    assert outcome.context is not None
    spec = outcome.context.spec
    nowhere = replace(spec, cluster=replace(spec.cluster, prometheus=None))
    blind = replace(outcome, context=replace(outcome.context, spec=nowhere))
    findings = doctor.examine(blind, (HERE / "manifests.yaml").read_text(), api)
    found = only(findings, "prometheus")
    assert (found.level, found.message) == ("fail", "the spec names no Prometheus")
    assert of(findings, "trigger") == []


def test_prometheus_that_scrapes_nothing(api: FakeApi, examine: Examine) -> None:
    api.queries["up"] = 0
    assert only(examine(), "prometheus").message == "answers, and scrapes nothing"


@pytest.mark.parametrize(
    ("answer", "installed", "level"),
    [(1, True, "ok"), (0, False, "ok"), (0, True, "warn"), (2, True, "fail"), ("parse error: x", False, "fail")],
)
def test_a_trigger(api: FakeApi, examine: Examine, answer: Any, *, installed: bool, level: str) -> None:
    api.queries["sum(running)"] = answer
    if installed:
        labels = {"app.kubernetes.io/instance": "assistant"}
        api.put("/apis/apps/v1/namespaces/serving/deployments/assistant-chat-v1", deployment("x:1"), labels=labels)
    found = only(examine(), "trigger")
    assert found.subject == "assistant-chat-v1/in-flight"
    assert found.level == level


def test_a_rule_that_is_not_understood(api: FakeApi, examine: Examine) -> None:
    api.queries["absent(up)"] = "bad function"
    assert only(examine(), "rules").message == "ScalerBlind: bad function"


@pytest.mark.parametrize(
    ("change", "level"),
    [
        ({"podMonitorSelector": {"matchLabels": {"release": "other"}}}, "fail"),
        ({"podMonitorSelector": None}, "fail"),
        ({"podMonitorNamespaceSelector": None}, "fail"),
        ({"podMonitorNamespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "serving"}}}, "ok"),
        ({"podMonitorSelector": {"matchExpressions": [{"key": "release", "operator": "Exists"}]}}, "ok"),
    ],
)
def test_what_prometheus_selects(api: FakeApi, examine: Examine, change: dict[str, Any], level: str) -> None:
    api.objects["/apis/monitoring.coreos.com/v1/namespaces/monitoring/prometheuses/main"]["spec"] |= change
    found = only(examine(), "selected", "PodMonitor assistant-engines")
    assert found.level == level


@pytest.mark.parametrize(
    ("operator", "values", "matches"),
    [("In", ["a"], True), ("NotIn", ["a"], False), ("Exists", None, True), ("DoesNotExist", None, False)],
)
def test_expressions(operator: str, values: list[str] | None, *, matches: bool) -> None:
    assert selects({"matchExpressions": [{"key": "k", "operator": operator, "values": values}]}, {"k": "a"}) is matches
    assert selects({}, {})
    assert not selects(None, {})


@pytest.fixture
def prometheus() -> Iterator[str]:
    """Something that answers every query with one series."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps({"status": "success", "data": {"resultType": "vector", "result": [{}]}}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Silent."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_an_address_that_this_machine_reaches(api: FakeApi, examine: Examine, prometheus: str) -> None:
    api.forbidden = {PROXY}
    assert only(examine(), "prometheus").level == "unknown"
    findings = examine(prometheus=prometheus)
    assert only(findings, "prometheus").message == "answers, and scrapes 1 targets"
    assert only(findings, "trigger").level == "ok"


def test_an_address_that_is_nothing(examine: Examine) -> None:
    assert only(examine(prometheus="http://127.0.0.1:9"), "prometheus").level == "fail"
    assert only(examine(prometheus="file:///etc/passwd"), "prometheus").level == "fail"
