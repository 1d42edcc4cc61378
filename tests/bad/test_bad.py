"""Bad input, one folder per case: ``tests/bad/<family>/<case>/`` holds ``spec.yaml`` and the exact ``errors.txt``.

A case needs no Python. ``args`` may hold ``--env NAME``. Cases of the family ``source`` are about text alone and are
read without a look at their contents; every other family is validated as a spec. ``pytest --update-golden`` rewrites
``errors.txt``; a missing one fails.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from llmgen.problems import errors, in_file_order, report
from llmgen.source import read

if TYPE_CHECKING:
    from llmgen.problems import Problem

HERE = Path(__file__).parent
CASES = sorted(folder for folder in HERE.glob("*/*") if folder.is_dir() and not folder.name.startswith(("_", ".")))


def problems_of(family: str, path: str, env: str | None) -> list[Problem]:
    """The one place that knows which function a family goes through."""
    if family == "source":
        return list(read(path).problems)
    from llmgen.pipeline import validate  # noqa: PLC0415 -- the text of a file is tested without the rest

    return validate(path, env)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}/{case.name}")
def test_errors(case: Path, update_golden: bool, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: FBT001
    monkeypatch.chdir(case)  # so that the texts name the file as a user in that folder would
    problems = problems_of(case.parent.name, "spec.yaml", _env(case))
    assert errors(problems), "a bad case has at least one error"
    text = report(in_file_order(problems))
    golden = case / "errors.txt"
    if update_golden:
        golden.write_text(text, encoding="utf-8")
    assert golden.is_file(), f"{golden} is missing: run pytest --update-golden, review it, commit it"
    assert text == golden.read_text(encoding="utf-8")


def test_every_case_is_found() -> None:
    assert {golden.parent for golden in HERE.glob("*/*/errors.txt")} == set(CASES)
    assert CASES


def _env(case: Path) -> str | None:
    file = case / "args"
    words = file.read_text(encoding="utf-8").split() if file.is_file() else []
    if not words:
        return None
    option, env = words
    assert option == "--env", f"{file}: only --env NAME is known"
    return env
