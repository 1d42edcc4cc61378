"""The dataclasses of the spec and the schema have the same fields, all the way down."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from tests.contract.spec_schema import SCHEMA, resolve

from llmgen.spec import REVISION_KEYS, Spec
from llmgen.spec.build import camel
from llmgen.spec.model import Revision

NOT_KEPT = {
    "": {"apiVersion", "kind", "environments"},
    "models.*": set(REVISION_KEYS),
}
"""Keys without a field: constants, patches that are applied, and what each revision holds instead of its model."""


def _record(hint: Any) -> type[Any] | None:
    """Return the dataclass inside ``hint``, through optional and containers."""
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return hint
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return next((found for argument in typing.get_args(hint) if (found := _record(argument)) is not None), None)
    if typing.get_origin(hint) is Mapping:
        return _record(typing.get_args(hint)[1])
    return None


def _pairs(cls: type[Any], schema: Mapping[str, Any], place: str) -> Iterator[tuple[str, type[Any], Mapping[str, Any]]]:
    """Go through every dataclass with the schema of the map it is built from."""
    described = resolve(schema)
    described = next((branch for branch in described.get("oneOf", ()) if branch.get("properties")), described)
    yield place, cls, described
    hints = typing.get_type_hints(cls)
    for field in dataclasses.fields(cls):
        inner = _record(hints[field.name])
        key = field.metadata.get("key", camel(field.name))
        if inner is None or key not in described["properties"]:
            continue
        below = resolve(described["properties"][key])
        is_map = not below.get("properties") and isinstance(below.get("additionalProperties"), Mapping)
        where = f"{place}.{key}".strip(".")
        if inner is Revision:
            yield from _pairs(inner, SCHEMA["$defs"]["revision"], f"{where}.*")
        elif is_map:
            yield from _pairs(inner, below["additionalProperties"], f"{where}.*")
        else:
            yield from _pairs(inner, below, where)


PAIRS = list(_pairs(Spec, SCHEMA, ""))


@pytest.mark.parametrize(("place", "cls", "schema"), PAIRS, ids=[place or "top level" for place, _, _ in PAIRS])
def test_fields_are_the_properties(place: str, cls: type[Any], schema: Mapping[str, Any]) -> None:
    fields = {field.metadata.get("key", camel(field.name)) for field in dataclasses.fields(cls)}
    assert fields == set(schema["properties"]) - NOT_KEPT.get(place, set())


@pytest.mark.parametrize(("place", "cls", "schema"), PAIRS, ids=[place or "top level" for place, _, _ in PAIRS])
def test_only_what_may_be_absent_is_optional(place: str, cls: type[Any], schema: Mapping[str, Any]) -> None:
    """A field may be None exactly where the schema gives no value: not required, no default, not a map of defaults."""
    del place
    hints = typing.get_type_hints(cls)
    for field in dataclasses.fields(cls):
        key = field.metadata.get("key", camel(field.name))
        described = resolve(schema["properties"][key])
        optional = type(None) in typing.get_args(hints[field.name])
        implied = (
            bool(described.get("properties")) and not described.get("required") and not described.get("minProperties")
        )
        filled = key in schema.get("required", ()) or "default" in described or implied
        resolved = key in {"tracks", "stable"}
        assert optional != (filled or resolved), f"{cls.__name__}.{field.name}"


def test_the_walk_reaches_the_bottom() -> None:
    places = {place for place, _, _ in PAIRS}
    assert {
        "models.*.revisions.*.scaling.warm.*",
        "tenants.*.keys.*.secret",
        "gateway.limitStore.password",
        "cluster.storage.*.local",
    } <= places
