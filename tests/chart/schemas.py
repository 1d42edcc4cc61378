"""Walking a schema, alone or along the values it describes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

Path = tuple[Any, ...]


def resolve(schema: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    """Return a node with what it refers to; its own keywords win."""
    if "$ref" not in node:
        return node
    target = resolve(schema, schema["$defs"][node["$ref"].removeprefix("#/$defs/")])
    return {**target, **node}


def steps(node: dict[str, Any], value: Any) -> Iterator[tuple[Any, dict[str, Any] | None]]:
    """Yield each child of a value with the node of the schema that describes it; None where nobody does."""
    properties = node.get("properties", {})
    if isinstance(value, dict):
        other = node.get("additionalProperties", True)
        for key in value:
            yield key, properties.get(key, other if isinstance(other, dict) else None)
    elif isinstance(value, list):
        for index in range(len(value)):
            yield index, node.get("items")


def walk(
    schema: dict[str, Any], node: dict[str, Any], value: Any, path: Path = ()
) -> Iterator[tuple[Path, dict[str, Any], Any]]:
    """Yield every value that the schema describes, with its path and its resolved node."""
    node = resolve(schema, node)
    yield path, node, value
    for key, child in steps(node, value):
        if child is not None:
            yield from walk(schema, child, value[key], (*path, key))


def described(schema: dict[str, Any], node: dict[str, Any], path: Path = ()) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yield every property that the schema declares, maps keyed by name as '*'."""
    node = resolve(schema, node)
    for key, child in node.get("properties", {}).items():
        yield (*path, key), resolve(schema, child)
        yield from described(schema, child, (*path, key))
    other = node.get("additionalProperties")
    if isinstance(other, dict):
        yield from described(schema, other, (*path, "*"))


def generic(schema: dict[str, Any], path: Path) -> Path:
    """Return a path with '*' in place of names."""
    node, result = schema, []
    for key in path:
        node = resolve(schema, node)
        named = key in node.get("properties", {})
        result.append(key if named else "*")
        node = (
            node["properties"][key] if named else node.get("items" if isinstance(key, int) else "additionalProperties")
        )
    return tuple(result)
