"""From a path to a document: every problem of the text in one pass."""

from __future__ import annotations

import errno
import os
import re
import stat
import sys
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import yaml

from llmgen.problems.model import Problem, ProblemsFound, Span, errors, in_file_order
from llmgen.source.compose import Composer
from llmgen.source.document import Document, Node, Reading, Source
from llmgen.source.lines import block_end, split_lines
from llmgen.source.syntax import translate

if TYPE_CHECKING:
    from collections.abc import Callable

LIMIT_BYTES: Final = 10_000_000
"""A reviewed spec of 1,000 models is about 1 MB."""

_MOST_REPORTED = 10
"""Lines reported one by one for unreadable characters; a binary file has thousands."""

_MOST_ROUNDS = 20
_ROUND_BUDGET = 4_000_000
"""Characters parsed again, all rounds together, in search of further syntax errors: about two seconds at worst."""

# What PyYAML's reader refuses (yaml.reader.Reader.NON_PRINTABLE), and a byte order mark anywhere.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_SURROGATE = re.compile("[\udc80-\udcff]")  # how Python keeps bytes that are not UTF-8
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


class Place(NamedTuple):
    """A character in a file; ``line`` and ``col`` count from 0."""

    file: str
    lines: list[str]
    line: int
    col: int


def load(path: str | os.PathLike[str], *, limit_bytes: int = LIMIT_BYTES) -> Document:
    """Return the document in the file at ``path``; raises ProblemsFound with everything that is wrong with its text."""
    reading = read(path, limit_bytes=limit_bytes)
    if reading.document is None or errors(reading.problems):
        raise ProblemsFound(reading.problems)
    return reading.document


def read(path: str | os.PathLike[str], *, limit_bytes: int = LIMIT_BYTES) -> Reading:
    """Read the file at ``path`` (``-`` is standard input) and never raise for bad input.

    The document is there whenever the structure of the text is sound, even if single values were refused, so that the
    caller can check its shape too and report everything at once.
    """
    file = os.fspath(path)
    name = "<stdin>" if file == "-" else file
    raw = _bytes(file, name, limit_bytes)
    if isinstance(raw, Problem):
        return Reading(document=None, problems=(raw,))
    text, problems = _decode(raw, name)
    if text is None:
        return Reading(document=None, problems=tuple(problems))
    reading = read_text(text, name)
    # Replaced bytes would be checked as if they were the user's text.
    document = None if problems else reading.document
    return Reading(document=document, problems=tuple(in_file_order([*problems, *reading.problems])))


def read_text(text: str, file: str) -> Reading:
    """Read ``text`` as if it were in ``file``."""
    problems: list[Problem] = []
    if text.startswith("\ufeff"):
        message = "the file starts with a byte order mark (three invisible bytes)"
        text = text[1:]
        problems.append(
            _at(Place(file, split_lines(text), 0, 0), "LLM007", message, hint="save it as UTF-8 without it")
        )
    lines = split_lines(text)
    forbidden = _forbidden(lines, file)
    problems += forbidden
    if forbidden:
        text = _FORBIDDEN.sub("�", text)
    source = Source(file=file, lines=lines)
    composed, found, suspects = _compose(source, text)
    problems += found
    document = None
    if isinstance(composed, tuple):
        data, root = composed
        if isinstance(data, dict) and not forbidden:
            document = Document(data=data, file=file, root=root, suspects=frozenset(suspects))
        elif not isinstance(data, dict):
            problems.append(_not_a_map(data, root))
    elif composed == _EMPTY:
        problems.append(_whole(file, "LLM004", "the file holds no data", hint="`llmgen init` writes a starter spec"))
    return Reading(document=document, problems=tuple(in_file_order(problems)))


_EMPTY: Final = "empty"
_BROKEN: Final = "broken"


