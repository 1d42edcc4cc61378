"""Who scales, between which bounds, and what it follows, on whole specs."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmgen.pipeline import Outcome, run
from llmgen.plan import EnginePlan

SPEC = """\
apiVersion: llmgen.dev/v1alpha1
kind: ServingSpec
metadata: {{name: assistant}}
production: {production}
cluster:
  pools: {{h100: {{gpu: H100-SXM-80GB, gpusPerNode: 8, maxNodes: 50}}}}
  storage: {{weights: {{kind: nfs, claim: weights, readMBps: 1000, accessMode: ReadWriteMany}}}}
  prometheus: {{address: "http://prometheus:9090"}}
  addons: {addons}
models:
  chat:
    class: {cls}
    source: {{volume: {{storage: weights, path: model}}}}
    architecture: {{catalog: Qwen/Qwen3-14B}}
    limits: {{maxPromptTokens: 30000, maxCompletionTokens: 2000}}
    targets: {{ttftP95: 2s, peakConcurrentRequests: {peak}, growthPerMinute: {growth}}}
    gpu: {{pool: h100, tensorParallel: 1}}
    scaling: {scaling}
gateway: {{limitStore: {{kind: redis, address: "redis:6379"}}}}
"""


def outcome(folder: Path, **given: Any) -> Outcome:
    usual = {
        "production": "false",
        "addons": "{keda: true}",
        "cls": "interactive",
        "peak": 60,
        "growth": 6,
        "scaling": "{}",
    }
    file = folder / "spec.yaml"
    file.write_text(SPEC.format(**{**usual, **given}), encoding="utf-8")
    return run(str(file))


def planned(folder: Path, **given: Any) -> EnginePlan:
    done = outcome(folder, **given)
    assert done.plan is not None, done.problems
    assert not done.failed, done.problems
    return done.plan.engines["chat", "v1"]


def ids(done: Outcome) -> set[str]:
    return {problem.id for problem in done.problems}


def test_the_target_is_a_share_of_what_an_engine_runs(tmp_path: Path) -> None:
    engine = planned(tmp_path)
    assert engine.scaling.autoscaler.value == "keda"
    assert engine.scaling.in_flight is not None
    assert engine.scaling.in_flight.value == pytest.approx(0.81 * engine.concurrency.value, abs=0.01), (
        "60 / (60 + 1.74 sqrt(60))"
    )
    batch = planned(tmp_path, cls="batch", scaling="{targetUtilization: 0.8}")
    assert batch.scaling.in_flight is not None
    assert batch.scaling.in_flight.value == pytest.approx(0.8 * batch.concurrency.value, abs=0.01)


@pytest.mark.parametrize(("peak", "share"), [(4, 0.53), (16, 0.69), (50, 0.8), (200, 0.89), (400, 0.9), (900, 0.9)])
def test_a_larger_fleet_runs_hotter_up_to_where_the_autoscaler_is_blind(
    tmp_path: Path, peak: int, share: float
) -> None:
    engine = planned(tmp_path, peak=peak)
    assert engine.scaling.in_flight is not None
    assert engine.scaling.in_flight.value == pytest.approx(share * engine.concurrency.value, abs=0.01)


def test_the_floor_takes_the_growth_until_a_new_engine_answers(tmp_path: Path) -> None:
    growth = 6
    engine = planned(tmp_path, growth=growth, peak=400)
    seconds = engine.load.expected_seconds.value + 30
    spare = 0.1 * engine.concurrency.value
    assert engine.scaling.least.value > 1
    assert (engine.scaling.least.value - 1) * spare < growth * seconds / 60 <= engine.scaling.least.value * spare


def test_no_growth_needs_more_than_holds_the_peak(tmp_path: Path) -> None:
    engine = planned(tmp_path, growth=600)
    assert engine.scaling.least.value == math.ceil(60 / engine.concurrency.value)


def test_growth_that_is_not_promised_keeps_what_holds_the_peak_for_people_and_one_engine_for_batch(
    tmp_path: Path,
) -> None:
    people = planned(tmp_path, growth=0)
    assert people.scaling.least.value == math.ceil(60 / people.concurrency.value) > 1
    assert people.scaling.most.value > people.scaling.least.value
    assert planned(tmp_path, growth=0, cls="batch").scaling.least.value == 1


def test_of_a_large_fleet_more_may_leave_at_once(tmp_path: Path) -> None:
    for most, leaving in ((1, 1), (10, 1), (11, 2), (30, 3)):
        scaling = planned(tmp_path, growth=1, scaling=f"{{max: {most}}}").scaling
        assert scaling.down_pods is not None
        assert scaling.down_pods.value == leaving


def test_production_keeps_two(tmp_path: Path) -> None:
    assert planned(tmp_path, growth=1, peak=16).scaling.least.value == 1
    assert planned(tmp_path, growth=1, peak=16, production="true").scaling.least.value == 2


def test_blind_the_peak_must_fit(tmp_path: Path) -> None:
    scaling = planned(tmp_path).scaling
    assert scaling.fallback_replicas is not None
    assert scaling.fallback_after is not None
    assert scaling.fallback_replicas.value == scaling.most.value
    assert scaling.fallback_after.value > planned(tmp_path).load.expected_seconds.value


def test_zero_follows_demand_alone(tmp_path: Path) -> None:
    scaling = planned(tmp_path, cls="batch", scaling="{min: 0}").scaling
    assert scaling.demand is not None
    assert scaling.idle is not None
    assert scaling.demand.value > 0
    assert (scaling.in_flight, scaling.kv_cache, scaling.ttft) == (None, None, None)


def test_a_warm_window_is_within_the_derived_maximum(tmp_path: Path) -> None:
    window = "{warm: {peak: {start: 0 8 * * *, end: 0 9 * * *, engines: 30}}}"
    scaling = planned(tmp_path, scaling=window).scaling
    assert scaling.most.value == 30
    assert list(scaling.warm) == ["peak"]


def test_without_an_autoscaler_the_peak_always_runs(tmp_path: Path) -> None:
    done = outcome(tmp_path, addons="{keda: false}")
    assert done.plan is not None
    scaling = done.plan.engines["chat", "v1"].scaling
    assert scaling.autoscaler.value == "none"
    assert scaling.least.value == scaling.most.value > 1
    assert "LLM306" in ids(done), "growth is read by nobody"
    assert "LLM306" not in ids(outcome(tmp_path))


def test_prometheus_adapter_stands_in_for_keda(tmp_path: Path) -> None:
    window = "{warm: {peak: {start: 0 8 * * *, end: 0 9 * * *, engines: 2}}}"
    done = outcome(tmp_path, addons="{prometheusAdapter: true}", scaling=window)
    assert done.values is not None
    scaling = done.values.data["models"]["chat"]["revisions"]["v1"]["scaling"]
    assert scaling["autoscaler"] == "hpa"
    assert "warm" not in scaling
    assert "LLM306" in ids(done), "no clock without KEDA"


def test_the_ttft_trigger_needs_its_guard(tmp_path: Path) -> None:
    assert "LLM249" in ids(outcome(tmp_path, scaling="{ttftTrigger: true}"))
    scaling = planned(tmp_path, addons="{keda: true, kubeStateMetrics: true}", scaling="{ttftTrigger: true}").scaling
    assert scaling.ttft is not None
    assert scaling.ttft.value == 2


def test_too_few_engines_are_said(tmp_path: Path) -> None:
    assert "LLM304" in ids(outcome(tmp_path, scaling="{max: 1}"))
    assert "LLM305" in ids(outcome(tmp_path, growth=600, scaling="{min: 1, max: 40}"))


def test_the_gateway_scales_where_it_has_room(tmp_path: Path) -> None:
    done = outcome(tmp_path)
    assert done.values is not None
    assert done.values.data["gateway"]["scaling"] == {"autoscaler": "keda", "minReplicas": 2, "maxReplicas": 6}
    file = tmp_path / "spec.yaml"
    file.write_text(file.read_text().replace("gateway: {", "gateway: {replicas: {min: 2, max: 2}, "), encoding="utf-8")
    done = run(str(file))
    assert done.values is not None
    assert done.values.data["gateway"]["scaling"] == {"minReplicas": 2, "maxReplicas": 2}


@settings(max_examples=12, deadline=None)
@given(
    peak=st.integers(1, 400), growth=st.integers(0, 200), use=st.sampled_from([None, 0.05, 0.3, 0.7, 0.9]),
    cls=st.sampled_from(["interactive", "batch"]), least=st.sampled_from([None, 1, 3]),
)  # fmt: skip
def test_the_numbers_never_contradict_each_other(
    tmp_path_factory: pytest.TempPathFactory, peak: int, growth: int, use: float | None, cls: str, least: int | None
) -> None:
    """The generated values pass the contract and every invariant; otherwise run() raises RuntimeError."""
    given = {"min": least, "targetUtilization": use}
    scaling = "{" + ", ".join(f"{key}: {value}" for key, value in given.items() if value is not None) + "}"
    done = outcome(tmp_path_factory.mktemp("spec"), peak=peak, growth=growth, cls=cls, scaling=scaling)
    if done.values is None:  # more engines than the pool holds
        assert ids(done) & {"LLM301", "LLM302", "LLM311"}
        return
    found = done.plan.engines["chat", "v1"].scaling if done.plan else None
    assert found is not None
    assert found.in_flight is not None
    assert found.fallback_replicas is not None
    assert found.least.value <= found.fallback_replicas.value <= found.most.value
    assert (
        found.in_flight.value <= 0.9 * done.plan.engines["chat", "v1"].concurrency.value + 1e-9 if done.plan else True
    )
