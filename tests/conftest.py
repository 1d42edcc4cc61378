"""What every test module shares."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

# The tools that make has built, for a pytest that was not started by make.
os.environ["PATH"] = os.pathsep.join([str(Path(__file__).resolve().parents[1] / ".bin"), os.environ["PATH"]])


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden",
        action="store_true",
        help="rewrite expected outputs instead of comparing; review the diff and commit it with the change",
    )


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--update-golden"))
