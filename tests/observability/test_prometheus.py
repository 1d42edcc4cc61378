"""A real Prometheus over engines, gateway and a cluster's series: rules run, panels and triggers find data, faults raise their alert."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from tests.observability import rendered
from tests.observability.bench import Bench

from llmgen import dashboards
from llmgen.dashboards import grafana

pytestmark = pytest.mark.prometheus
VARIABLES = {
    "$namespace": "ns",
    "$release": "demo",
    "$model": ".*",
    "$tenant": ".*",
    "$__rate_interval": "8s",
    "$__range": "5m",
}
ALWAYS = {"LLMCanaryStuck", "LLMCanaryWorse"}
"""The bench has a canary, it is slower, and two hours are two minutes here."""
FAILING = {
    "LLMErrorBudgetBurnFast",
    "LLMErrorBudgetBurnSlow",
    "LLMFirstTokenBudgetBurnFast",
    "LLMFirstTokenBudgetBurnSlow",
    "LLMRetryBudgetExhausted",
    "LLMEngineEjected",
}
"""What failing requests bring with them, and what an hour's window (a minute here) remembers of the fault before."""
OVERLOAD = {"LLMShedding", "LLMKVCachePressure", "LLMScalerAtMax", "LLMSlowTokens", "LLMGatewayLoopLag"}
CLUSTER = {
    "LLMGpuFault": ('<dcgm.xid>{<ns>,pod="v1-0"', [79]),
    "LLMPodPending": ('<kubeState.podPhase>{<ns>,pod="v2-0",uid="3",phase="Pending"', [1]),
    "LLMScalerBlind": ("<keda.scalerErrors>{<ns>", [3, 6, 9, 12, 15, 18]),
    "LLMRestartLoop": ('<kubeState.containerRestarts>{<ns>,pod="v1-0"', [1, 2, 3, 4, 5]),
    "LLMOutOfMemory": ('<cadvisor.oomEvents>{<ns>,pod="v1-0"', [1, 2]),
}
"""The series of a cluster that an alert is about, and the values it takes."""
SILENT = {
    "<gateway.retries>": "nothing is retried while all is well",
    "<gateway.fallbacks>": "there is one model",
    "<gateway.retryBudgetEmpty>": "nothing is retried",
    "<gateway.rejections>": "nothing is refused",
    "<gateway.mirrored>": "there is no shadow",
    "<gateway.mirrorDropped>": "there is no shadow",
    'status!="2xx"': "nothing fails",
    "timeout_ttft": "nothing fails",
}
"""Panels' queries that read a counter which only its event makes, and why there is none here."""


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with Bench(tmp_path_factory.mktemp("bench")) as bench:
        bench.clients.start(6)
        bench.until(lambda: bench.query("llm_serving:revision_ttft_p95:seconds30m"), 90, "no rule has a value")
        time.sleep(8)
        yield bench


def test_all_rules_run(bench: Bench):
    groups = bench.api("rules")["groups"]
    states = {rule["name"]: (rule["health"], rule.get("lastError")) for group in groups for rule in group["rules"]}
    assert len(states) > 40
    assert {name: state for name, state in states.items() if state[0] != "ok"} == {}


@pytest.mark.parametrize("dashboard", dashboards.DASHBOARDS, ids=lambda item: item.uid)
def test_panels_find_data(bench: Bench, dashboard: dashboards.Dashboard):
    empty = {}
    for row in dashboard.rows:
        for panel in row.panels:
            for query in panel.queries:
                if any(word in query.expr for word in SILENT):
                    continue
                if not bench.query(chosen(grafana.expression(query))):
                    empty[panel.title] = query.expr
    assert empty == {}


def test_triggers_find_one_value(bench: Bench):
    """KEDA refuses an answer of several elements, and an empty one counts as zero or as an error."""
    queries = rendered.triggers(tuple(bench.objects))
    assert len(queries) >= 2
    for query in queries:
        assert len(bench.query(query)) == 1, query


def test_nothing_fires_while_all_is_well(bench: Bench):
    bench.until(lambda: not bench.firing() - ALWAYS, 30, "it fires")


def test_a_hang_is_seen(bench: Bench):
    bench.engines["v1-0"].faults(hang=True)
    expect(bench, "LLMStuckEngine", also=FAILING)
    bench.engines["v1-0"].faults(hang=False)
    bench.until(lambda: "LLMStuckEngine" not in bench.firing(), 60, "it still fires")


def test_errors_burn_the_budget(bench: Bench):
    for name in ("v1-0", "v1-1"):
        bench.engines[name].faults(error=1.0)
    expect(bench, "LLMErrorBudgetBurnFast", also=FAILING)
    for name in ("v1-0", "v1-1"):
        bench.engines[name].faults(error=0.0)


@pytest.mark.parametrize("alert", CLUSTER)
def test_what_the_cluster_says_is_heard(bench: Bench, alert: str):
    series, values = CLUSTER[alert]
    before = bench.cluster.text
    try:
        for value in values:
            bench.cluster.set(series, value)
            time.sleep(1.5)
        expect(bench, alert, also=FAILING)
    finally:
        bench.cluster.text = before
    bench.until(lambda: alert not in bench.firing(), 60, "it still fires")


def test_a_canary_that_writes_bad_json_is_seen(bench: Bench):
    bench.clients.structured = 1.0
    bench.clients.start(6)
    bench.engines["v2-0"].faults(broken_json=1.0)
    expect(bench, "LLMCanaryAnswersWorse", also=FAILING | OVERLOAD)
    worse = bench.query('ALERTS{alertname="LLMCanaryAnswersWorse",alertstate="firing"}')
    assert {(one["metric"]["kind"], one["metric"]["llm_revision"]) for one in worse} == {("json", "v2")}
    bench.engines["v2-0"].faults(broken_json=0.0)
    bench.until(lambda: "LLMCanaryAnswersWorse" not in bench.firing(), 120, "it still fires")
    bench.clients.stop()
    bench.clients.structured = 0.4
    bench.clients.start(6)


def test_load_is_refused_and_said(bench: Bench):
    bench.clients.pause = 0.01
    bench.clients.start(50)
    expect(bench, "LLMQueueDeep", also=FAILING | OVERLOAD)
    bench.clients.stop()
    bench.clients.pause = 0.4
    bench.clients.start(6)


def test_engines_that_are_gone_are_missed(bench: Bench):
    for engine in bench.engines.values():
        engine.process.kill()
    expect(bench, "LLMNoBackend", also=FAILING | OVERLOAD)


def test_a_gateway_that_is_gone_is_missed(bench: Bench):
    bench.gateway.process.kill()
    expect(bench, "LLMGatewayDown", also=FAILING | OVERLOAD | {"LLMNoBackend"})


def expect(bench: Bench, alert: str, *, also: set[str]) -> None:
    """Wait until an alert fires; nothing else may but what a fault of this kind brings with it."""
    bench.until(lambda: alert in bench.firing(), 120, f"no {alert}")
    assert bench.firing() <= {alert, *also, *ALWAYS}


def chosen(expr: str) -> str:
    """An expression of a panel with Grafana's variables chosen."""
    for variable, value in VARIABLES.items():
        expr = expr.replace(variable, value)
    return expr
