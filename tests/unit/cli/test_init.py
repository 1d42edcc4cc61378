from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.cli.conftest import Invoke

from llmgen import source


def test_init_then_validate_then_render(invoke: Invoke) -> None:
    """What is written needs no editing to be valid, and renders to values that the chart's contract accepts."""
    assert invoke("init", "platform").exit_code == 0
    checked = invoke("validate", "platform/spec.yaml")
    assert checked.exit_code == 0
    assert checked.stdout.startswith("platform/spec.yaml is valid")
    rendered = invoke("render", "platform/spec.yaml", "-o", "platform/values.yaml")
    assert rendered.exit_code == 0
    assert invoke("check", "platform/values.yaml").exit_code == 0
    assert invoke("render", "platform/spec.yaml", "-o", "platform/values.yaml", "--check").exit_code == 0


def test_the_starter_is_commented_and_named(invoke: Invoke) -> None:
    invoke("init", "--name", "search")
    text = Path("spec.yaml").read_text(encoding="utf-8")
    assert source.read("spec.yaml").document.data["metadata"]["name"] == "search"  # type: ignore[union-attr]
    assert text.startswith("#")
    assert text.count("#") > 10


def test_an_existing_spec_is_kept(invoke: Invoke) -> None:
    Path("spec.yaml").write_text("mine\n", encoding="utf-8")
    result = invoke("init")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "spec.yaml exists; --force replaces it" in result.stderr
    assert Path("spec.yaml").read_text(encoding="utf-8") == "mine\n"
    assert invoke("init", "--force").exit_code == 0
    assert Path("spec.yaml").read_text(encoding="utf-8") != "mine\n"


@pytest.mark.parametrize("name", ["Search", "a_b", "-a", "a-", "", "1a", "a" * 41])
def test_a_name_that_cannot_be_a_release(invoke: Invoke, name: str) -> None:
    result = invoke("init", "--name", name)
    assert result.exit_code == 2
    assert "lower-case letters" in result.stderr
    assert not Path("spec.yaml").exists()


def test_the_longest_name_is_fine(invoke: Invoke) -> None:
    assert invoke("init", "--name", "a" * 40).exit_code == 0
    assert invoke("validate", "spec.yaml").exit_code == 0


def test_a_file_is_no_folder(invoke: Invoke) -> None:
    Path("taken").touch()
    assert invoke("init", "taken").exit_code == 2
