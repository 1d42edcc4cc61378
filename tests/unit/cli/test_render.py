from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from tests.unit.cli.conftest import GOLDEN, Invoke

from llmgen import helm


def test_to_standard_output(invoke: Invoke, spec: Path) -> None:
    result = invoke("render", str(spec))
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == (GOLDEN / "minimal" / "values.yaml").read_text(encoding="utf-8")


def test_to_a_file(invoke: Invoke, spec: Path) -> None:
    result = invoke("render", str(spec), "-o", "values.yaml")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "wrote values.yaml\n")
    assert Path("values.yaml").read_bytes() == (GOLDEN / "minimal" / "values.yaml").read_bytes()


def test_a_wrong_spec_leaves_the_output_as_it_was(invoke: Invoke, broken: Path) -> None:
    Path("values.yaml").write_text("kept\n", encoding="utf-8")
    before = sorted(path.name for path in Path().iterdir())
    result = invoke("render", str(broken), "-o", "values.yaml", "--manifests", "out")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.endswith("2 errors, nothing written\n")
    assert Path("values.yaml").read_text(encoding="utf-8") == "kept\n"
    assert sorted(path.name for path in Path().iterdir()) == before


@pytest.mark.parametrize("style", ["json", "sarif"])
def test_errors_for_machines_are_all_there_is_on_standard_output(invoke: Invoke, broken: Path, style: str) -> None:
    result = invoke("render", str(broken), "--format", style)
    assert (result.exit_code, result.stderr) == (1, "")
    json.loads(result.stdout)


def test_check_without_drift(invoke: Invoke, spec: Path) -> None:
    invoke("render", str(spec), "-o", "values.yaml")
    result = invoke("render", str(spec), "-o", "values.yaml", "--check")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "values.yaml is what spec.yaml renders to\n", "")


def test_check_with_drift(invoke: Invoke, spec: Path) -> None:
    invoke("render", str(spec), "-o", "values.yaml")
    committed = (
        Path("values.yaml").read_text(encoding="utf-8").replace("maxPromptTokens: 3072", "maxPromptTokens: 4096")
    )
    Path("values.yaml").write_text(committed, encoding="utf-8")
    result = invoke("render", str(spec), "-o", "values.yaml", "--check")
    assert result.exit_code == 1
    changed = [line for line in result.stdout.splitlines() if line[:1] in "+-"]
    assert changed == [
        "--- values.yaml (now)", "+++ values.yaml (from spec.yaml)", "-      maxPromptTokens: 4096", "+      maxPromptTokens: 3072",
    ]  # fmt: skip
    assert (
        result.stderr
        == "values.yaml has drifted from spec.yaml; render it again: llmgen render spec.yaml -o values.yaml\n"
    )
    assert Path("values.yaml").read_text(encoding="utf-8") == committed


def test_check_of_what_was_never_rendered(invoke: Invoke, spec: Path) -> None:
    result = invoke("render", str(spec), "-o", "values.yaml", "--check")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "it was never rendered" in result.stderr
    assert not Path("values.yaml").exists()


def test_check_needs_a_file(invoke: Invoke, spec: Path) -> None:
    result = invoke("render", str(spec), "--check")
    assert result.exit_code == 2
    assert "--check needs -o FILE" in result.stderr


def test_environments_are_asked_for(invoke: Invoke, environments: Path) -> None:
    result = invoke("render", str(environments))
    assert (result.exit_code, result.stdout) == (2, "")
    assert "choose one with --env: dev, prod" in result.stderr
    values = yaml.safe_load(invoke("render", str(environments), "--env", "dev").stdout)
    assert values["fullnameOverride"] == "assistant-dev"
    assert set(values["models"]) == {"chat", "draft"}


def test_the_header_says_how_to_render_again(invoke: Invoke, environments: Path) -> None:
    text = invoke("render", str(environments), "-e", "prod").stdout
    assert "run `llmgen render spec.yaml --env prod`" in text.splitlines()[1]


def test_manifests(invoke: Invoke, spec: Path) -> None:
    result = invoke("render", str(spec), "-o", "values.yaml", "--manifests", "out")
    assert result.exit_code == 0
    text = Path("out/manifests.yaml").read_text(encoding="utf-8")
    assert text == (GOLDEN / "minimal" / "manifests.yaml").read_text(encoding="utf-8")
    count = sum(item is not None for item in yaml.safe_load_all(text))
    assert f"wrote out/manifests.yaml ({count} objects)" in result.stderr


def test_without_helm(invoke: Invoke, spec: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLMGEN_HELM", "/nowhere/helm")
    result = invoke("render", str(spec), "-o", "values.yaml", "--manifests", "out")
    assert result.exit_code == 1
    assert "/nowhere/helm cannot be run" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_helm_of_another_age(invoke: Invoke, spec: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(helm, "version", lambda _: (3, 9))
    result = invoke("render", str(spec), "-o", "values.yaml", "--manifests", "out")
    assert result.exit_code == 1
    assert "is version 3.9; supported are 3.14 to 4.x" in result.stderr


def test_overlays_beside_the_output_count(invoke: Invoke, spec: Path) -> None:
    Path("prod").mkdir()
    Path("prod/overrides.yaml").write_text(
        "models: {chat: {revisions: {v1: {scaling: {maxReplicas: 9}}}}}\n", encoding="utf-8"
    )
    result = invoke("render", str(spec), "-o", "prod/values.yaml")
    assert result.exit_code == 1
    assert "LLM311" in result.stderr
    assert not Path("prod/values.yaml").exists()
    assert invoke("render", str(spec), "-o", "values.yaml").exit_code == 0


def test_folders_are_made(invoke: Invoke, spec: Path) -> None:
    assert invoke("render", str(spec), "-o", "values/prod/values.yaml").exit_code == 0
    assert Path("values/prod/values.yaml").is_file()


def test_an_output_that_cannot_be_written(invoke: Invoke, spec: Path) -> None:
    Path("taken").touch()
    for target in (".", "taken/values.yaml"):
        result = invoke("render", str(spec), "-o", target)
        assert (result.exit_code, result.stdout) == (1, "")
        assert f"Error: {target}: " in result.stderr


def test_warnings_go_to_standard_error(invoke: Invoke, spec: Path) -> None:
    spec.write_text(spec.read_text(encoding="utf-8") + "observability: {}\n", encoding="utf-8")
    result = invoke("render", str(spec))
    assert result.exit_code == 0
    assert "LLM391" in result.stderr
    assert yaml.safe_load(result.stdout)["models"]
