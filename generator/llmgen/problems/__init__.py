"""Diagnostics: what is wrong, where, and what would be right.

:mod:`llmgen.problems.ids` is the registry of ids, :mod:`llmgen.problems.report` writes problems for people and tools.
"""

from llmgen.problems.guess import did_you_mean, guess_hint
from llmgen.problems.model import Path, Problem, ProblemsFound, Related, Severity, Span, errors, in_file_order
from llmgen.problems.paths import dotted, parse_dotted
from llmgen.problems.report import report

__all__ = [
    "Path",
    "Problem",
    "ProblemsFound",
    "Related",
    "Severity",
    "Span",
    "did_you_mean",
    "dotted",
    "errors",
    "guess_hint",
    "in_file_order",
    "parse_dotted",
    "report",
]
