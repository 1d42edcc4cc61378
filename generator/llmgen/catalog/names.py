"""What a lookup raises when the catalogue has no such entry."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


_SHOWN = 30
"""Known names that a message lists; the rest is in `llmgen catalog`."""


class UnknownName(KeyError):  # noqa: N818 -- it is a KeyError to callers, and reads as one
    """A name that no catalogue holds.

    ``kind`` of thing, ``name`` as given, ``near`` misses (best first), and all ``known`` names.
    """

    def __init__(self, kind: str, name: str, known: Iterable[str], near: Iterable[str] | None = None) -> None:
        self.kind = kind
        self.name = name
        self.known = tuple(known)
        self.near = tuple(near_misses(name, self.known) if near is None else near)
        super().__init__(name)

    def __str__(self) -> str:
        """Say what is unknown, with near misses or else all known names."""
        more = f" and {len(self.known) - _SHOWN} more" if len(self.known) > _SHOWN else ""
        known = f"{', '.join(self.known[:_SHOWN])}{more}"
        hint = f"; did you mean {' or '.join(self.near)}?" if self.near else f"; known: {known}"
        return f"unknown {self.kind} {self.name!r}{hint}"


def near_misses(name: str, known: Iterable[str], limit: int = 3) -> list[str]:
    """Up to ``limit`` of the ``known`` names that look like ``name``, or else contain it, best first; case is ignored."""
    from difflib import get_close_matches  # noqa: PLC0415 -- only after an error

    folded: dict[str, str] = {}
    for candidate in known:
        folded.setdefault(candidate.casefold(), candidate)
    wanted = name.casefold()
    close = get_close_matches(wanted, folded, n=limit, cutoff=0.6)
    return [folded[match] for match in close or [text for text in folded if wanted and wanted in text][:limit]]
