"""Problems as SARIF 2.1.0, the format of code scanning tools.

Specification: https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/sarif-v2.1.0-os.html
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from llmgen.problems.ids import kind
from llmgen.problems.paths import dotted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmgen.problems.model import Problem, Span

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json"


def as_sarif(problems: Sequence[Problem]) -> str:
    """Return a SARIF log with one run; the rules are those that the problems use."""
    rules = sorted({problem.id for problem in problems})
    index = {rule: at for at, rule in enumerate(rules)}
    run = {
        "tool": {"driver": {"name": "llmgen", "rules": [_rule(rule) for rule in rules]}},
        "columnKind": "unicodeCodePoints",
        "results": [_result(problem, index[problem.id]) for problem in problems],
    }
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=False) + "\n"


def _rule(rule: str) -> dict[str, Any]:
    about = kind(rule)
    help_text = f"{about.explanation}\n\n{about.fix}"
    return {
        "id": rule,
        "name": "".join(word.capitalize() for word in about.name.split("-")),
        "shortDescription": {"text": about.title},
        "fullDescription": {"text": about.explanation},
        "help": {"text": help_text, "markdown": help_text},
    }


def _result(problem: Problem, rule_index: int) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": problem.id,
        "ruleIndex": rule_index,
        "level": problem.severity,
        "message": {"text": _message(problem)},
        "locations": [_location(problem.span) | _logical(problem)],
    }
    if problem.related:
        result["relatedLocations"] = [
            _location(related.span) | {"message": {"text": related.message}} for related in problem.related
        ]
    return result


def _message(problem: Problem) -> str:
    parts = [f"{dotted(problem.path)}: {problem.message}." if problem.path else f"{problem.message}."]
    if problem.allowed:
        parts.append(f"Allowed: {', '.join(problem.allowed)}.")
    if problem.hint:
        parts.append(f"Hint: {problem.hint}")
    return " ".join(parts)


def _location(span: Span) -> dict[str, Any]:
    # Code scanning shows nothing without a line, so a problem with the file as a whole stands at its first.
    region: dict[str, Any] = {"startLine": max(span.line, 1)}
    if span.line:
        region |= {"startColumn": span.col, "endColumn": max(span.end_col, span.col)}
    if span.text:
        region["snippet"] = {"text": span.text}
    return {"physicalLocation": {"artifactLocation": {"uri": quote(span.file.replace("\\", "/"))}, "region": region}}


def _logical(problem: Problem) -> dict[str, Any]:
    return {"logicalLocations": [{"fullyQualifiedName": dotted(problem.path)}]} if problem.path else {}
