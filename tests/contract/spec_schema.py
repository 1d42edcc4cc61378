"""The serving-spec schema as a flat list of its properties, for the tests beside this file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from llmgen.contract import load_schema

SCHEMA: Mapping[str, Any] = load_schema("serving-spec")
PATCHES = ("environments", "revisions")
"""Maps whose entries are merge patches: their keys are described where they are patched."""


@dataclass(frozen=True)
class Property:
    """One property: ``place`` has ``*`` for a name that people choose, ``parent`` is the map it stands in."""

    place: tuple[str, ...]
    schema: Mapping[str, Any]
    parent: Mapping[str, Any]

    @property
    def dotted(self) -> str:
        return ".".join(self.place)

    @property
    def required(self) -> bool:
        """Whether it must be written, alone or as one of several."""
        one_of = {key for branch in self.parent.get("oneOf", ()) for key in branch.get("required", ())}
        only_one = self.parent.get("minProperties") == self.parent.get("maxProperties") == 1
        return self.place[-1] in self.parent.get("required", ()) or self.place[-1] in one_of or only_one

    @property
    def types(self) -> set[str]:
        kinds = self.schema.get("type", "string" if {"enum", "const"} & self.schema.keys() else "object")
        return {kinds} if isinstance(kinds, str) else set(kinds)


def resolve(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    if "$ref" not in schema:
        return schema
    target = SCHEMA["$defs"][schema["$ref"].removeprefix("#/$defs/")]
    return {**resolve(target), **{key: value for key, value in schema.items() if key != "$ref"}}


def properties(schema: Mapping[str, Any] = SCHEMA, place: tuple[str, ...] = ()) -> Iterator[Property]:
    """Go through every property, outer ones first."""
    found = resolve(schema)
    for branch in (found, *found.get("oneOf", ())):
        for key, raw in branch.get("properties", {}).items():
            inner = resolve(raw)
            yield Property((*place, key), inner, branch)
            if key not in PATCHES:
                yield from properties(inner, (*place, key))
        others = branch.get("additionalProperties")
        if isinstance(others, Mapping):
            yield from properties(others, (*place, "*"))


PROPERTIES = list(properties())
