"""Dashboards that read well: what Grafana's dashboard-linter asks for, and every metric that was promised."""

from __future__ import annotations

import itertools
import json
import re
from typing import Any

import pytest
from tests.chart.conftest import CHART, CI, Helm, load_all, tool
from tests.observability import promql

from llmgen import dashboards
from llmgen.dashboards import grafana

PAGES: dict[str, dict[str, Any]] = {item.uid: grafana.render(item) for item in dashboards.DASHBOARDS}
PANELS = [(uid, panel) for uid, page in PAGES.items() for panel in page["panels"] if panel["type"] != "row"]
PROMISED = {
    "request count": "llm_gateway_requests_total",
    "error rate": "llm_serving:request_errors:ratio",
    "p50 and p95 latency": "llm_gateway_request_duration_seconds_bucket",
    "TTFT": "llm_gateway_time_to_first_token_seconds_bucket",
    "TPOT": "vllm:request_time_per_output_token_seconds_bucket",
    "tokens in": "vllm:prompt_tokens_total",
    "tokens out": "vllm:generation_tokens_total",
    "queue depth": "llm_gateway_queue_depth",
    "GPU utilisation": "llm_serving:gpu_utilisation:ratio",
    "OOM events": "container_oom_events_total",
    "model load duration": "llm_serving:engine_load:seconds",
    "usage by tenant": "llm_gateway_completion_tokens_total",
    "KV cache": "vllm:kv_cache_usage_perc",
    "preemptions": "vllm:num_preemptions_total",
    "replicas": "kube_deployment_status_replicas_available",
    "replicas wanted": "kube_horizontalpodautoscaler_status_desired_replicas",
    "refusals": "llm_gateway_rejections_total",
    "canary against stable": "llm_serving:track:info",
    "valid JSON and tool calls": "llm_gateway_structured_answers_total",
    "refusals of the model": "llm_serving:revision_refusals:ratio30m",
}


@pytest.mark.parametrize(("uid", "panel"), PANELS, ids=lambda item: item if isinstance(item, str) else item["title"])
def test_panel_reads_well(uid: str, panel: dict[str, Any]):
    assert uid
    assert panel["title"]
    assert panel["description"].endswith("."), panel["title"]
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert panel["datasource"]["uid"] == "${datasource}"
    assert panel["targets"]
    for target in panel["targets"]:
        assert "$release" in target["expr"] or "$namespace" in target["expr"]
        ranges = set(re.findall(r"\[([^\]]+)\]", target["expr"]))
        assert ranges <= {"$__rate_interval", "$__range", "10m"}, target["expr"]
        if panel["type"] == "timeseries":
            assert target["range"]
            assert not target["instant"]


@pytest.mark.parametrize(("uid", "panel"), PANELS, ids=lambda item: item if isinstance(item, str) else item["title"])
def test_counters_are_rated(uid: str, panel: dict[str, Any]):
    """A bare counter is a line that only rises."""
    assert uid
    for target in panel["targets"]:
        for series in promql.series_of(target["expr"]):
            metric = promql.SERIES[series][1]
            if metric.type in {"counter", "histogram"}:
                bare = re.search(rf"(?<![\w:]){re.escape(series)}(\{{[^}}]*\}})?(?!\[|[\w:{{])", target["expr"])
                assert bare is None, target["expr"]


@pytest.mark.parametrize("uid", PAGES)
def test_page_reads_well(uid: str):
    page = PAGES[uid]
    assert len(uid) <= 40
    assert page["editable"] is False
    variables = [variable["name"] for variable in page["templating"]["list"]]
    assert variables[:4] == ["datasource", "namespace", "release", "model"]
    titles = [panel["title"] for panel in page["panels"]]
    assert len(titles) == len(set(titles))
    assert len({panel["id"] for panel in page["panels"]}) == len(titles)


@pytest.mark.parametrize("uid", PAGES)
def test_variables_are_used_and_known(uid: str):
    page = PAGES[uid]
    text = json.dumps([page["panels"], page["templating"]])
    names = {variable["name"] for variable in page["templating"]["list"]}
    used = set(re.findall(r"\$\{?([a-z]+)\b", text))
    assert names <= used
    assert used <= names


@pytest.mark.parametrize("uid", PAGES)
def test_panels_do_not_overlap(uid: str):
    places = [panel["gridPos"] for panel in PAGES[uid]["panels"]]
    assert all(place["x"] + place["w"] <= 24 for place in places)
    for one, other in itertools.combinations(places, 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        above = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or above, (one, other)


@pytest.mark.parametrize("what", PROMISED)
def test_every_promised_metric_has_a_panel(what: str):
    read = {series for _, panel in PANELS for target in panel["targets"] for series in promql.series_of(target["expr"])}
    assert PROMISED[what] in read


def test_latencies_are_shown_as_p50_and_p95():
    queries = " ".join(target["expr"] for _, panel in PANELS for target in panel["targets"])
    for histogram in ("llm_gateway_time_to_first_token_seconds", "llm_gateway_request_duration_seconds"):
        for share in ("0.5", "0.95"):
            assert re.search(
                rf"histogram_quantile\({re.escape(share)}, sum by \(\w+, le\) \(rate\({histogram}", queries
            )


def test_the_chart_holds_what_is_described():
    files = {file.name: file.read_text(encoding="utf-8") for file in (CHART / "files" / "dashboards").glob("*")}
    assert files == {dashboards.file_name(item): dashboards.text(item) for item in dashboards.DASHBOARDS}


@pytest.mark.parametrize("release", ["demo", "a" * 53])
def test_two_releases_live_in_one_grafana(release: str):
    """A uid, a title in a folder, or a file of the sidecar that is there twice is one of the two releases lost."""
    values, helm = {"observability": {"enabled": True}}, Helm(tool("helm"), CHART)
    uids, titles, files = [], [], []
    for name, namespace in ((release, "ns"), ("other", "ns"), (release, "elsewhere")):
        text = helm.run(
            "template", name, str(helm.chart), "-n", namespace, "-f", str(CI / "minimal-values.yaml"),
            "-s", "templates/observability/dashboards.yaml", values=values,
        ).stdout  # fmt: skip
        for item in load_all(text):
            for file, page in item["data"].items():
                files.append(file)
                shown = json.loads(page)
                uids.append(shown["uid"])
                titles.append(shown["title"])
                known = next(PAGES[uid] for uid in PAGES if shown["uid"].startswith(uid))
                assert shown["panels"] == known["panels"]
                assert shown["links"][0]["tags"] == shown["tags"], "links lead to this release's pages"
                chosen = {one["name"]: one.get("current", {}).get("value") for one in shown["templating"]["list"]}
                assert chosen["namespace"] == namespace
                assert titles[-1].endswith(f"({namespace}/{chosen['release']})")
    assert len(files) == 3 * len(PAGES)
    for found in (uids, titles, files):
        assert len(found) == len(set(found))
    assert max(map(len, uids)) <= 40


def test_a_dead_name_is_refused():
    from llmgen.dashboards.model import Panel, Row, line  # noqa: PLC0415 -- only here

    panel = Panel(title="a", description="b.", unit="short", queries=(line("<engine.gpuCacheUsage>"),))
    dashboard = dashboards.Dashboard(uid="u", title="t", description="d", rows=(Row(title="r", panels=(panel,)),))
    with pytest.raises(KeyError):
        grafana.render(dashboard)
