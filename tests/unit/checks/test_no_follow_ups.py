"""One mistake is one error: what was refused is not held against the rest of the spec."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from llmgen import pipeline
from llmgen.problems import Problem, errors

SPEC = Path(__file__).parents[2] / "golden" / "every-block" / "spec.yaml"
LINES = SPEC.read_text(encoding="utf-8").split("\n")
_ENTRY = re.compile(r"^( *)([\w.-]+): (?!\{|\[)(\S.*)$")
VALUES = [number for number, line in enumerate(LINES) if _ENTRY.match(line)]


def problems(changed: dict[int, str], folder: Path) -> list[Problem]:
    file = folder / "spec.yaml"
    file.write_text("\n".join(changed.get(number, line) for number, line in enumerate(LINES)), encoding="utf-8")
    for beside in SPEC.parent.glob("*.json"):
        (folder / beside.name).write_bytes(beside.read_bytes())
    return errors(pipeline.validate(str(file)))


@pytest.mark.parametrize("wrong", ["[[]]", "{zz: 1}", "-77777777777"])
def test_a_value_of_a_wrong_type(tmp_path: Path, wrong: str) -> None:
    for number in VALUES:
        line = _ENTRY.sub(rf"\1\2: {wrong}", LINES[number])
        found = problems({number: line}, tmp_path)
        of_contract = [problem for problem in found if problem.id.startswith("LLM1")]
        assert not of_contract or {problem.span.line for problem in found} == {number + 1}, (
            f"{LINES[number]!r} -> {line!r}: {[(one.span.line, one.id, one.message) for one in found]}"
        )


def test_a_misspelt_key(tmp_path: Path) -> None:
    for number in VALUES:
        line = _ENTRY.sub(r"\1\2q: \3", LINES[number])
        found = problems({number: line}, tmp_path)
        of_contract = [problem for problem in found if problem.id == "LLM101"]
        assert not of_contract or {problem.span.line for problem in found} == {number + 1}, (
            f"{line!r}: {[(one.span.line, one.id, one.message) for one in found]}"
        )
