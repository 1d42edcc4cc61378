"""Problems as JSON, for scripts and editors.

The document is stable: ``{"version": 1, "errors": 2, "warnings": 0, "problems": [...]}``. Each problem has ``id``,
``name``, ``severity``, ``message``, ``path`` (keys and indexes), ``dotted``, ``span``, ``allowed``, ``hint`` (or null)
and ``related`` (each ``message`` and ``span``). A span has ``file``, ``line``, ``col`` and ``endCol``, counted from 1
with an exclusive end; they are null where the file as a whole is meant. Keys may be added, none is renamed within a
version.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from llmgen.problems.ids import kind
from llmgen.problems.paths import dotted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmgen.problems.model import Problem, Span

VERSION = 1


def as_json(problems: Sequence[Problem]) -> str:
    """Return the JSON document described above, indented, with a final line end."""
    document = {
        "version": VERSION,
        "errors": sum(problem.severity == "error" for problem in problems),
        "warnings": sum(problem.severity == "warning" for problem in problems),
        "problems": [_problem(problem) for problem in problems],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _problem(problem: Problem) -> dict[str, Any]:
    return {
        "id": problem.id,
        "name": kind(problem.id).name,
        "severity": problem.severity,
        "message": problem.message,
        "path": list(problem.path),
        "dotted": dotted(problem.path),
        "span": _span(problem.span),
        "allowed": list(problem.allowed),
        "hint": problem.hint,
        "related": [{"message": related.message, "span": _span(related.span)} for related in problem.related],
    }


def _span(span: Span) -> dict[str, Any]:
    if not span.line:
        return {"file": span.file, "line": None, "col": None, "endCol": None}
    return {"file": span.file, "line": span.line, "col": span.col, "endCol": span.end_col}
