"""A text that must not be printed."""

from __future__ import annotations


class Secret:
    """Holds a password or key; only `reveal` gives it away, so that no log, repr or traceback does by accident."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself."""
        return self._text

    def __repr__(self) -> str:
        """Stars."""
        return "***"

    def __eq__(self, other: object) -> bool:
        """Whether both hold the same text."""
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        """As the text's."""
        return hash(self._text)
