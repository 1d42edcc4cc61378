"""What a diagnostic is: where it points, what it says, what would be right instead."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable

Path: TypeAlias = tuple[str | int, ...]
"""Keys and list indexes from the root of a document, for example ``("models", "chat", "tags", 0)``."""

Severity: TypeAlias = Literal["error", "warning"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A range on one line of one file.

    ``line`` and ``col`` count from 1 in characters; ``end_col`` is exclusive. ``line`` 0 means the file as a whole.
    ``text`` is the source line, carried along so that a reporter never has to read the file a second time.
    """

    file: str
    line: int = 0
    col: int = 0
    end_col: int = 0
    text: str = field(default="", compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Related:
    """A second place that explains a problem, such as the first of two duplicate keys."""

    message: str
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One diagnostic.

    ``id`` is registered in :mod:`llmgen.problems.ids`. ``message`` is one plain sentence without a final full stop.
    ``allowed`` lists what would be accepted here. ``hint`` says what to do, also as one sentence.
    """

    id: str
    message: str
    path: Path = ()
    span: Span
    allowed: tuple[str, ...] = ()
    hint: str | None = None
    severity: Severity = "error"
    related: tuple[Related, ...] = ()


class ProblemsFound(Exception):  # noqa: N818 -- the input is wrong, not the program
    """Raised where a caller asked for a result and the input is wrong; carries every problem, in file order."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        """Keep ``problems`` sorted and once each."""
        self.problems = in_file_order(problems)
        super().__init__("; ".join(f"{problem.id}: {problem.message}" for problem in self.problems))


def in_file_order(problems: Iterable[Problem]) -> list[Problem]:
    """Return ``problems`` sorted by file, line, column and id, each once."""
    return sorted(dict.fromkeys(problems), key=_position)


def errors(problems: Iterable[Problem]) -> list[Problem]:
    """Return the problems that make the input wrong, without the warnings."""
    return [problem for problem in problems if problem.severity == "error"]


def _position(problem: Problem) -> tuple[str, int, int, str, str]:
    span = problem.span
    return (span.file, span.line, span.col, problem.id, problem.message)
