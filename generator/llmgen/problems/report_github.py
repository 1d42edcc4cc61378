"""Problems as GitHub Actions workflow commands, which annotate the lines of a pull request.

Format and escapes: https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands and the
``escapeData``/``escapeProperty`` functions of https://github.com/actions/toolkit/blob/main/packages/core/src/command.ts
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmgen.problems.paths import dotted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmgen.problems.model import Problem


def as_github(problems: Sequence[Problem]) -> str:
    """Return one workflow command per problem and line."""
    return "".join(f"{_command(problem)}\n" for problem in problems)


def _command(problem: Problem) -> str:
    span = problem.span
    properties = {"file": span.file}
    if span.line:
        # GitHub counts endColumn inclusively, our ends are exclusive.
        end = max(span.end_col - 1, span.col)
        properties |= {"line": str(span.line), "col": str(span.col), "endColumn": str(end)}
    properties["title"] = problem.id
    written = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::{problem.severity} {written}::{_data(_message(problem))}"


def _message(problem: Problem) -> str:
    lines = [f"{dotted(problem.path)}: {problem.message}" if problem.path else problem.message]
    if problem.allowed:
        lines.append(f"allowed: {', '.join(problem.allowed)}")
    if problem.hint:
        lines.append(f"hint: {problem.hint}")
    return "\n".join(lines)


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
