"""The fake engine as tests meet it: imported, and as a process."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "fakes"))

from tests.fakes import stage
from tests.fakes.harness import Engine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture(scope="session")
def staged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return stage.stage(tmp_path_factory.mktemp("fake-engine"))


@pytest.fixture(autouse=True)
def _surface(staged: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fake_engine.surface.DIRECTORY", staged / "surface")


@pytest.fixture
def start(staged: Path) -> Iterator[Callable[..., Engine]]:
    """Start a fake: flags of vllm, and FAKE_* settings as keywords; ``ready=False`` does not wait."""
    running: list[Engine] = []

    def begin(*flags: str, ready: bool = True, **fake: Any) -> Engine:
        engine = Engine(staged, flags, fake)
        running.append(engine)
        return engine.wait() if ready else engine

    yield begin
    for engine in running:
        engine.process.kill()
        engine.process.communicate()
