"""What holds a step: each gate for itself, through the command, against a Prometheus that answers over HTTP."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from tests.unit.rollout.conftest import FILE, Rollout, bake, put, written
from tests.unit.rollout.prometheus import Fake

from llmgen import metrics

CANARY = 'llm_revision="v2"'
ALL_OF_IT = f"{CANARY}}}"
"""Behind which no other label is asked for."""
STRUCTURED, JUDGED, STABLE = "llm_gateway_structured_answers_total", 'revision="v2"', 'revision="v1"'


FIVE_PERCENT = """
models:
  chat:
    rollout: {revision: v2, step: weight, since: ""}
    tracks: {stable: {revision: v1, weight: 95}, canary: {revision: v2, weight: 5}}
    revisions: {v2: {scaling: {minReplicas: 3, maxReplicas: 3}}}
"""
"""What the second advance writes (test_way.py)."""


@pytest.fixture
def baked(folder: Path) -> Path:
    """The canary answers 5 %, and the step is over."""
    (folder / FILE).write_text(FIVE_PERCENT)
    bake(folder)
    return folder


def test_a_canary_as_good_as_stable_goes_on(rollout: Rollout, prometheus: Fake, baked: Path):
    del baked
    done = rollout("advance", "--prometheus", prometheus.address, "--format", "json", "--dry-run")
    gates = {gate["name"]: gate["verdict"] for gate in json.loads(done.stdout)["gates"]}
    assert gates == dict.fromkeys(
        (
            "bake", "ready engines", "brake", "requests", "error rate", "TTFT p95", "TPOT p95", "truncated", "refusals", "invalid JSON",
            "invalid tool calls",
        ),
        "holds",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("answers", "refusal"),
    [
        ({"llm_gateway_endpoints": 2}, "ready engines: 2, want at least 3"),
        ({"llm_gateway_endpoints": None}, "ready engines: no data, want at least 3"),
        ({"llm_gateway_brake": 1}, "brake: on, want off"),
        (
            {f"vllm:request_success_total {ALL_OF_IT}": 499, f"vllm:request_success_total length {CANARY}": 40},
            "requests: 499, want at least 500",
        ),
        (
            {f"vllm:request_success_total {ALL_OF_IT}": None},
            "requests: no data, want at least 500; truncated: no data against 10.00%, want at most 2 points more",
        ),
        ({f"http_requests_total 5xx {CANARY}": 8}, "error rate: 0.60% against 0.00%, want at most 0.5 points more"),
        (
            {f"vllm:request_success_total error {CANARY}": 6},
            "error rate: 0.60% against 0.00%, want at most 0.5 points more",
        ),
        ({f"http_requests_total {CANARY}": None}, "error rate: no data against 0.00%, want at most 0.5 points more"),
        (
            {f"vllm:time_to_first_token_seconds_bucket {CANARY}": 0.6},
            "TTFT p95: 0.600 s against 0.500 s, want at most 15 % more",
        ),
        (
            {f"vllm:time_to_first_token_seconds_bucket {CANARY}": "NaN"},
            "TTFT p95: no data against 0.500 s, want at most 15 % more",
        ),
        (
            {"vllm:time_to_first_token_seconds_bucket": None},
            "TTFT p95: no data against no data, want at most 15 % more",
        ),
        (
            {f"vllm:request_time_per_output_token_seconds_bucket {CANARY}": 0.04},
            "TPOT p95: 0.040 s against 0.030 s, want at most 15 % more",
        ),
        (
            {f"vllm:request_success_total length {CANARY}": 130},
            "truncated: 13.00% against 10.00%, want at most 2 points more",
        ),
        (
            {f"llm_gateway_refusals_total {JUDGED}": 22},
            "refusals: 2.20% of 1000 against 0.10% of 1000, want at most 2 points more",
        ),
        (
            {f'{STRUCTURED} {JUDGED},kind="json",result="invalid"': 7},
            "invalid JSON: 1.75% of 400 against 0.50% of 400, want at most 1 points more",
        ),
        (
            {f'{STRUCTURED} {JUDGED},kind="tools",result="invalid"': 400},
            "invalid tool calls: 100.00% of 400 against 0.50% of 400, want at most 1 points more",
        ),
        (  # few, and worse than chance explains
            {
                f'{STRUCTURED} {JUDGED},kind="json",result="invalid"': 4,
                f'{STRUCTURED} {JUDGED},kind="json",result=~"valid': 40,
            },
            "invalid JSON: 10.00% of 40 against 0.50% of 400, want at most 1 points more",
        ),
        (
            {f'{STRUCTURED} {JUDGED},kind="json"': None},
            "invalid JSON: no data against 0.50% of 400, want at most 1 points more",
        ),
        (
            {"llm_gateway_answers_total": None},
            "refusals: no data against no data, want at most 2 points more",
        ),
    ],
)
def test_a_closed_gate_holds_the_step(
    rollout: Rollout, prometheus: Fake, baked: Path, answers: dict[str, Any], refusal: str
):
    prometheus.answers.update(answers)
    before = (baked / FILE).read_bytes()
    refused = rollout("advance", "--prometheus", prometheus.address)
    assert refused.exit_code == 1
    assert refused.output.splitlines()[-1] == f"refused: {refusal}"
    assert (baked / FILE).read_bytes() == before


@pytest.mark.parametrize(
    "answers",
    [
        {f"http_requests_total 5xx {CANARY}": 52, f"vllm:admission_rejections_total {CANARY}": 50},  # shed is no error
        {
            f"http_requests_total 5xx {CANARY}": None,
            f"vllm:admission_rejections_total {CANARY}": None,
        },  # has counted nothing yet
        {f"http_requests_total 5xx {CANARY}": 6},  # 0.4 points: within the gate
        {f"vllm:time_to_first_token_seconds_bucket {CANARY}": 0.57},
        {"llm_gateway_brake": None},
        {f'{STRUCTURED} {JUDGED},kind="json",result="invalid"': 6},  # 1 point: within the gate
        {f"llm_gateway_refusals_total {JUDGED}": None},  # has counted nothing yet
        {STRUCTURED: 0, f"{STRUCTURED} valid|invalid": 0, f'{STRUCTURED} result="invalid"': 0},  # nobody asks for JSON
        {  # one of forty may be chance
            f'{STRUCTURED} {JUDGED},kind="json",result="invalid"': 1,
            f'{STRUCTURED} {JUDGED},kind="json",result=~"valid': 40,
        },
        {  # as good as nothing is known about stable
            f'{STRUCTURED} {JUDGED},kind="json",result="invalid"': 200,
            f'{STRUCTURED} {STABLE},kind="json",result=~"valid': 3,
        },
    ],
)
def test_what_the_gates_allow_goes_on(rollout: Rollout, prometheus: Fake, baked: Path, answers: dict[str, Any]):
    prometheus.answers.update(answers)
    done = rollout("advance", "--prometheus", prometheus.address)
    assert done.exit_code == 0, done.output
    assert written(baked)["tracks"]["canary"]["weight"] == 25


def test_too_few_answers_are_shown_as_such(rollout: Rollout, prometheus: Fake, baked: Path):
    del baked
    prometheus.answers.update(
        {f"{STRUCTURED} {JUDGED} valid|invalid": 40, f'{STRUCTURED} {JUDGED} result="invalid"': 1}
    )
    shown = rollout("advance", "--prometheus", prometheus.address, "--dry-run").output
    assert re.search(r"invalid JSON +2\.50% of 40 +0\.50% of 400 +at most 1 points more +too few to say", shown)


def test_without_a_gateway_nobody_judges_answers(rollout: Rollout, prometheus: Fake, baked: Path):
    spec = baked / "spec.yaml"
    text = re.sub("tenants:\n.*\n", "", spec.read_text())
    spec.write_text(re.sub("gateway:.*\n", "gateway: {enabled: false}\n", text))
    done = rollout("advance", "--prometheus", prometheus.address, "--format", "json", "--dry-run")
    names = {gate["name"] for gate in json.loads(done.stdout)["gates"]}
    assert "truncated" in names
    assert not names & {"refusals", "invalid JSON", "invalid tool calls"}
    assert not any(STRUCTURED in query for query in prometheus.asked)


def test_a_step_bakes(rollout: Rollout, prometheus: Fake, baked: Path):
    bake(baked, minutes=29)
    refused = rollout("advance", "--prometheus", prometheus.address)
    assert refused.output.splitlines()[-1].startswith("refused: bake: 29 min")
    assert refused.output.splitlines()[-1].endswith("want at least 30 min")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--prometheus", "ftp://x"], "is no http:// or https:// address"),
        (["--prometheus", "http://127.0.0.1:9"], "does not answer"),
        ([], "does not answer"),
    ],
)
def test_nobody_to_ask_holds_the_step(
    rollout: Rollout, baked: Path, given: list[str], said: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("llmgen.rollout.prometheus.PATIENCE_SECONDS", 1)
    spec = baked / "spec.yaml"
    spec.write_text(spec.read_text().replace("http://prometheus.monitoring:9090", "http://127.0.0.1:9"))
    refused = rollout("advance", *given)
    assert refused.exit_code == 1
    assert said in refused.output


def test_a_spec_without_prometheus_needs_the_option(rollout: Rollout, baked: Path):
    spec = baked / "spec.yaml"
    spec.write_text(re.sub("  prometheus:.*\n", "", spec.read_text()))
    assert "set cluster.prometheus.address in the spec, or give --prometheus" in rollout("advance").output


@pytest.mark.parametrize(
    ("answer", "said"), [("refuse", "answered 422: no such function"), ("several", "2 series where one was asked for")]
)
def test_an_answer_that_is_none_holds_the_step(rollout: Rollout, prometheus: Fake, baked: Path, answer: str, said: str):
    del baked
    prometheus.answers["llm_gateway_endpoints"] = answer
    assert said in rollout("advance", "--prometheus", prometheus.address).output


def test_queries_select_the_revision_and_never_the_track(rollout: Rollout, prometheus: Fake, baked: Path):
    del baked
    rollout("advance", "--prometheus", prometheus.address)
    engine = [query for query in prometheus.asked if "vllm:" in query or "http_requests" in query]
    assert engine
    assert all(
        re.search('namespace="llm",llm_release="assistant",llm_model="chat",llm_revision="v[12]"', query)
        for query in engine
    )
    assert not [query for query in prometheus.asked if "track" in query]


def test_queries_use_declared_names_alone(rollout: Rollout, prometheus: Fake, baked: Path):
    del baked
    rollout("advance", "--prometheus", prometheus.address)
    names = {
        series for entries in metrics.exporters().values() for metric in entries.values() for series in metric.series
    }
    used = {name for query in prometheus.asked for name in re.findall(r"([a-z_:]+)\{", query)}
    assert len(used) > 6
    assert used <= names


def test_with_all_requests_the_canary_is_compared_with_what_stable_was(rollout: Rollout, prometheus: Fake, baked: Path):
    for _ in range(2):
        assert rollout("advance", "--prometheus", prometheus.address).exit_code == 0
        bake(baked, minutes=40)
    prometheus.asked.clear()
    assert rollout("promote", "--prometheus", prometheus.address).exit_code == 0
    windows = {
        revision: set(
            re.findall(rf'llm_revision="{revision}".*?(\[\d+s\](?: offset \d+s)?)', " ; ".join(prometheus.asked))
        )
        for revision in ("v1", "v2")
    }
    assert len(windows["v1"]) == len(windows["v2"]) == 1
    assert re.fullmatch(r"\[1800s\] offset 240\ds", windows["v1"].pop()), (
        "the last bake time in which stable had requests"
    )
    assert re.fullmatch(r"\[240\ds\]", windows["v2"].pop())


def test_no_bake_time_is_too_short_to_be_measured(rollout: Rollout, prometheus: Fake, baked: Path):
    spec = baked / "spec.yaml"
    spec.write_text(spec.read_text().replace("bake: 30m", "bake: 1s"))
    bake(baked, minutes=0)
    put(baked)
    prometheus.asked.clear()
    rollout("advance", "--prometheus", prometheus.address)
    assert any("[60s]" in query for query in prometheus.asked)


def test_an_embedding_model_is_judged_by_its_latency(rollout: Rollout, prometheus: Fake, folder: Path):
    spec = folder / "spec.yaml"
    text = re.sub("    limits:.*\n", "    kind: embed\n    limits: {maxPromptTokens: 512}\n", spec.read_text())
    text = re.sub("    targets:.*\n", "    targets: {ttftP95: 3s, peakConcurrentRequests: 20}\n", text)
    spec.write_text(text)
    prometheus.answers.update(
        {"vllm:e2e_request_latency_seconds_bucket": 0.1, f"vllm:e2e_request_latency_seconds_bucket {CANARY}": 0.2}
    )
    assert rollout("advance", "--prometheus", prometheus.address).exit_code == 0
    bake(folder)
    refused = rollout("advance", "--prometheus", prometheus.address)
    assert refused.output.splitlines()[-1] == "refused: latency p95: 0.200 s against 0.100 s, want at most 15 % more"
    assert "TPOT" not in refused.output
