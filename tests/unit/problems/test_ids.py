"""The registry of ids: each id that the code uses is explained, each explained id is used by a test."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from llmgen.problems.ids import Kind, kind, kinds

REPOSITORY = Path(__file__).parents[3]
PACKAGE = REPOSITORY / "generator" / "llmgen"
TESTS = REPOSITORY / "tests"
ID = re.compile(r"\bLLM\d{3}\b")


def ids_in(files: list[Path]) -> set[str]:
    return {found for file in files for found in ID.findall(file.read_text(encoding="utf-8"))}


def test_every_id_in_the_code_is_registered() -> None:
    files = [file for file in PACKAGE.rglob("*.py") if not file.name.startswith("ids")]
    assert ids_in(files) - kinds().keys() == set()


def test_every_registered_id_is_raised_somewhere() -> None:
    files = [file for file in PACKAGE.rglob("*.py") if not file.name.startswith("ids")]
    assert kinds().keys() - ids_in(files) == set()


def test_every_registered_id_is_used_by_a_case() -> None:
    files = [file for file in TESTS.rglob("test_*.py") if file != Path(__file__)]
    assert kinds().keys() - ids_in([*files, *TESTS.glob("bad/*/*/errors.txt")]) == set()


@pytest.mark.parametrize("about", kinds().values(), ids=lambda about: about.id)
def test_texts(about: Kind) -> None:
    assert ID.fullmatch(about.id)
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", about.name)
    assert about.title[0].isupper()
    assert not about.title.endswith(".")
    assert about.explanation.endswith(".")
    assert about.fix.endswith(".")


def test_ids_are_in_order() -> None:
    assert list(kinds()) == sorted(kinds())


def test_found_by_id_or_name() -> None:
    assert kind("llm101") == kind("LLM101") == kind("unknown-key") == kind(" Unknown-Key ")
    with pytest.raises(KeyError, match="did you mean 'unknown-key'"):
        kind("unknown-kye")
    with pytest.raises(KeyError, match="no problem is called 'LLM999'"):
        kind("LLM999")
