"""What a spec may say is read by something, or a warning says that nothing does yet."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

from tests.contract.spec_schema import PROPERTIES
from tests.contract.test_spec_types import PAIRS

from llmgen.plan.notes import JUDGED_BY_GATEWAY, NOT_RENDERED

PACKAGE = Path(__file__).parents[2] / "generator" / "llmgen"
ELSEWHERE: dict[str, str] = {}


def _unread() -> set[str]:
    text = "\n".join(
        file.read_text(encoding="utf-8") for file in PACKAGE.rglob("*.py") if file.parent.name not in {"spec", "sizing"}
    )
    fields = {f"{place} {field.name}" for place, cls, _ in PAIRS for field in dataclasses.fields(cls)}
    return {field for field in fields if not re.search(rf"\.{field.split()[-1]}\b", text)}


def _announced(field: str) -> bool:
    place, _, name = field.rpartition(" ")
    path = place.split(".") if place else []
    return bool({*path[:1], name} & NOT_RENDERED.keys())


def test_unread_fields_are_announced() -> None:
    assert {field for field in _unread() if not _announced(field)} == ELSEWHERE.keys()


def test_announced_blocks_exist() -> None:
    known = {item.dotted for item in PROPERTIES}
    assert NOT_RENDERED.keys() <= known
    assert {".".join(("models", "*", *keys)) for keys in JUDGED_BY_GATEWAY} <= known
