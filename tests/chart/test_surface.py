"""files/engine.yaml is the one home of the engine's surface, and the pinned engine version knows all of it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from tests.chart.conftest import CASES, CHART, load, only

from llmgen.catalog import engines

SURFACE: dict[str, Any] = load((CHART / "files" / "engine.yaml").read_text())
VERSION: str = load((CHART / "Chart.yaml").read_text())["appVersion"]


def engine_deployments(objects: list[dict[str, Any]]) -> list[dict[str, Any]]:
    labels = {"app.kubernetes.io/component": "engine"}.items()
    return [item for item in objects if item["kind"] == "Deployment" and labels <= item["metadata"]["labels"].items()]


def flags() -> set[str]:
    named = {intent["flag"] for intent in SURFACE["intents"].values()}
    return named.union(*SURFACE["defaults"].values())


def test_the_pinned_version_has_every_flag():
    known = engines.vllm(VERSION).flags
    assert flags() <= set(known)


def test_aliases_are_the_parsers_own():
    known = engines.vllm(VERSION).flags
    for intent in SURFACE["intents"].values():
        spelt = {alias.lstrip("-") for alias in known[intent["flag"]].aliases} | set(known)
        assert set(intent.get("aliases", ())) <= spelt, intent["flag"]


def test_the_pinned_version_has_the_metrics_of_progress():
    sample = set(engines.vllm(VERSION).metrics)
    assert {SURFACE["progress"]["running"], *SURFACE["progress"]["counters"]} <= sample


def test_no_flag_variable_or_metric_of_the_engine_is_named_anywhere_else():
    texts = {
        path: re.sub(r"\{\{-? ?/\*.*?\*/ ?-?\}\}", "", path.read_text(), flags=re.DOTALL)
        for path in (CHART / "templates").rglob("*.*")
    }
    for path, text in texts.items():
        assert not re.search(r"VLLM_|HF_|NCCL_|vllm:", text), path
        if path.name != "NOTES.txt":  # kubectl's and helm's own options
            assert not re.search(r'"--[a-z]|^ *- --[a-z]', text, re.MULTILINE), path


def test_no_port_or_path_is_named_anywhere_else():
    for path in (CHART / "templates").rglob("*.*"):
        assert not re.search(r"\b8000\b|/health|/metrics(?!\.yaml)|/v1/", path.read_text()), path


@pytest.mark.parametrize("case", CASES)
def test_every_flag_is_given_once(rendered: dict[str, list[dict[str, Any]]], case: str):
    for item in rendered[case]:
        if item["kind"] == "Deployment":
            arguments = item["spec"]["template"]["spec"]["containers"][0]["args"]
            given = [argument.partition("=")[0] for argument in arguments if argument.startswith("--")]
            assert len(given) == len(set(given))


@pytest.mark.parametrize("case", CASES)
def test_every_engine_states_every_runtime_limit(rendered: dict[str, list[dict[str, Any]]], case: str):
    limits = ("max-model-len", "max-num-seqs", "max-num-batched-tokens", "max-num-queued-reqs", "shutdown-timeout")
    for item in engine_deployments(rendered[case]):
        arguments = item["spec"]["template"]["spec"]["containers"][0]["args"]
        for limit in limits:
            assert [argument for argument in arguments if re.fullmatch(rf"--{limit}=[1-9][0-9]*", argument)], limit


@pytest.mark.parametrize("case", CASES)
def test_the_times_of_every_engine_agree(rendered: dict[str, list[dict[str, Any]]], case: str):
    for item in engine_deployments(rendered[case]):
        pod = item["spec"]["template"]["spec"]
        engine = pod["containers"][0]
        drain = int(
            next(argument for argument in engine["args"] if argument.startswith("--shutdown-timeout=")).partition("=")[
                2
            ]
        )
        startup = engine["startupProbe"]["periodSeconds"] * engine["startupProbe"]["failureThreshold"]
        ready = int(next(entry["value"] for entry in engine["env"] if entry["name"] == "VLLM_ENGINE_READY_TIMEOUT_S"))
        # The measured teardown after the last request is 16 s.
        assert pod["terminationGracePeriodSeconds"] >= engine["lifecycle"]["preStop"]["sleep"]["seconds"] + drain + 16
        assert ready <= startup < ready + engine["startupProbe"]["periodSeconds"]
        assert item["spec"]["progressDeadlineSeconds"] > startup + item["spec"]["minReadySeconds"]


@pytest.mark.parametrize("case", CASES)
def test_budget_and_strategy_agree_and_a_full_pool_cannot_deadlock(
    rendered: dict[str, list[dict[str, Any]]], case: str
):
    for item in rendered[case]:
        if item["kind"] == "PodDisruptionBudget":
            deployment = only(rendered[case], "Deployment", item["metadata"]["name"])
            assert item["spec"]["selector"] == deployment["spec"]["selector"]
            assert item["spec"]["maxUnavailable"] == 1
        if item["kind"] == "Deployment":
            rolling = item["spec"]["strategy"]["rollingUpdate"]
            assert rolling["maxSurge"] + rolling["maxUnavailable"] == 1, "one at a time, and never neither"


@pytest.mark.parametrize("case", CASES)
def test_no_variable_is_set_twice(rendered: dict[str, list[dict[str, Any]]], case: str):
    """Server-side apply refuses duplicates."""
    for item in rendered[case]:
        if item["kind"] == "Deployment":
            names = [entry["name"] for entry in item["spec"]["template"]["spec"]["containers"][0]["env"]]
            assert len(names) == len(set(names))
