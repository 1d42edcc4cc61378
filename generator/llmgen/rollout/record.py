"""rollout.yaml: what it may hold, and its text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

from llmgen import source
from llmgen.emit import emit
from llmgen.problems import Path, Problem, errors

if TYPE_CHECKING:
    from llmgen.source import Document

HEADER = (
    "Written by `llmgen rollout`, one step at a time. Do not edit: whatever else is to change belongs into overrides.yaml.\n"
    "Helm gets it last: which revision each track points to, with what share, and the engines that a step needs."
)
OWN = (
    ("tracks",),
    ("rollout",),
    ("revisions", "*", "scaling", "minReplicas"),
    ("revisions", "*", "scaling", "maxReplicas"),
)
"""Keys below ``models.<name>`` that a rollout decides."""


def read(file: FilePath) -> tuple[dict[str, Any], list[Problem]]:
    """Return the contents of rollout.yaml, empty where there is none, and what is in it that a rollout never writes (LLM502).

    The values contract is checked by the pipeline, which reads the file too.
    """
    if not file.exists():
        return {}, []
    reading = source.read(str(file))
    document = reading.document
    if document is None or errors(reading.problems):
        return {}, list(reading.problems)
    data = document.data if isinstance(document.data, dict) else {}
    return data, [_foreign(document, path) for path in _leaves(data) if not _own(path)]


def text(data: Mapping[str, Any]) -> str:
    """Return the file's text: the same data give the same bytes."""
    return emit(data, header=HEADER)


def _own(path: Path) -> bool:
    if path in {(), ("models",)}:
        return True
    if path[0] != "models":
        return False
    below = path[2:]
    return any(_matches(below[: len(own)], own[: len(below)]) for own in OWN)


def _matches(path: Path, pattern: Path) -> bool:
    return len(path) == len(pattern) and all(want in ("*", step) for step, want in zip(path, pattern, strict=True))


def _leaves(data: Any, path: Path = ()) -> Iterator[Path]:  # noqa: ANN401 -- JSON
    if isinstance(data, dict) and data:
        for key, value in data.items():
            yield from _leaves(value, (*path, key))
    else:
        yield path


def _foreign(document: Document, path: Path) -> Problem:
    return Problem(
        id="LLM502", path=path, span=document.key_span(path), message="a rollout never writes this, and would drop it",
        hint="move it to overrides.yaml beside the file",
    )  # fmt: skip
