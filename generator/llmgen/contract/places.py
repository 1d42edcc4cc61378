"""Where in a schema each key belongs, to say so when it stands elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from llmgen.problems.guess import did_you_mean, squashed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from llmgen.problems.model import Path

Place: TypeAlias = tuple[str, ...]
"""Path of a map in the schema; ``*`` stands for any name and ``[]`` for any item."""

_DEEPEST = 12


class Places:
    """Every key of a schema with the maps that know it."""

    def __init__(self, schema: Mapping[str, Any], resolve: Callable[[str], Any]) -> None:
        """Walk ``schema``; ``resolve`` follows a ``$ref``."""
        self._resolve = resolve
        self._maps: dict[str, list[tuple[str, Place]]] = {}
        self._walk(schema, (), ())

    def hint(self, key: str, path: Path, known: Iterable[str]) -> str | None:
        """Return what was meant by ``key``, which is not among the ``known`` keys of the map at ``path``."""
        known = list(known)
        wanted = squashed(key)
        if all(squashed(name) != wanted for name in known):
            elsewhere = self._elsewhere(wanted, path)
            if elsewhere:
                return elsewhere
        guess = did_you_mean(key, known)
        return f"did you mean '{guess}'?" if guess else None

    def _elsewhere(self, wanted: str, path: Path) -> str | None:
        found = [(name, place) for name, place in self._maps.get(wanted, []) if not _fits(place, path)]
        if not found:
            return None
        name, place = min(found, key=lambda entry: (_distance(entry[1], path), len(entry[1]), entry[1]))
        shared = _shared(place, path)
        if shared == len(path) and len(place) > shared:
            return f"'{name}' belongs under '{_written(place[shared:])}'"
        return f"'{name}' belongs under '{_written(place)}'" if place else f"'{name}' belongs at the top level"

    def _walk(self, schema: Any, place: Place, refs: tuple[str, ...]) -> None:  # noqa: ANN401 -- a schema may be true
        if not isinstance(schema, dict) or len(place) > _DEEPEST:
            return
        reference = schema.get("$ref")
        if isinstance(reference, str) and reference not in refs:
            self._walk(self._resolve(reference), place, (*refs, reference))
        for name, inner in schema.get("properties", {}).items():
            entries = self._maps.setdefault(squashed(name), [])
            if (name, place) not in entries:
                entries.append((name, place))
            self._walk(inner, (*place, name), refs)
        for keyword in ("allOf", "anyOf", "oneOf"):
            for branch in schema.get(keyword, []):
                self._walk(branch, place, refs)
        for keyword in ("then", "else"):
            self._walk(schema.get(keyword), place, refs)
        self._walk(schema.get("additionalProperties"), (*place, "*"), refs)
        for inner in schema.get("patternProperties", {}).values():
            self._walk(inner, (*place, "*"), refs)
        self._walk(schema.get("items"), (*place, "[]"), refs)


def _fits(place: Place, path: Path) -> bool:
    return len(place) == len(path) == _shared(place, path)


def _shared(place: Place, path: Path) -> int:
    shared = 0
    for expected, step in zip(place, path, strict=False):
        if expected not in {step, "*"} and not (expected == "[]" and isinstance(step, int)):
            break
        shared += 1
    return shared


def _distance(place: Place, path: Path) -> int:
    shared = _shared(place, path)
    return len(place) + len(path) - 2 * shared


def _written(place: Place) -> str:
    return ".".join("<name>" if step == "*" else step for step in place).replace(".[]", "[]")
