from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from tests.unit.cli.conftest import Invoke

from llmgen import doctor


class Empty:
    """A cluster of the right version without anything in it."""

    server = "https://empty"

    def get(self, path: str, query: Mapping[str, str]) -> tuple[int, str]:
        del query
        return (200, '{"major": "1", "minor": "34"}') if path == "/version" else (404, "{}")


@pytest.fixture
def empty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "KubernetesApi", lambda *_: Empty())


@pytest.mark.usefixtures("empty")
def test_findings_that_fail_are_exit_code_1(invoke: Invoke, spec: Path) -> None:
    result = invoke("doctor", str(spec))
    assert result.exit_code == 1
    assert result.stdout.startswith("fail ")
    assert "things looked at" in result.stdout.splitlines()[-1]


@pytest.mark.usefixtures("empty")
def test_json(invoke: Invoke, environments: Path) -> None:
    result = invoke("doctor", str(environments), "--env", "dev", "--format", "json")
    data = json.loads(result.stdout)
    assert (data["environment"], data["server"]) == ("dev", "https://empty")
    assert data["counts"]["fail"] == sum(one["level"] == "fail" for one in data["findings"]) > 0
    assert all(one["why"] and one["fix"] for one in data["findings"] if one["level"] != "ok")


@pytest.mark.usefixtures("empty")
def test_nothing_to_complain_about_is_exit_code_0(invoke: Invoke, spec: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "diagnose", lambda _: iter(()))
    assert invoke("doctor", str(spec)).exit_code == 0


def test_a_wrong_spec_is_said_before_any_cluster_is_asked(invoke: Invoke, broken: Path) -> None:
    result = invoke("doctor", str(broken), "--kubeconfig", "nowhere")
    assert result.exit_code == 1
    assert "LLM101" in result.stderr
    assert "nowhere" not in result.stderr


def test_without_a_cluster(invoke: Invoke, spec: Path, tmp_path: Path) -> None:
    result = invoke("doctor", str(spec), "--kubeconfig", "nowhere")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.splitlines()[-1].startswith("Error: no usable kubeconfig")
    closed = tmp_path / "kubeconfig"
    closed.write_text(KUBECONFIG)
    result = invoke("doctor", str(spec), "--kubeconfig", str(closed))
    assert result.exit_code == 1
    assert "https://127.0.0.1:9 does not answer" in result.stderr
    result = invoke("doctor", str(spec), "--kubeconfig", str(closed), "--context", "other")
    assert "no usable kubeconfig" in result.stderr


def test_without_the_client(invoke: Invoke, spec: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object) -> None:
        raise ImportError("kubernetes")

    monkeypatch.setattr(doctor, "KubernetesApi", missing)
    assert "pip install 'llmgen[cluster]'" in invoke("doctor", str(spec)).stderr


KUBECONFIG = """\
apiVersion: v1
kind: Config
current-context: closed
clusters: [{name: closed, cluster: {server: "https://127.0.0.1:9"}}]
users: [{name: nobody, user: {}}]
contexts: [{name: closed, context: {cluster: closed, user: nobody}}]
"""