def _compose(source: Source, text: str) -> tuple[tuple[Any, Node] | str, list[Problem], set[Any]]:
    """Compose ``text``; after a syntax error look for more of them without the lines that were wrong."""
    problems: list[Problem] = []
    lines = [_FORBIDDEN.sub("�", line) for line in source.lines]
    last = -1
    rounds = max(1, min(_MOST_ROUNDS, _ROUND_BUDGET // (len(text) + 1)))
    for turn in range(rounds):
        composer = Composer(source, text)
        try:
            composed = composer.compose()
        except yaml.MarkedYAMLError as error:
            found = translate(error, source, composer.last_scalar)
        else:
            problems += composer.problems
            if turn:
                return _BROKEN, problems, set()
            empty = composed is None or (composed[0] is None and not composer.problems)
            return (_EMPTY if empty or composed is None else composed), problems, composer.suspects
        problems += composer.problems + found
        if any(problem.id == "LLM010" for problem in found):
            break  # All lines with tabs are reported together; what follows them is guesswork.
        wrong = found[0].span.line - 1
        _blank(lines, wrong, whole_block=wrong <= last)
        last = wrong
        text = "\n".join(lines)
        if not text.strip():
            break
    return _BROKEN, problems, set()


def _blank(lines: list[str], wrong: int, *, whole_block: bool) -> None:
    """Empty the line ``wrong`` and what is nested in it, or the whole top-level block around it."""
    start = min(max(wrong, 0), len(lines) - 1)
    if whole_block or not lines[start].strip():
        while start > 0 and (not lines[start].strip() or lines[start][0] in " #-"):
            start -= 1
    end = block_end(lines, start) if lines[start].strip() else len(lines)
    lines[start:end] = [""] * (end - start)


def _bytes(file: str, name: str, limit_bytes: int) -> bytes | Problem:  # noqa: PLR0911 -- one per trouble
    if file == "-":
        raw = sys.stdin.buffer.read(limit_bytes + 1)
        return (
            raw if len(raw) <= limit_bytes else _too_large(name, f"more than {limit_bytes / 1e6:.0f} MB", limit_bytes)
        )
    try:
        status = os.stat(file)  # noqa: PTH116 -- the error of a path with NUL differs in pathlib
        if stat.S_ISDIR(status.st_mode):
            return _whole(name, "LLM002", "this is a directory, not a file", hint=_file_inside(FilePath(file)))
        if not stat.S_ISREG(status.st_mode):
            return _whole(name, "LLM003", "this is not a regular file", hint="copy its contents into a file")
        if status.st_size > limit_bytes:
            return _too_large(name, f"{status.st_size / 1e6:.1f} MB large", limit_bytes)
        return FilePath(file).read_bytes()
    except FileNotFoundError:
        return _whole(name, "LLM001", "no such file", hint=_neighbour(FilePath(file)))
    except (OSError, ValueError) as error:
        return _unreadable(name, error)


def _unreadable(name: str, error: OSError | ValueError) -> Problem:
    number = error.errno if isinstance(error, OSError) else None
    if number == errno.ENOTDIR:
        return _whole(name, "LLM001", "no such file: a part of the path is a file, not a folder")
    reason = (os.strerror(number) if number else str(error)).lower()
    return _whole(name, "LLM003", f"cannot be read: {reason}", hint="check the permissions of the file and its folders")


def _too_large(name: str, size: str, limit_bytes: int) -> Problem:
    message = f"the file is {size}; at most {limit_bytes / 1e6:.0f} MB are read"
    return _whole(name, "LLM005", message, hint="check that this is the right file")


def _file_inside(folder: FilePath) -> str:
    inside = folder / "spec.yaml"
    return f"did you mean '{inside}'?" if inside.is_file() else "name the file inside it"


def _neighbour(path: FilePath) -> str:
    from llmgen.problems.guess import did_you_mean  # noqa: PLC0415 -- only a missing file needs it

    try:
        names = [entry.name for entry in path.parent.iterdir() if entry.is_file()]
    except OSError:
        return f"the folder '{path.parent}' does not exist either"
    guess = did_you_mean(path.name, names)
    return (
        f"did you mean '{path.with_name(guess)}'?" if guess else "check the path; `llmgen init` writes a starter spec"
    )


def _decode(raw: bytes, file: str) -> tuple[str | None, list[Problem]]:
    """Return the text with unreadable bytes replaced, and a problem for each line that has some."""
    if raw.startswith(_UTF_16):
        return None, [_whole(file, "LLM006", "the file is UTF-16, not UTF-8", hint="save it as UTF-8")]
    try:
        return raw.decode(), []
    except UnicodeDecodeError:
        escaped = raw.decode(errors="surrogateescape")
    lines = split_lines(escaped)

    def describe(at: int, col: int) -> Problem:
        message = f"the byte 0x{ord(lines[at][col]) - 0xDC00:02x} is not UTF-8"
        return _at(Place(file, lines, at, col), "LLM006", message, hint="save the file as UTF-8")

    problems = _each_line(lines, _SURROGATE.search, describe)
    return _SURROGATE.sub("\ufffd", escaped), problems


def _forbidden(lines: list[str], file: str) -> list[Problem]:
    def describe(at: int, col: int) -> Problem:
        code = ord(lines[at][col])
        name = {0: "a NUL", 0xFEFF: "a byte order mark", 0x7F: "a delete"}.get(code, "a control")
        message = f"{name} character (U+{code:04X}) is not allowed in YAML"
        return _at(
            Place(file, lines, at, col), "LLM008", message, hint="remove it, or write it as an escape in double quotes"
        )

    return _each_line(lines, _FORBIDDEN.search, describe)


def _each_line(
    lines: list[str],
    search: Callable[[str], re.Match[str] | None],
    describe: Callable[[int, int], Problem],
) -> list[Problem]:
    found = [(at, match.start()) for at, line in enumerate(lines) if (match := search(line)) is not None]
    problems = [describe(at, col) for at, col in found[:_MOST_REPORTED]]
    more = len(found) - len(problems)
    if more:
        last = problems[-1]
        problems[-1] = Problem(
            id=last.id,
            message=f"{last.message} (and so on in {more} more lines)",
            span=last.span,
            hint=last.hint,
        )
    return problems


def _not_a_map(data: Any, root: Node) -> Problem:  # noqa: ANN401 -- plain data of any shape
    what = "a list" if isinstance(data, list) else "a single value"
    hint = "start with `key: value`"
    if isinstance(data, str) and re.match(r"[\w.-]+:\S", data):
        hint = "put a space after each colon"
    message = f"the document must be a map of keys, this is {what}"
    return Problem(id="LLM015", message=message, span=root.value_span(), hint=hint)


def _whole(file: str, id: str, message: str, *, hint: str | None = None) -> Problem:  # noqa: A002
    return Problem(id=id, message=message, span=Span(file=file), hint=hint)


def _at(place: Place, id: str, message: str, *, hint: str) -> Problem:  # noqa: A002 -- an id is what it is
    text = _SURROGATE.sub("�", place.lines[place.line])
    span = Span(file=place.file, line=place.line + 1, col=place.col + 1, end_col=place.col + 2, text=text)
    return Problem(id=id, message=message, span=span, hint=hint)
