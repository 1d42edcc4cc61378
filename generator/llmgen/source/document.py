"""A parsed file: plain data, and for each key and value where it stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from llmgen.problems.model import Path, Problem, Span

if TYPE_CHECKING:
    from collections.abc import Sequence


class Mark(NamedTuple):
    """A range in one file; lines and columns count from 0 as the parser counts them, the end is exclusive."""

    line: int
    col: int
    end_line: int
    end_col: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A file's name as the user gave it, and its lines without line ends."""

    file: str
    lines: Sequence[str] = ()


class Node:
    """Where one value stands, and its children by key or index: a tree parallel to the data.

    ``key`` is the range of the key that leads here (in ``key_source``), None for list items and the root. ``block``
    marks a collection over several lines, which is shown by its key. ``deleted`` holds keys that a merge patch removed.
    """

    __slots__ = ("block", "children", "deleted", "key", "key_source", "source", "value")

    def __init__(self, source: Source, value: Mark, *, block: bool = False) -> None:
        """Start without a key and without children."""
        self.source = source
        self.value = value
        self.block = block
        self.key: Mark | None = None
        self.key_source = source
        self.children: dict[str | int, Node] = {}
        self.deleted: dict[str, Span] = {}

    def key_span(self) -> Span:
        """Return the span of the key; of the value for a list item or the root."""
        return _span(self.source, self.value) if self.key is None else _span(self.key_source, self.key)

    def value_span(self) -> Span:
        """Return the span of the value; of the key for a collection over several lines."""
        return self.key_span() if self.block else _span(self.source, self.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """Plain data (dict, list, str, int, float, bool, None) with positions.

    ``suspects`` are paths whose value was refused while reading; later checks stay silent about them.
    """

    data: Any
    file: str
    root: Node | None = None
    suspects: frozenset[Path] = frozenset()

    @classmethod
    def from_data(cls, data: Any, file: str) -> Document:  # noqa: ANN401 -- any plain data
        """Wrap ``data`` that was computed, not read: every span is the whole of ``file``."""
        return cls(data=data, file=file)

    def get(self, path: Path) -> Any:  # noqa: ANN401 -- plain data of any shape
        """Return the value at ``path``; raises KeyError where there is none."""
        value = self.data
        for step in path:
            known = step in value if isinstance(value, dict) else isinstance(value, list) and step in range(len(value))
            if not known:
                raise KeyError(path)
            value = value[step]
        return value

    def has(self, path: Path) -> bool:
        """Say whether ``path`` exists."""
        try:
            self.get(path)
        except KeyError:
            return False
        return True

    def key_span(self, path: Path) -> Span:
        """Return where the key of ``path`` stands: the item itself for list items, else the nearest parent's key."""
        node = self._nearest(path)
        return Span(file=self.file) if node is None else node.key_span()

    def value_span(self, path: Path) -> Span:
        """Return where the value of ``path`` stands.

        A collection over several lines is shown by its key; a path that does not exist by its nearest parent.
        """
        node = self._nearest(path)
        return Span(file=self.file) if node is None else node.value_span()

    def deletion_span(self, path: Path) -> Span | None:
        """Return the line of the merge patch that removed ``path``, None if none did."""
        node = self._nearest(path[:-1])
        return node.deleted.get(str(path[-1])) if node is not None and path else None

    def last_deletion(self, path: Path) -> Span | None:
        """Return the line of the merge patch that last removed something from the map at ``path``, None if none did."""
        node = self._nearest(path)
        return next(reversed(node.deleted.values()), None) if node is not None else None

    def _nearest(self, path: Path) -> Node | None:
        node = self.root
        for step in path:
            if node is None or step not in node.children:
                break
            node = node.children[step]
        return node


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What came out of reading a file: the document unless its structure is broken, and every problem found."""

    document: Document | None
    problems: tuple[Problem, ...] = ()


def _span(source: Source, mark: Mark) -> Span:
    text = source.lines[mark.line] if mark.line < len(source.lines) else ""
    end = mark.end_col if mark.end_line == mark.line else len(text.rstrip())
    return Span(file=source.file, line=mark.line + 1, col=mark.col + 1, end_col=max(end, mark.col + 1) + 1, text=text)
