"""A values map as YAML text that Helm and PyYAML read back unchanged, each number followed by its reason.

Every string is double-quoted: without quotes Helm reads ``1e3``, ``y`` or ``0o14`` as something else. Comments come
from ``comments`` by path, which a YAML library could not place, so the text is written here.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from llmgen.problems.paths import dotted

if TYPE_CHECKING:
    from llmgen.problems.model import Path

_PLAIN_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*")
_YAML_WORDS: Final = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
# Escaped beyond what JSON asks: DEL, C1 controls (NEL breaks lines), line and paragraph separators, byte order marks,
# U+FFFE and U+FFFF. YAML readers refuse or fold them raw; \uXXXX is an escape in YAML as in JSON.
_ESCAPED = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_EXACT_LIMIT: Final = 2**53
_WIDEST: Final = 120
_INDENT: Final = "  "


class EmitError(ValueError):
    """A value that YAML, or Helm reading it, cannot keep; ``path`` says where it stands."""

    def __init__(self, path: Path, reason: str) -> None:
        """Word the message from ``path`` and ``reason``."""
        super().__init__(f"{dotted(path)}: {reason}")
        self.path = path


def emit(values: Mapping[str, Any], *, comments: Mapping[Path, str] | None = None, header: str = "") -> str:
    """Return ``values`` as YAML, ending with a line end; keys keep their order.

    ``comments`` maps paths to one-line reasons: behind a scalar where the line stays within 120 columns, above the key
    otherwise. ``header`` becomes comment lines at the top. Raises EmitError for what cannot be kept: whole numbers from
    2^53 on, infinities, lone surrogates, keys that are not text, other types; and for a comment whose path is missing.
    """
    writer = _Writer(dict(comments or {}))
    if values:
        writer.map(values, "", ())
    else:
        writer.lines.append("{}")
    if writer.comments:
        raise EmitError(next(iter(writer.comments)), "a comment for a value that is not there")
    head = [_comment(line) for line in header.rstrip("\n").split("\n")] + [""] if header.strip() else []
    return "\n".join([*head, *writer.lines]) + "\n"


class _Writer:
    def __init__(self, comments: dict[Path, str]) -> None:
        self.lines: list[str] = []
        self.comments = comments

    def map(self, values: Mapping[str, Any], indent: str, path: Path, first: str | None = None) -> None:
        """Write the entries of ``values``; ``first`` replaces the indent of the first line (``- ``)."""
        for key, value in values.items():
            if not isinstance(key, str):
                raise EmitError(path, f"the key {key!r} is not text")
            at = (*path, key)
            lead = indent if first is None else first
            self._entry(f"{lead}{_key(key, at)}:", value, indent, at, above=first is None)
            first = None

    def list(self, values: list[Any] | tuple[Any, ...], indent: str, path: Path) -> None:
        for index, value in enumerate(values):
            at = (*path, index)
            if isinstance(value, Mapping) and value:
                self._comment_above(at, indent)
                self.map(value, f"{indent}{_INDENT}", at, first=f"{indent}- ")
            elif isinstance(value, (list, tuple)) and value:
                self._comment_above(at, indent)
                self.lines.append(f"{indent}-")
                self.list(value, f"{indent}{_INDENT}", at)
            else:
                self._scalar(f"{indent}- {_scalar(value, at)}", indent, at, above=True)

    def _entry(self, head: str, value: Any, indent: str, at: Path, *, above: bool) -> None:  # noqa: ANN401
        if isinstance(value, Mapping) and value:
            self._comment_above(at, indent, above=above)
            self.lines.append(head)
            self.map(value, f"{indent}{_INDENT}", at)
        elif isinstance(value, (list, tuple)) and value:
            self._comment_above(at, indent, above=above)
            self.lines.append(head)
            self.list(value, f"{indent}{_INDENT}", at)
        else:
            self._scalar(f"{head} {_scalar(value, at)}", indent, at, above=above)

    def _scalar(self, line: str, indent: str, at: Path, *, above: bool) -> None:
        reason = self.comments.pop(at, None) if self.comments else None
        if reason is not None:
            beside = f"{line}  {_comment(reason)}"
            if len(beside) <= _WIDEST or not above:
                line = beside
            else:
                self.lines.append(f"{indent}{_comment(reason)}")
        self.lines.append(line)

    def _comment_above(self, at: Path, indent: str, *, above: bool = True) -> None:
        reason = self.comments.pop(at, None) if self.comments else None
        if reason is None:
            return
        # Behind "- key:" there is no line above that would belong to the key alone: the comment goes above the item.
        self.lines.append(f"{indent if above else indent.removesuffix(_INDENT)}{_comment(reason)}")


def _comment(text: str) -> str:
    clean = " ".join(text.split())
    return f"# {_safe(clean)}" if clean else "#"


def _safe(text: str) -> str:
    """Replace what would end or break a comment."""
    return "".join(sign if sign.isprintable() else "?" for sign in text)


def _key(key: str, at: Path) -> str:
    if _PLAIN_KEY.fullmatch(key) and key.lower() not in _YAML_WORDS:
        return key
    return _quoted(key, at)


def _scalar(value: Any, at: Path) -> str:  # noqa: ANN401, PLR0911 -- one line per type
    if isinstance(value, str):
        return _quoted(value, at)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return _integer(value, at)
    if isinstance(value, float):
        return _float(value, at)
    if isinstance(value, Mapping):
        return "{}"
    if isinstance(value, (list, tuple)):
        return "[]"
    raise EmitError(at, f"{type(value).__name__} is not a type of YAML")


def _integer(value: int, at: Path) -> str:
    if abs(value) >= _EXACT_LIMIT:
        raise EmitError(at, "whole numbers from 2^53 on lose digits in Helm; make it text")
    return str(int(value))  # int(): an IntEnum would print its name


def _float(value: float, at: Path) -> str:
    if not math.isfinite(value):
        raise EmitError(at, f"{value} is not a number that JSON has")
    text = repr(float(value))
    if "e" not in text:
        return text
    # PyYAML only reads an exponent behind a point and a sign: 1e-07 would be text, 1.0e-07 is a number to everyone.
    mantissa, exponent = text.split("e")
    sign = exponent[0] if exponent[0] in "+-" else "+"
    return f"{mantissa if '.' in mantissa else mantissa + '.0'}e{sign}{exponent.lstrip('+-')}"


def _quoted(text: str, at: Path) -> str:
    if _SURROGATE.search(text):
        raise EmitError(at, "half a surrogate pair is not text")
    return _ESCAPED.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(text, ensure_ascii=False))
