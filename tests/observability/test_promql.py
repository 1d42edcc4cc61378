"""No dead names: every PromQL expression that ships reads metrics and labels that are exported."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.observability import promql, rendered

from llmgen import dashboards
from llmgen.dashboards import grafana
from llmgen.rollout import evidence
from llmgen.rollout.evidence import Revision, Window
from llmgen.rollout.prometheus import Prometheus

ROOT = Path(__file__).resolve().parents[2]
CASES = ("all-branches", "image-volume")
DOCUMENTS = sorted(
    path for folder in ("docs", "charts/llm-serving", "gateway") for path in (ROOT / folder).rglob("*.md")
)


@pytest.mark.parametrize("case", CASES)
def test_rules_read_what_is_exported(case: str):
    wrong = {
        f"{rule.get('alert') or rule['record']}: {rule['expr']}": found
        for rule in rendered.rules(rendered.objects(case))
        if (found := promql.problems(rule["expr"]))
    }
    assert wrong == {}


@pytest.mark.parametrize("case", CASES)
def test_recording_rules_have_the_labels_that_are_declared(case: str):
    seen = 0
    for rule in rendered.rules(rendered.objects(case)):
        if "record" in rule:
            labels = promql.check(rule["expr"])[0] | set(rule.get("labels", {}))
            assert rule["record"] in promql.SERIES, rule["record"]
            assert labels <= promql.labels_of(rule["record"]), rule["record"]
            seen += 1
    assert seen > 20


@pytest.mark.parametrize("case", CASES)
def test_alerts_speak_of_labels_that_they_have(case: str):
    seen = 0
    for rule in rendered.rules(rendered.objects(case)):
        if "alert" in rule:
            labels = promql.check(rule["expr"])[0]
            texts = " ".join(rule["annotations"].values())
            assert set(re.findall(r"\$labels\.(\w+)", texts)) <= labels, rule["alert"]
            seen += 1
    assert seen > 15


@pytest.mark.parametrize("case", CASES)
def test_triggers_read_what_is_exported(case: str):
    queries = rendered.triggers(rendered.objects(case))
    assert bool(queries) == (case == "all-branches")
    assert {query: found for query in queries if (found := promql.problems(query))} == {}


@pytest.mark.parametrize("dashboard", dashboards.DASHBOARDS, ids=lambda item: item.uid)
def test_panels_read_what_is_exported(dashboard: dashboards.Dashboard):
    wrong = {query: found for _, query in grafana.queries(dashboard) if (found := promql.problems(query))}
    assert wrong == {}


@pytest.mark.parametrize("dashboard", dashboards.DASHBOARDS, ids=lambda item: item.uid)
def test_legends_name_labels_that_panels_have(dashboard: dashboards.Dashboard):
    for row in dashboard.rows:
        for panel in row.panels:
            for query in panel.queries:
                labels = promql.check(grafana.expression(query))[0]
                assert set(re.findall(r"\{\{(\w+)\}\}", query.legend)) <= labels, (panel.title, query.expr)


class Asked(Prometheus):
    """Remembers what it is asked, and knows a number for all of it, so that no question is left out."""

    def __init__(self) -> None:
        self.queries: list[str] = []

    def value(self, query: str, *, at: float) -> float | None:
        del at
        self.queries.append(query)
        return 1.0


@pytest.mark.parametrize("generates", [True, False])
def test_gates_of_a_rollout_read_what_is_exported(generates: bool):  # noqa: FBT001 -- a parameter of the test
    of = Revision(namespace="llm", release="demo", model="chat", name="v2", generates=generates)
    asked = Asked()
    for window in (Window(seconds=900), Window(seconds=900, ago=60)):
        evidence.gather(asked, of, window, 0.0)
    queries = [*asked.queries, evidence.ready_query(of), evidence.brake_query(of)]
    assert len(queries) == 2 * (14 if generates else 7) + 2
    assert {query: found for query in queries if (found := promql.problems(query))} == {}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_documents_query_what_is_exported(path: Path):
    text = path.read_text(encoding="utf-8")
    blocks = re.findall(r"^```promql\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    wrong = {block: found for block in blocks if (found := promql.problems(block))}
    assert wrong == {}


def test_code_names_metrics_through_their_home():
    """A name of an engine's metric outside of its home is a second home."""
    homes = {"catalog", "metrics.yaml", "engine.yaml", "dashboards"}
    for folder in ("generator/llmgen", "charts/llm-serving/templates", "charts/llm-serving/files"):
        for path in (ROOT / folder).rglob("*"):
            if path.suffix in {".py", ".tpl", ".yaml", ".txt"} and not homes & set(path.parts):
                found = re.findall(r"\bvllm:[a-z_]+", path.read_text(encoding="utf-8"))
                assert not found, (path, found)


@pytest.mark.parametrize(
    ("expr", "wrong"),
    [
        ("rate(vllm:num_preemptions[5m])", "no exporter has 'vllm:num_preemptions'"),
        ("avg(vllm:gpu_cache_usage_perc)", "no exporter has 'vllm:gpu_cache_usage_perc'"),
        ('sum(vllm:num_requests_running{tenant="a"})', "vllm:num_requests_running: there is no label 'tenant'"),
        ("sum by (finish_reason) (rate(vllm:request_success_total[5m]))", "sum by: there is no label 'finish_reason'"),
        (
            "sum by (engine) (vllm:num_requests_running) - on (pod) sum by (pod) (vllm:num_requests_waiting)",
            "left of - on: there is no label 'pod'",
        ),
        (
            "histogram_quantile(0.95, sum by (pod) (rate(vllm:time_to_first_token_seconds_bucket[5m])))",
            "histogram_quantile: there is no label 'le'",
        ),
        ("up * on (pod) group_left (tenant) llm_gateway_track_info", "group_left: there is no label 'tenant'"),
        ('label_replace(up, "a", "$1", "b", "(.*)")', "label_replace: there is no label 'b'"),
        ("sum(", "does not parse"),
    ],
)
def test_dead_names_are_seen(expr: str, wrong: str):
    assert any(problem.startswith(wrong) for problem in promql.problems(expr)), promql.problems(expr)
