"""A syntax error and what stands around it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from llmgen.problems.model import Problem, Span
from llmgen.source.lines import line_before

if TYPE_CHECKING:
    from yaml.error import Mark as YamlMark

    from llmgen.source.document import Source


class Quoted(NamedTuple):
    """The last scalar before the error if it was quoted: the quote, its first line and column, its last line."""

    quote: str
    line: int
    col: int
    end_line: int


class Trouble(NamedTuple):
    """A syntax error and its surroundings; ``at`` is where the parser stopped, ``since`` what it was reading."""

    what: str
    at: YamlMark
    since: YamlMark | None
    quoted: Quoted | None
    source: Source

    @property
    def line(self) -> str:
        """The source line at which the parser stopped, empty behind the end of the file."""
        return self.source.lines[self.at.line] if self.at.line < len(self.source.lines) else ""

    @property
    def sign(self) -> str:
        """The character at which the parser stopped."""
        return self.line[self.at.column : self.at.column + 1]

    def problem(
        self,
        id: str,  # noqa: A002 -- an id is what it is
        message: str,
        *,
        line: int | None = None,
        col: int | None = None,
        hint: str,
        width: int = 1,
    ) -> Problem:
        """Make a problem; ``line`` and ``col`` count from 0, and ``width`` 0 reaches to the end of the line."""
        line = self.at.line if line is None else line
        col = self.at.column if col is None else col
        if line >= len(self.source.lines) or not self.source.lines[line].strip():
            line, col = self._last_before(line)
        text = self.source.lines[line]
        end = len(text.rstrip()) if width == 0 else col + width
        span = Span(file=self.source.file, line=line + 1, col=col + 1, end_col=max(end, col + 1) + 1, text=text)
        return Problem(id=id, message=message, span=span, hint=hint)

    def _last_before(self, line: int) -> tuple[int, int]:
        """Return the end of the last text before ``line``: what is missing at the end of a file is missing there."""
        number = line_before(list(self.source.lines), min(line, len(self.source.lines))) or 0
        return number, max(len(self.source.lines[number].rstrip()) - 1, 0)
