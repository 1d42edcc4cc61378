"""A release in a folder of its own, and the commands that move it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result
from tests.unit.rollout.prometheus import HEALTHY, Fake, serving

from llmgen import pipeline
from llmgen.cli import main
from llmgen.rollout import state
from llmgen.rollout.state import TIME, State

SPEC = Path(__file__).parent / "spec.yaml"
FILE = "rollout.yaml"

Rollout = Callable[..., Result]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with spec.yaml in it."""
    shutil.copy(SPEC, tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def rollout(folder: Path) -> Rollout:
    """Run a command of `llmgen rollout` on spec.yaml."""
    del folder

    def run(name: str, *options: str) -> Result:
        return CliRunner().invoke(
            main, ["rollout", name, "spec.yaml", *options], prog_name="llmgen", catch_exceptions=False
        )

    return run


@pytest.fixture
def prometheus() -> Iterator[Fake]:
    """A Prometheus that speaks for the next step; change its answers."""
    with serving(HEALTHY) as fake:
        yield fake


def written(folder: Path) -> dict[str, Any]:
    """Return what rollout.yaml says of the model."""
    data: dict[str, Any] = yaml.safe_load((folder / FILE).read_text())
    return data["models"]["chat"]


def put(folder: Path, **record: object) -> None:
    """Change the record in rollout.yaml."""
    data = yaml.safe_load((folder / FILE).read_text())
    data["models"]["chat"]["rollout"].update(record)
    (folder / FILE).write_text(json.dumps(data))


def bake(folder: Path, minutes: int = 31) -> None:
    """Let time pass: the step was taken ``minutes`` ago."""
    put(folder, since=(datetime.now(UTC) - timedelta(minutes=minutes)).strftime(TIME))


def read(folder: Path) -> State:
    """Return where the model stands."""
    release, problems = state.load(pipeline.run(str(folder / "spec.yaml"), layered=False), folder)
    assert release is not None, problems
    return state.of(release, "chat")
