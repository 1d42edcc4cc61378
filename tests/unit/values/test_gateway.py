"""What a spec says about the gateway, as values of the chart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from llmgen.pipeline import run

SPEC = """\
apiVersion: llmgen.dev/v1alpha1
kind: ServingSpec
metadata: {name: assistant}
cluster: {pools: {l4: {gpu: L4-24GB, gpusPerNode: 1, maxNodes: 2}}}
models:
  chat:
    source: {hub: {repo: Qwen/Qwen2.5-1.5B-Instruct}}
    limits: {maxPromptTokens: 3072, maxCompletionTokens: 1024, queueTimeout: 1500ms}
    targets: {peakConcurrentRequests: 4}
"""
TENANT = "tenants: {acme: {keys: {ci: {secret: {name: tenant-acme, key: sha256}}}, limits: {tokensPerDay: 50000000}}}\n"


def values(tmp_path: Path, more: str = "") -> tuple[dict[str, Any], list[str]]:
    """Return the values of the spec with ``more`` below it, and the paths that are announced as not rendered."""
    (tmp_path / "spec.yaml").write_text(SPEC + more, encoding="utf-8")
    outcome = run(str(tmp_path / "spec.yaml"))
    assert outcome.values is not None, outcome.problems
    notes = [".".join(map(str, problem.path)) for problem in outcome.problems if problem.id == "LLM391"]
    return outcome.values.data, notes


def test_the_gateway_is_on_unless_the_spec_says_otherwise(tmp_path: Path) -> None:
    on, notes = values(tmp_path)
    assert on["gateway"]["enabled"] is True
    assert on["gateway"]["scaling"] == {"minReplicas": 2, "maxReplicas": 6}
    assert notes == []


def test_a_gateway_that_is_off_leaves_nothing_but_that(tmp_path: Path) -> None:
    off, _ = values(tmp_path, "gateway: {enabled: false, replicas: {min: 1, max: 3}}\n")
    assert off["gateway"] == {"enabled": False}
    assert not {"tenants", "routing", "traffic"} & set(off)


def test_secrets_stay_references(tmp_path: Path) -> None:
    found, _ = values(tmp_path, TENANT)
    assert found["tenants"]["acme"]["keys"] == {"ci": {"secret": {"name": "tenant-acme", "key": "sha256"}}}
    assert found["tenants"]["acme"]["limits"] == {"tokensPerDay": 50_000_000}


def test_conditions_that_are_not_asked_are_left_out(tmp_path: Path) -> None:
    rule = "routing: {rules: {long: {order: 1, when: {promptTokens: {min: 0}, tools: false}, model: chat}}}\n"
    found, _ = values(tmp_path, rule)
    assert found["routing"]["rules"]["long"]["when"] == {"tools": False, "promptTokens": {"min": 0}}


def test_a_queue_timeout_is_rounded_up(tmp_path: Path) -> None:
    found, _ = values(tmp_path)
    assert found["models"]["chat"]["limits"]["queueTimeoutSeconds"] == 2


@pytest.mark.parametrize(
    ("more", "announced"),
    [
        ("gateway: {replicas: {min: 2, max: 2}}\n", []),
        ("gateway: {replicas: {min: 2, max: 4}}\n", []),
        ("gateway: {enabled: false, replicas: {min: 2, max: 4}}\n", []),
        ("traffic: {provider: gateway}\n", []),
        (TENANT, []),
    ],
)
def test_only_what_is_asked_for_and_not_rendered_is_announced(tmp_path: Path, more: str, announced: list[str]) -> None:
    assert values(tmp_path, more)[1] == announced
