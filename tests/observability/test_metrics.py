"""files/metrics.yaml says what exporters really export."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from llm_gateway.metrics import TTFT, Metrics, describe
from llmgen import catalog, metrics

CAPTURE = Path(__file__).resolve().parents[1] / "fixtures" / "vllm-0.32-metrics.txt"
PINNED = ("kubeState", "dcgm", "cadvisor", "istio", "keda")


def _captured() -> dict[str, tuple[str, set[str]]]:
    """Type and labels of every family that a running engine exported."""
    text = CAPTURE.read_text(encoding="utf-8")
    types = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE))
    found: dict[str, tuple[str, set[str]]] = {}
    for series, labels in re.findall(r"^([A-Za-z_:][\w:]*)(\{.*\})? \S+$", text, re.MULTILINE):
        name = next(name for name in (series, re.sub(r"_(bucket|sum|count)$", "", series)) if name in types)
        names = set(re.findall(r'(\w+)="', labels)) - {"le"}
        found[name] = (types[name], found.get(name, ("", set()))[1] | names)
    return found


def test_engine_metrics_are_those_of_a_running_engine():
    captured = _captured()
    for key, metric in metrics.exporters()["engine"].items():
        assert captured[metric.name] == (metric.type, set(metric.labels)), key


def test_engine_metrics_are_those_of_the_catalogue():
    known = catalog.vllm("0.32").metrics
    for metric in metrics.exporters()["engine"].values():
        if metric.name.startswith("vllm:"):
            assert set(known[metric.name].labels) == set(metric.labels)


def test_gateway_metrics_are_its_registry():
    registry = {family.name: (family.kind, family.labels) for family in describe()}
    assert {metric.name: (metric.type, metric.labels) for metric in metrics.exporters()["gateway"].values()} == registry


@pytest.mark.parametrize("exporter", metrics.exporters())
def test_every_exporter_has_a_source_and_scraped_labels(exporter: str):
    assert metrics.chart.read(metrics.FILE)["sources"][exporter]
    assert metrics.scraped_labels(exporter)


def test_names_are_told_once():
    names = [metric.name for entries in metrics.exporters().values() for metric in entries.values()]
    assert len(names) == len(set(names))


def test_pinned_metrics_are_those_of_their_source():
    """Names and labels as the exporters' own documents list them: tests/observability/exporters.json."""
    listed = json.loads((Path(__file__).parent / "exporters.json").read_text(encoding="utf-8"))
    for exporter in PINNED:
        for metric in metrics.exporters()[exporter].values():
            assert metric.name in listed[exporter]["metrics"], metric.name
            assert set(metric.labels) <= set(listed[exporter]["metrics"][metric.name]), metric.name


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("<engine.running>{<here>}", 'vllm:num_requests_running{a="b"}'),
        ("<engine.ttft_bucket>", "vllm:time_to_first_token_seconds_bucket"),
        ("a < b > c", "a < b > c"),
    ],
)
def test_words_are_replaced(text: str, expanded: str):
    assert metrics.expand(text, {"here": 'a="b"'}) == expanded


@pytest.mark.parametrize("word", ["<engine.nothing>", "<nobody.running>", "<engine.running_bucket>", "<else>"])
def test_words_that_are_nothing_are_refused(word: str):
    with pytest.raises(KeyError):
        metrics.expand(word, {})


def test_the_gateway_has_objectives_among_its_bounds():
    made = Metrics(latency_bounds=(2.2, 2.5))
    made.observe(TTFT, 2.1, "chat", "interactive")
    bounds = re.findall(r'first_token_seconds_bucket\{[^}]*le="([^"]+)"', made.render().decode())
    assert bounds == [*sorted({*map(str, TTFT.buckets), "2.2"}, key=float), "+Inf"]


def test_selectors():
    assert (
        metrics.selector(namespace="n", release="r", revision="v") == 'namespace="n",llm_release="r",llm_revision="v"'
    )
    assert metrics.gateway_selector(namespace="n", release="r", model="m") == 'namespace="n",llm_release="r",model="m"'


@pytest.mark.parametrize(("key", "metric"), [("ttftBuckets", "ttft"), ("tpotBuckets", "tpot"), ("tpotBuckets", "itl")])
def test_the_engines_own_bounds_are_those_of_a_running_engine(key: str, metric: str):
    name = metrics.metric("engine", metric).name
    found = re.findall(rf'^{name}_bucket\{{.*le="([0-9.]+)"', CAPTURE.read_text(encoding="utf-8"), re.MULTILINE)
    assert [float(bound) for bound in found] == metrics.chart.read("files/engine.yaml")["metrics"][key]
