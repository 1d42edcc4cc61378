"""Dotted paths: how a place in a document is written for people, and read back."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llmgen.problems.model import Path

ROOT = "(root)"

_PLAIN = re.compile(r"[A-Za-z0-9_-]+")
_STEP = re.compile(r'\[(?P<index>\d+)\]|(?P<quoted>"(?:[^"\\]|\\.)*")|(?P<plain>[A-Za-z0-9_-]+)')


def dotted(path: Path) -> str:
    """Return ``models."a.b".tags[3]`` for ``("models", "a.b", "tags", 3)``; the empty path is ``(root)``."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            key = step if _PLAIN.fullmatch(step) else json.dumps(step, ensure_ascii=False)
            text += f".{key}" if text else key
    return text or ROOT


def parse_dotted(text: str) -> Path:
    """Read what :func:`dotted` writes; raises ValueError with the offending rest of ``text``."""
    if text in {"", ROOT}:
        return ()
    steps: list[str | int] = []
    at = 0
    while at < len(text):
        if text[at] == "." and steps:
            at += 1
        elif steps and text[at] != "[":
            message = f"expected '.' or '[' at {text[at:]!r}"
            raise ValueError(message)
        found = _STEP.match(text, at)
        if found is None:
            message = (
                f"expected a key at {text[at:]!r}; put a key with other signs than letters, digits, - and _ in quotes"
            )
            raise ValueError(message)
        steps.append(_step(found))
        at = found.end()
    return tuple(steps)


def _step(found: re.Match[str]) -> str | int:
    if found["index"] is not None:
        return int(found["index"])
    if found["quoted"] is not None:
        return str(json.loads(found["quoted"]))
    return found["plain"]
