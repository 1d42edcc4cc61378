from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.unit.cli.conftest import Invoke


def test_valid(invoke: Invoke, spec: Path) -> None:
    result = invoke("validate", str(spec))
    assert (result.exit_code, result.stdout, result.stderr) == (0, "spec.yaml is valid\n", "")


def test_every_mistake_at_once_in_file_order(invoke: Invoke, broken: Path) -> None:
    result = invoke("validate", str(broken))
    assert (result.exit_code, result.stdout) == (1, "")
    lines = [line for line in result.stderr.splitlines() if line.startswith("spec.yaml:")]
    assert [line.split(": ")[0] for line in lines] == ["spec.yaml:4:12", "spec.yaml:14:20"]
    assert "did you mean 'name'?" in result.stderr
    assert "did you mean 'chat'?" in result.stderr
    assert result.stderr.endswith("2 errors, 0 warnings\n")


def test_json(invoke: Invoke, broken: Path) -> None:
    first, second = (
        invoke("validate", str(broken), "--format", "json"),
        invoke("validate", str(broken), "--format", "json"),
    )
    assert (first.exit_code, first.stderr) == (1, "")
    assert first.stdout == second.stdout
    found = json.loads(first.stdout)
    problems = found["problems"] if isinstance(found, dict) else found
    assert [problem["id"] for problem in problems] == ["LLM101", "LLM206"]


def test_json_without_problems_is_json(invoke: Invoke, spec: Path) -> None:
    result = invoke("validate", str(spec), "--format", "json")
    assert result.exit_code == 0
    json.loads(result.stdout)


def test_github(invoke: Invoke, broken: Path) -> None:
    result = invoke("validate", str(broken), "--format", "github")
    assert (result.exit_code, result.stderr) == (1, "")
    assert all(line.startswith("::error file=spec.yaml,line=") for line in result.stdout.splitlines())
    assert len(result.stdout.splitlines()) == 2


def test_sarif(invoke: Invoke, broken: Path, spec: Path) -> None:
    result = invoke("validate", str(broken), "--format", "sarif")
    assert (result.exit_code, result.stderr) == (1, "")
    run: dict[str, Any] = json.loads(result.stdout)["runs"][0]
    assert [item["ruleId"] for item in run["results"]] == ["LLM101", "LLM206"]
    rules = {rule["id"] for rule in run["tool"]["driver"]["rules"]}
    assert rules == {"LLM101", "LLM206"}
    region = run["results"][0]["locations"][0]["physicalLocation"]
    assert region["artifactLocation"]["uri"] == str(spec)
    assert region["region"]["startLine"] == 4


def test_strict_makes_warnings_count(invoke: Invoke, spec: Path) -> None:
    spec.write_text(spec.read_text(encoding="utf-8") + "observability: {}\n", encoding="utf-8")
    result = invoke("validate", str(spec))
    assert (result.exit_code, result.stdout) == (0, "spec.yaml is valid, 1 warning\n")
    assert "LLM391" in result.stderr
    assert invoke("validate", str(spec), "--strict").exit_code == 1


def test_all_environments_or_one(invoke: Invoke, environments: Path) -> None:
    text = environments.read_text(encoding="utf-8").replace("l40s: {maxNodes: 4,", "l40s: {maxNodes: none,")
    environments.write_text(text, encoding="utf-8")
    assert invoke("validate", str(environments), "--env", "dev").exit_code == 0
    assert invoke("validate", str(environments), "-e", "prod").exit_code == 1
    assert invoke("validate", str(environments)).exit_code == 1


def test_an_unknown_environment(invoke: Invoke, environments: Path, spec: Path) -> None:
    del spec
    environments.write_bytes((Path(__file__).parents[2] / "golden" / "environments-dev" / "spec.yaml").read_bytes())
    result = invoke("validate", str(environments), "--env", "prd")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "has no environment 'prd'; it has dev, prod; did you mean 'prod'?" in result.stderr


def test_an_environment_of_a_spec_without_any(invoke: Invoke, spec: Path) -> None:
    result = invoke("validate", str(spec), "--env", "prod")
    assert result.exit_code == 2
    assert "stands alone" in result.stderr


@pytest.mark.parametrize("env", [(), ("--env", "prod")])
def test_a_missing_file_is_a_wrong_input(invoke: Invoke, env: tuple[str, ...]) -> None:
    result = invoke("validate", "nothing.yaml", *env)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "LLM001" in result.stderr


def test_a_folder_is_a_wrong_input(invoke: Invoke, tmp_path: Path) -> None:
    assert "LLM002" in invoke("validate", str(tmp_path)).stderr
