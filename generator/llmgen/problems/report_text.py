"""Problems for people: the way a compiler prints them."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from llmgen.problems.paths import dotted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmgen.problems.model import Problem, Span

_WIDEST = 110
"""Longer source lines are cut around the caret, so that a line of a minified file does not flood a terminal."""

_MARGIN = 7
"""Width of the line number column with the space after it."""

_MOST_ALLOWED = 30
"""Longest list of allowed words printed in full."""

_COLOURS = {"error": "\x1b[1;31m", "warning": "\x1b[1;33m", "caret": "\x1b[32m", "place": "\x1b[1m"}
_RESET = "\x1b[0m"


def as_text(problems: Sequence[Problem], *, colour: bool = False) -> str:
    """Return each problem as place, message, source line with caret, allowed words and hint."""
    return "".join(f"{line}\n" for problem in problems for line in _lines(problem, colour=colour))


def place(span: Span) -> str:
    """Return ``file:line:col``, or only the file where the file as a whole is meant."""
    return f"{span.file}:{span.line}:{span.col}" if span.line else span.file


def _lines(problem: Problem, *, colour: bool) -> list[str]:
    where = _paint(f"{place(problem.span)}:", "place", colour=colour)
    kind = _paint(f"{problem.severity} {problem.id}:", problem.severity, colour=colour)
    subject = f"{dotted(problem.path)}: " if problem.path else ""
    lines = [f"{where} {kind} {subject}{problem.message}", *_excerpt(problem.span, colour=colour)]
    indent = " " * _MARGIN
    if problem.allowed:
        lines.append(f"{indent}allowed: {_listed(problem.allowed)}")
    lines += [f"{indent}note: {related.message}: {place(related.span)}" for related in problem.related]
    if problem.hint:
        lines.append(f"{indent}hint: {problem.hint}")
    return lines


def _listed(words: Sequence[str]) -> str:
    more = len(words) - _MOST_ALLOWED
    return ", ".join(words[:_MOST_ALLOWED]) + (f" and {more} more" if more > 0 else "")


def _excerpt(span: Span, *, colour: bool) -> list[str]:
    if not span.line or not span.text.strip():
        return []
    start, end = span.col - 1, max(span.end_col - 1, span.col)
    text, start, end = _cut(_visible(span.text), start, end)
    # A tab stays a tab in the padding, and a wide sign takes two columns, so that the caret stands under its sign.
    padding = "".join("\t" if sign == "\t" else " " * _width(sign) for sign in text[:start])
    carets = "^" * max(sum(_width(sign) for sign in text[start:end]), 1)
    return [
        f"{span.line:>{_MARGIN - 1}} | {text}",
        f"{'':>{_MARGIN - 1}} | {padding}{_paint(carets, 'caret', colour=colour)}",
    ]


def _cut(text: str, start: int, end: int) -> tuple[str, int, int]:
    """Keep a window of ``text`` around ``start``; returns it with ``start`` and ``end`` moved along."""
    if len(text) <= _WIDEST:
        return text, start, min(end, max(len(text), start + 1))
    left = max(0, min(start - _WIDEST // 3, len(text) - _WIDEST))
    right = left + _WIDEST
    head, tail = ("…" if left else ""), ("…" if right < len(text) else "")
    shift = len(head) - left
    return f"{head}{text[left:right]}{tail}", start + shift, min(end, right) + shift


def _visible(text: str) -> str:
    """Replace control signs, which a terminal would obey, by a visible stand-in of the same length."""
    return "".join("�" if sign != "\t" and unicodedata.category(sign) in {"Cc", "Cs"} else sign for sign in text)


def _width(sign: str) -> int:
    if unicodedata.combining(sign):
        return 0
    return 2 if unicodedata.east_asian_width(sign) in {"W", "F"} else 1


def _paint(text: str, what: str, *, colour: bool) -> str:
    return f"{_COLOURS[what]}{text}{_RESET}" if colour else text
