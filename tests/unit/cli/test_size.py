from __future__ import annotations

import json
from pathlib import Path

from tests.unit.cli.conftest import GOLDEN, Invoke


def test_of_a_spec(invoke: Invoke, spec: Path) -> None:
    text, data = invoke("size", str(spec)), invoke("size", str(spec), "--format", "json")
    assert (text.exit_code, data.exit_code) == (0, 0)
    assert text.stdout.startswith("chat v1\n")
    assert list(json.loads(data.stdout)) == ["chat/v1"]
    assert data.stdout == invoke("size", str(spec), "--format", "json").stdout


def test_of_one_model_and_environment(invoke: Invoke, environments: Path) -> None:
    assert invoke("size", str(environments)).exit_code == 2
    result = invoke("size", str(environments), "-e", "dev", "-m", "draft", "--format", "json")
    assert (result.exit_code, list(json.loads(result.stdout))) == (0, ["draft/v1"])
    assert invoke("size", str(environments), "-e", "dev", "-m", "drat").exit_code == 2


def test_of_a_config(invoke: Invoke) -> None:
    config = str(GOLDEN / "embed-and-rerank" / "config.json")
    result = invoke("size", "--config", config, "--gpu", "L4", "--max-model-len", "4096", "--format", "json")
    assert result.exit_code == 0, result.stderr
    json.loads(result.stdout)
    assert invoke("size", "--config", config, "--gpu", "L4", "--max-model-len", "4096").exit_code == 0


def test_wrong_usage(invoke: Invoke, spec: Path) -> None:
    for arguments in (
        (),
        (str(spec), "--config", "x"),
        ("--config", "x"),
        ("--config", "nowhere.json", "--gpu", "L4"),
        ("--config", "Qwen/Qwen3-8B", "--gpu", "L5"),
    ):
        result = invoke("size", *arguments)
        assert (result.exit_code, result.stdout) == (2, ""), arguments


def test_of_a_wrong_spec(invoke: Invoke, broken: Path) -> None:
    result = invoke("size", str(broken))
    assert result.exit_code == 1
    assert "LLM101" in result.stderr
