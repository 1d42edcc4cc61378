"""The state of one check: where we are, what was found."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeAlias

from llmgen.problems.model import Path, Problem, Related

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from llmgen.contract.places import Places
    from llmgen.source.document import Document

    Check: TypeAlias = Callable[[Any, "Run"], None]


class Run:
    """One pass over a document; ``path`` is where the value that is being checked stands."""

    __slots__ = ("because", "document", "path", "places", "problems", "suspects")

    def __init__(self, document: Document, places: Callable[[], Places], path: Path = ()) -> None:
        """Start at ``path``; ``places`` is only called once a key is unknown."""
        self.document = document
        self.places = places
        self.path: list[str | int] = list(path)
        self.problems: list[Problem] = []
        self.suspects = document.suspects
        self.because = ""

    def report(
        self,
        id: str,  # noqa: A002 -- an id is what it is
        message: str,
        *,
        key: str | int | None = None,
        at_key: bool = False,
        allowed: tuple[str, ...] = (),
        hint: str | None = None,
        related: tuple[Related, ...] = (),
        emptied: bool = False,
    ) -> None:
        """Add a problem with the value here, or with the entry ``key`` in it; ``at_key`` points at keys.

        ``emptied``: the problem is that nothing is left, so the line of a patch that deleted something is to blame.
        """
        path = tuple(self.path) if key is None else (*self.path, key)
        span = self.document.key_span(path) if at_key else self.document.value_span(path)
        span = (emptied and self.document.last_deletion(path)) or span
        self.problems.append(
            Problem(
                id=id,
                message=message + self.because,
                path=path,
                span=span,
                allowed=allowed,
                hint=hint,
                related=related,
            ),
        )

    def report_missing(self, key: str, required: list[str], hint: str | None) -> None:
        """Report that ``key`` is missing here: at the line that deleted it, else at the key of the map."""
        deleted = self.document.deletion_span((*self.path, key))
        where = self.document.key_span(tuple(self.path)) if deleted is None else deleted
        message = (
            f"the key '{key}' is missing" if deleted is None else f"the key '{key}' is required and set to null here"
        )
        self.problems.append(
            Problem(
                id="LLM102",
                message=message + self.because,
                path=(*self.path, key) if deleted is not None else tuple(self.path),
                span=where,
                hint=hint or f"required here: {', '.join(required)}",
            ),
        )

    def attempt(self, check: Check, value: Any) -> list[Problem]:  # noqa: ANN401 -- plain data
        """Run ``check`` on the value here and return its problems without keeping them."""
        kept, self.problems = self.problems, []
        try:
            check(value, self)
            return self.problems
        finally:
            self.problems = kept

    @contextmanager
    def reason(self, text: str) -> Iterator[None]:
        """Add ``text`` to every message meanwhile, such as `` when kind is 'pvc'``."""
        kept, self.because = self.because, text or self.because
        try:
            yield
        finally:
            self.because = kept

    def text_here(self) -> str:
        """Return the value here as it stands in the file, "" where unknown."""
        span = self.document.value_span(tuple(self.path))
        return span.text[span.col - 1 : span.end_col - 1] if span.line else ""
