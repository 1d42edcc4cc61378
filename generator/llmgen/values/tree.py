"""Generated values with, for each, its reason and its inputs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from llmgen.plan.derivation import Derived, Origin, from_spec
from llmgen.problems import Path


class ValueTree:
    """Values in the order they are put, and the derivation of each leaf."""

    def __init__(self) -> None:
        """Start empty."""
        self.data: dict[str, Any] = {}
        self.derived: dict[Path, Derived] = {}

    def put(self, path: Path, derived: Derived) -> None:
        """Set ``path`` to a derived value; maps on the way are created."""
        here = self.data
        for step in path[:-1]:
            here = here.setdefault(str(step), {})
        here[str(path[-1])] = derived.value
        self.derived[path] = derived

    def copy(self, path: Path, value: object, origin: Path) -> None:
        """Set ``path`` to a value taken over from the spec path ``origin``."""
        self.put(path, Derived(value=value, because="", origins=(from_spec(*origin),)))

    def comments(self) -> Mapping[Path, str]:
        """Return the reasons worth a comment, by path: of numbers and choices, not of what was copied."""
        return {path: derived.because for path, derived in self.derived.items() if derived.because}

    def find(self, path: Path) -> Derived | None:
        """Return the derivation of ``path``, or of the leaf it lies inside (a flag inside a copied map)."""
        for length in range(len(path), 0, -1):
            found = self.derived.get(path[:length])
            if found is not None:
                return found
        return None

    def under(self, path: Path) -> Iterator[tuple[Path, Derived]]:
        """Go through every leaf at or below ``path``, in order."""
        for leaf, derived in self.derived.items():
            if leaf[: len(path)] == path:
                yield leaf, derived


__all__ = ["Derived", "Origin", "ValueTree"]
