"""Text as lines, and the few questions that error messages ask about them."""

from __future__ import annotations

import re

# The line breaks of YAML 1.1, which the parser counts: LF, CR, CRLF, NEL, LS and PS.
_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")


def split_lines(text: str) -> list[str]:
    """Return the lines of ``text`` as the YAML parser counts them, without line ends."""
    return _BREAK.split(text)


def indent_of(line: str) -> int:
    """Return the number of leading spaces and tabs."""
    return len(line) - len(line.lstrip(" \t"))


def is_blank(line: str) -> bool:
    """Say whether ``line`` holds nothing but space or a comment."""
    bare = line.strip()
    return not bare or bare.startswith("#")


def line_before(lines: list[str], at: int) -> int | None:
    """Return the number of the last line before ``at`` (from 0) that holds something."""
    for number in range(at - 1, -1, -1):
        if not is_blank(lines[number]):
            return number
    return None


def block_end(lines: list[str], start: int) -> int:
    """Return the number of the first line after ``start`` that is not indented deeper than it."""
    depth = indent_of(lines[start])
    for number in range(start + 1, len(lines)):
        if not is_blank(lines[number]) and indent_of(lines[number]) <= depth:
            return number
    return len(lines)
