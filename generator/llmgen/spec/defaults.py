"""The defaults of a schema, filled into plain data. The schema is their only home."""

from __future__ import annotations

import copy
import functools
from collections.abc import Mapping
from typing import Any

Schema = Mapping[str, Any]


def fill(data: Mapping[str, Any], schema: Schema, root: Schema | None = None) -> dict[str, Any]:
    """Return a copy of ``data`` with every absent property that has a default set to it.

    A closed object without required keys is created where it is absent, so that its own defaults exist; an object with
    required keys (``create``, ``prometheus``) stays absent, because leaving it out means something.
    """
    return _Filler(root or schema).filled(data, schema)


class _Filler:
    def __init__(self, root: Schema) -> None:
        self._root = root

    def filled(self, data: Mapping[str, Any], schema: Schema) -> dict[str, Any]:
        schema = self._resolve(schema)
        properties: Mapping[str, Schema] = schema.get("properties", {})
        others = schema.get("additionalProperties")
        filled: dict[str, Any] = {}
        for key, value in data.items():
            if (inner := properties.get(key)) is not None:
                filled[key] = self._value(value, inner)
            else:
                filled[key] = self._value(value, others) if isinstance(others, Mapping) else value
        for key, inner in properties.items():
            if key not in filled:
                self._absent(filled, key, inner)
        return filled

    def _absent(self, filled: dict[str, Any], key: str, schema: Schema) -> None:
        resolved = self._resolve(schema)
        if "default" in resolved:
            value = copy.deepcopy(resolved["default"])
            filled[key] = self._value(value, resolved)
        elif _implied(resolved):
            filled[key] = self.filled({}, resolved)

    def _value(self, value: object, schema: Schema) -> Any:  # noqa: ANN401 -- plain data of any shape
        if not isinstance(value, Mapping):
            return value
        resolved = self._resolve(schema)
        for branch in resolved.get("oneOf", ()):
            if branch.get("type") == "object":
                return self.filled(value, branch)
        return self.filled(value, resolved)

    def _resolve(self, schema: Schema) -> Schema:
        """Follow ``$ref``; keywords beside it (description, default) win over the target's."""
        reference = schema.get("$ref")
        if reference is None:
            return schema
        return _merged(_Key(self._root, schema))


class _Key:
    """Identity of a schema inside its root, so that resolving is done once each."""

    __slots__ = ("root", "schema")

    def __init__(self, root: Schema, schema: Schema) -> None:
        self.root, self.schema = root, schema

    def __hash__(self) -> int:
        return id(self.schema)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and other.schema is self.schema


@functools.lru_cache(maxsize=4096)
def _merged(key: _Key) -> Schema:
    schema, target = key.schema, key.root
    while (reference := schema.get("$ref")) is not None:
        target = key.root
        for step in reference.removeprefix("#/").split("/"):
            target = target[step.replace("~1", "/").replace("~0", "~")]
        schema = {**target, **{name: value for name, value in schema.items() if name != "$ref"}}
    return schema


def _implied(schema: Schema) -> bool:
    return (
        schema.get("type") == "object"
        and schema.get("additionalProperties") is False
        and not schema.get("required")
        and not schema.get("minProperties")
        and "oneOf" not in schema
    )
