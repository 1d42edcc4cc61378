"""What the tests of the commands share: a runner, and specs that are right and wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from llmgen.cli import main

GOLDEN = Path(__file__).parents[2] / "golden"

Invoke = Callable[..., Result]


@pytest.fixture
def invoke(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Invoke:
    """Run llmgen in an empty folder; an exception that is no exit fails the test."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NO_COLOR", raising=False)
    runner = CliRunner()

    def run(*arguments: str) -> Result:
        result = runner.invoke(main, [*arguments], prog_name="llmgen", catch_exceptions=False)
        assert "\x1b" not in result.output, "escape codes although no terminal is there"
        return result

    return run


@pytest.fixture
def spec(invoke: Invoke, tmp_path: Path) -> Path:
    """A right spec, `spec.yaml` in the working directory."""
    del invoke
    return _put(tmp_path, "minimal")


@pytest.fixture
def broken(spec: Path) -> Path:
    """A spec with a misspelt key (line 4) and an unknown model (line 14)."""
    text = spec.read_text(encoding="utf-8").replace("metadata: {name:", "metadata: {nmae:")
    spec.write_text(text + "routing: {default: chta}\n", encoding="utf-8")
    return spec


@pytest.fixture
def environments(invoke: Invoke, tmp_path: Path) -> Path:
    """A right spec with the environments dev and prod."""
    del invoke
    return _put(tmp_path, "environments-dev")


def _put(folder: Path, case: str) -> Path:
    target = folder / "spec.yaml"
    target.write_bytes((GOLDEN / case / "spec.yaml").read_bytes())
    return Path("spec.yaml")
