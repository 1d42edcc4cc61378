"""Lists of module names as quantization tools write them, matched against the modules of a layer."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class Patterns:
    """Module names as quantization tools write them: exact, parents, ``re:``, globs, bare components."""

    exact: frozenset[str] = frozenset()
    components: tuple[str, ...] = ()
    pattern: re.Pattern[str] | None = None

    @classmethod
    def of(cls, entries: Iterable[str]) -> Patterns:
        """Split ``entries`` by kind once, so that a match costs a few set look-ups."""
        exact: set[str] = set()
        components: list[str] = []
        expressions: list[str] = []
        for entry in entries:
            if entry.startswith("re:"):
                expressions.append(entry[3:])
            elif "*" in entry:
                tail = entry[entry.index("layers.") :] if "layers." in entry else entry
                expressions.append("(?:.*\\.)?" + fnmatch.translate(tail))
            elif "layers." in entry:
                exact.add(entry[entry.index("layers.") :])
            else:
                components.append(entry.removeprefix("model."))
        return cls(frozenset(exact), tuple(components), _union(tuple(expressions)))

    @property
    def by_layer(self) -> bool:
        """Whether the answer may differ between layers."""
        return bool(self.exact) or (self.pattern is not None and re.search(r"\d", self.pattern.pattern) is not None)

    def match(self, name: str) -> bool:
        """Whether ``name`` (``layers.3.mlp.gate_proj`` or ``lm_head``) or one of its parents is listed."""
        return any(self._match(spelling) for spelling in _spellings(name))

    def _match(self, name: str) -> bool:
        parts = name.split(".")
        if self.exact and any(".".join(parts[:end]) in self.exact for end in range(2, len(parts) + 1)):
            return True
        dotted = f".{name}."
        if any(f".{component}." in dotted for component in self.components):
            return True
        if self.pattern is None:
            return False
        return self.pattern.match(name) is not None or self.pattern.match(f"model.{name}") is not None


@lru_cache(maxsize=64)
def _union(expressions: tuple[str, ...]) -> re.Pattern[str] | None:
    usable = []
    for expression in expressions:
        try:
            re.compile(expression)
        except re.error:
            continue
        usable.append(f"(?:{expression})")
    return re.compile("|".join(usable)) if usable else None


def _spellings(name: str) -> tuple[str, ...]:
    if ".mlp." not in name:
        return (name,)
    return (name, name.replace(".mlp.", ".block_sparse_moe."), name.replace(".mlp.", ".feed_forward."))
