"""A bundled schema as sections: one per map, with the entries it may hold."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Schema = Mapping[str, Any]
Place = tuple[str, ...]

_TYPES = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "object": "map",
    "array": "list",
}
_ANYTHING = 5
"""From so many allowed types on, naming them says less than "any value"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One key of a section. ``schema`` has its references resolved; ``section`` is where its own keys are described."""

    place: Place
    schema: Schema
    required: bool
    section: str | None

    @property
    def key(self) -> str:
        """The key itself."""
        return self.place[-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One map: where it stands, or the name of a shape that several places share."""

    place: Place
    title: str
    schema: Schema
    entries: tuple[Entry, ...]
    shared: bool = False


class Contract:
    """The sections of one schema, in its order; shapes that several places use come last, once each."""

    def __init__(self, schema: Schema) -> None:
        """Read ``schema``, a self-contained bundle."""
        self._root = schema
        self._uses = Counter(_reachable(schema))
        self._pending: list[str] = []

    def sections(self) -> list[Section]:
        """Return every section."""
        found = list(self._walk((), self._root))
        done: set[str] = set()
        while names := [name for name in dict.fromkeys(self._pending) if name not in done]:
            for name in names:
                done.add(name)
                found += self._walk((name,), self._root["$defs"][name], shared=True)
        return found

    def resolve(self, schema: Schema) -> Schema:
        """Follow a reference; keywords beside it win over the target's."""
        name = _definition(schema)
        if name is None:
            return schema
        beside = {key: value for key, value in schema.items() if key != "$ref"}
        return {**self.resolve(self._root["$defs"][name]), **beside}

    def _walk(self, place: Place, schema: Schema, *, shared: bool = False) -> Iterator[Section]:
        """Yield the section of the map ``schema`` and those below it."""
        described = _as_map(self.resolve(schema))
        nested: list[tuple[Place, Schema]] = []
        entries = []
        for key, inner in described.get("properties", {}).items():
            where = (*place, key)
            title, below = self._below(where, inner)
            entries.append(
                Entry(
                    place=where,
                    schema=self.resolve(inner),
                    required=key in described.get("required", ()),
                    section=title,
                )
            )
            nested += below
        yield Section(
            place=place, title=_title(place, shared=shared), schema=described, entries=tuple(entries), shared=shared
        )
        for where, inner in nested:
            yield from self._walk(where, inner)

    def _below(self, place: Place, schema: Schema) -> tuple[str | None, list[tuple[Place, Schema]]]:
        """Return the title of the section that describes what is inside ``place``, and what has to be walked for it."""
        name = _definition(schema)
        described = _as_map(self.resolve(schema))
        if described.get("properties"):
            if name is not None and self._uses[name] > 1:
                self._pending.append(name)
                return _title((name,), shared=True), []
            return _title(place, shared=False), [(place, schema)]
        others = described.get("additionalProperties")
        return self._below((*place, "<name>"), others) if isinstance(others, Mapping) else (None, [])


def type_words(contract: Contract, schema: Schema) -> str:
    """Return type, bounds and unit in plain words: ``whole number, 1 to 64 GPUs``."""
    if "oneOf" in schema and "properties" not in schema:
        return " or ".join(type_words(contract, contract.resolve(branch)) for branch in schema["oneOf"])
    if "const" in schema:
        return _code(schema["const"])
    if "enum" in schema:
        return "one of " + ", ".join(_code(value) for value in schema["enum"])
    if "$ref" not in schema and not schema.get("type"):
        return "as above"
    types = [schema["type"]] if isinstance(schema["type"], str) else list(schema["type"])
    if len(types) >= _ANYTHING:
        return "any value"
    words = " or ".join(_TYPES[name] for name in types if name != "null")
    others, items = schema.get("additionalProperties"), schema.get("items")
    if isinstance(others, Mapping) and types[0] == "object" and not schema.get("properties"):
        words = f"map of {_plural(contract, others)}"
    elif isinstance(items, Mapping) and "array" in types:
        words = f"list of {_plural(contract, items)}"
    if "null" in types:
        words += " or null"
    hint = re.sub(r"\s*\(.*\)$", "", str(schema.get("x-patternHint", "")))
    return ", ".join(part for part in (words, bounds(schema), hint) if part)


def bounds(schema: Schema) -> str:
    """Return the numeric bounds with the unit: ``1 to 64 GPUs``, ``at least 0``, ``share``."""
    unit = schema.get("x-unit", "")
    low, high = schema.get("minimum"), schema.get("maximum")
    if "exclusiveMinimum" in schema:
        low = f"more than {_number(schema['exclusiveMinimum'])}"
        text = f"{low} and at most {_number(high)}" if high is not None else low
    elif low is not None and high is not None:
        text = f"{_number(low)} to {_number(high)}"
    elif low is not None:
        text = f"at least {_number(low)}"
    else:
        text = "" if high is None else f"at most {_number(high)}"
    if unit and text and unit.split()[0] in {"share", "percent", "currency"}:
        return f"{text} ({unit})"
    return f"{text} {unit}" if text and unit else text or (f"in {unit}" if unit else "")


def shown(value: object) -> str:
    """Return a default or an example as YAML that fits a line."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False) if _needs_quotes(value) else value
    return json.dumps(value, ensure_ascii=False) if value not in ({}, []) else str(value)


def _needs_quotes(text: str) -> bool:
    import yaml  # noqa: PLC0415 -- only to ask

    try:
        return bool(yaml.safe_load(text) != text)
    except yaml.YAMLError:
        return True


def _plural(contract: Contract, schema: Schema) -> str:
    inner = {key: value for key, value in contract.resolve(schema).items() if key != "x-patternHint"}
    words = type_words(contract, inner)
    for one, many in (
        ("any value", "any values"),
        ("whole number", "whole numbers"),
        ("number", "numbers"),
        ("map of", "maps of"),
        ("map", "maps"),
        ("text", "texts"),
    ):
        if words.startswith(one):
            return many + words.removeprefix(one)
    return words


def _number(value: Any) -> str:  # noqa: ANN401 -- int, float or words
    return f"{value:,}".replace(",", " ") if isinstance(value, int) and value >= 10_000 else str(value)  # noqa: PLR2004 -- five digits


def _code(value: object) -> str:
    return f"`{json.dumps(value) if not isinstance(value, str) or not value else value}`"


def _title(place: Place, *, shared: bool) -> str:
    if shared:
        return f"Shape: {place[0]}"
    return ".".join(place)


def _as_map(schema: Schema) -> Schema:
    """Return the branch of ``schema`` that is a map with keys of its own, where it has branches."""
    if "properties" in schema:
        return schema
    maps = [branch for branch in schema.get("oneOf", ()) if branch.get("properties")]
    return {**maps[0], "description": schema.get("description", "")} if maps else schema


def _definition(schema: Schema) -> str | None:
    reference = schema.get("$ref")
    return reference.removeprefix("#/$defs/") if isinstance(reference, str) else None


def _reachable(schema: Schema) -> Iterator[str]:
    """Go through the definitions that are used, as often as they are; what is inside one counts once."""
    pending: list[Any] = [{key: value for key, value in schema.items() if key != "$defs"}]
    seen: set[str] = set()
    while pending:
        part = pending.pop()
        if isinstance(part, list):
            pending += part
        elif isinstance(part, Mapping):
            name = _definition(part)
            if name is not None:
                yield name
                if name not in seen:
                    seen.add(name)
                    pending.append(schema["$defs"][name])
            pending += part.values()
