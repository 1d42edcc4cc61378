"""Golden cases, one folder each: ``spec.yaml`` renders to ``values.yaml``, ``manifests.yaml`` and, if any, ``warnings.txt``.

A case needs no Python. Beside the spec may lie ``rollout.yaml``, ``overrides.yaml``, ``config.json`` and ``args``, which holds
``--env NAME`` and, where cases share a spec, ``--spec ../CASE/spec.yaml``. ``pytest --update-golden`` rewrites the outputs; a
missing one fails.
"""

from __future__ import annotations

import argparse
import difflib
from dataclasses import dataclass
from pathlib import Path

import pytest

from llmgen import pipeline, rendering
from llmgen.problems import report

HERE = Path(__file__).parent
CASES = sorted(folder for folder in HERE.iterdir() if folder.is_dir() and not folder.name.startswith(("_", ".")))
INPUTS = frozenset({"spec.yaml", "rollout.yaml", "overrides.yaml", "config.json", "args"})
REFRESH = "pytest tests/golden --update-golden"


@dataclass(frozen=True)
class Arguments:
    """What ``args`` says."""

    spec: str
    env: str | None


def arguments(case: Path) -> Arguments:
    parser = argparse.ArgumentParser(exit_on_error=False)
    parser.add_argument("--spec", default="spec.yaml")
    parser.add_argument("--env")
    file = case / "args"
    found = parser.parse_args(file.read_text(encoding="utf-8").split() if file.is_file() else [])
    return Arguments(spec=found.spec, env=found.env)


def render(case: Path) -> dict[str, str]:
    """Return the outputs of ``case`` by file name; the working directory is the case's folder."""
    asked = arguments(case)
    outcome = pipeline.run(asked.spec, asked.env, beside=Path())
    warnings = report(list(outcome.problems))
    assert not outcome.failed, warnings
    values = rendering.values_text(outcome, asked.spec)
    outputs = {"values.yaml": values, "manifests.yaml": rendering.manifests(outcome, values, Path())}
    return outputs | ({"warnings.txt": warnings} if warnings else {})


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_golden(case: Path, update_golden: bool, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: FBT001
    monkeypatch.chdir(case)  # so that texts name files as a user in that folder would
    outputs = render(case)
    if update_golden:
        _write(case, outputs)
    committed = {file.name for file in case.iterdir()} - INPUTS
    assert committed == outputs.keys(), f"files of {case.name} differ; {REFRESH}"
    differences = [difference for name, text in outputs.items() if (difference := _difference(case / name, text))]
    assert not differences, "\n".join([*differences, f"refresh, review and commit: {REFRESH}"])


def _write(case: Path, outputs: dict[str, str]) -> None:
    for file in case.iterdir():
        if file.name not in INPUTS | outputs.keys():
            file.unlink()
    for name, text in outputs.items():
        (case / name).write_text(text, encoding="utf-8")


def _difference(file: Path, text: str) -> str:
    old = file.read_text(encoding="utf-8").splitlines()
    place = f"{file.parent.name}/{file.name}"
    return "\n".join(
        difflib.unified_diff(old, text.splitlines(), f"{place} (committed)", f"{place} (rendered)", lineterm="")
    )


def test_every_golden_belongs_to_a_case() -> None:
    assert {file.parent for file in HERE.rglob("*.yaml")} == set(CASES)
    assert all((case / "spec.yaml").is_file() or arguments(case).spec != "spec.yaml" for case in CASES)


def test_rendering_twice_gives_the_same_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    case = HERE / "every-block"
    monkeypatch.chdir(case)
    assert render(case) == render(case)


def test_a_missing_golden_fails_and_is_written_on_request(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    case = tmp_path / "case"
    case.mkdir()
    (case / "spec.yaml").write_bytes((HERE / "minimal" / "spec.yaml").read_bytes())
    with pytest.raises(AssertionError, match=REFRESH):
        test_golden(case, update_golden=False, monkeypatch=monkeypatch)
    (case / "left-over.txt").touch()
    test_golden(case, update_golden=True, monkeypatch=monkeypatch)
    assert not (case / "left-over.txt").exists()
    (case / "values.yaml").write_text("models: {}\n", encoding="utf-8")
    with pytest.raises(AssertionError, match=r"-models: \{\}"):
        test_golden(case, update_golden=False, monkeypatch=monkeypatch)
