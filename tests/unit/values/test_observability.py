"""What a spec says about observability and promises, as values of the chart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from llmgen.pipeline import run

SPEC = """\
apiVersion: llmgen.dev/v1alpha1
kind: ServingSpec
metadata: {name: assistant}
cluster:
  pools: {l4: {gpu: L4-24GB, gpusPerNode: 1, maxNodes: 4}}
  CLUSTER
models:
  chat:
    source: {hub: {repo: Qwen/Qwen2.5-1.5B-Instruct}}
    limits: {maxPromptTokens: 3072, maxCompletionTokens: 1024}
    targets: {peakConcurrentRequests: 4, ttftP95: 2s, tpotP95: 100ms}
    engine: {version: VERSION}
"""
OPERATOR = "addons: {prometheusOperator: true}"
ADDRESS = "prometheus: {address: http://prometheus.monitoring:9090}"
BLOCK = "observability: {alerts: {labels: {team: a}}, slos: {ttft: 0.9}, dashboards: {folder: Models}, scrapeInterval: 10s}\n"


def values(tmp_path: Path, cluster: str, more: str = "", version: str = "0.32.0") -> tuple[dict[str, Any], set[str]]:
    """Return the values, and the paths of what is announced as heard by nobody."""
    text = SPEC.replace("CLUSTER", cluster).replace("VERSION", version) + more
    (tmp_path / "spec.yaml").write_text(text, encoding="utf-8")
    outcome = run(str(tmp_path / "spec.yaml"))
    assert outcome.values is not None, outcome.problems
    return outcome.values.data, {".".join(map(str, item.path)) for item in outcome.problems if item.id == "LLM391"}


def test_an_operator_gets_monitors(tmp_path: Path) -> None:
    found, notes = values(tmp_path, OPERATOR, BLOCK)
    assert found["observability"] == {
        "enabled": True,
        "scrapeIntervalSeconds": 10,
        "slos": {"availability": 0.995, "ttft": 0.9},
        "alerts": {"labels": {"team": "a"}},
        "dashboards": {"folder": "Models"},
    }
    assert notes == set()


def test_a_prometheus_without_operator_gets_annotations(tmp_path: Path) -> None:
    found, _ = values(tmp_path, ADDRESS)
    assert (found["observability"]["enabled"], found["observability"]["discovery"]) == (True, "annotations")


def test_without_a_prometheus_nothing_is_rendered_and_that_is_said(tmp_path: Path) -> None:
    found, notes = values(tmp_path, "provider: generic", BLOCK)
    assert "observability" not in found
    assert notes == {"observability"}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("http://otel.monitoring:4317", {"endpoint": "http://otel.monitoring:4317"}),
        ("grpc://otel.monitoring:4317", {"endpoint": "grpc://otel.monitoring:4317"}),
        ("grpc://otel.monitoring:4318", {"endpoint": "grpc://otel.monitoring:4318"}),
        ("http://otel.monitoring:4318", {"endpoint": "http://otel.monitoring:4318/v1/traces", "protocol": "http/protobuf"}),
        ("https://otel.example.com:443/in/v1/traces", {"endpoint": "https://otel.example.com:443/in/v1/traces", "protocol": "http/protobuf"}),
    ],
)  # fmt: skip
def test_engines_send_traces(tmp_path: Path, given: str, expected: dict[str, str]) -> None:
    found, notes = values(tmp_path, "provider: generic", f"observability: {{otlpEndpoint: '{given}'}}\n")
    assert found["engineDefaults"]["tracing"] == expected
    assert notes == set(), "traces need no Prometheus"


def test_what_is_off_is_off(tmp_path: Path) -> None:
    found, _ = values(tmp_path, OPERATOR, "observability: {alerts: {enabled: false}, dashboards: {enabled: false}}\n")
    assert found["observability"]["alerts"] == {"enabled": False}
    assert found["observability"]["dashboards"]["enabled"] is False


@pytest.mark.parametrize(("given", "seconds"), [("500ms", 1), ("30s", 30), ("10m", 120)])
def test_the_interval_is_whole_seconds_that_rates_can_live_with(tmp_path: Path, given: str, seconds: int) -> None:
    found, _ = values(tmp_path, OPERATOR, f"observability: {{scrapeInterval: {given}}}\n")
    assert found["observability"]["scrapeIntervalSeconds"] == seconds


def test_promises_are_bounds_of_the_histograms(tmp_path: Path) -> None:
    found, _ = values(tmp_path, OPERATOR)
    chat = found["models"]["chat"]
    assert chat["targets"] == {"ttftSeconds": 2, "tpotSeconds": 0.1}
    buckets = next(iter(chat["revisions"].values()))["metrics"]["histogramBuckets"]
    # 100 ms is one of vLLM's own bounds, 2 s is none.
    assert buckets.keys() == {"time_to_first_token"}
    assert 2 in buckets["time_to_first_token"]
    assert buckets["time_to_first_token"] == sorted(buckets["time_to_first_token"])


def test_an_engine_that_takes_no_bounds_gets_none(tmp_path: Path) -> None:
    found, _ = values(tmp_path, OPERATOR, version="0.31.0")
    assert "metrics" not in next(iter(found["models"]["chat"]["revisions"].values()))
