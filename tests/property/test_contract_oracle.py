"""Our checker against python-jsonschema: both accept exactly the same documents."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from llmgen.contract import check, load_schema
from llmgen.source import Document

KEYS = st.sampled_from(["a", "b", "kind", "x-1"])
SCALARS = st.sampled_from([None, True, False, 0, 1, 2, 7, 1.0, 2.5, -1, "", "a", "b", "abc", "4", "x-1"])
DOCUMENTS = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=10,
)
TYPES = st.sampled_from(["string", "integer", "number", "boolean", "object", "array", "null"])


def _schemas(inner: st.SearchStrategy) -> st.SearchStrategy:
    few = st.lists(inner, min_size=1, max_size=3)
    size = st.integers(0, 3)
    number = st.sampled_from([0, 1, 2, 2.5])
    pattern = st.sampled_from(["^a", "b$", "^[a-z0-9-]+$", "c"])
    keywords = {
        "type": TYPES | st.lists(TYPES, min_size=1, max_size=3, unique=True),
        "enum": st.lists(DOCUMENTS, min_size=1, max_size=3),
        "const": DOCUMENTS,
        "minimum": number, "maximum": number, "exclusiveMinimum": number, "exclusiveMaximum": number,
        "multipleOf": st.sampled_from([1, 2, 0.5]),
        "minLength": size, "maxLength": size, "minItems": size, "maxItems": size,
        "minProperties": size, "maxProperties": size,
        "pattern": pattern,
        "uniqueItems": st.booleans(),
        "items": inner,
        "properties": st.dictionaries(KEYS, inner, max_size=3),
        "patternProperties": st.dictionaries(pattern, inner, max_size=2),
        "additionalProperties": inner,
        "propertyNames": inner,
        "required": st.lists(KEYS, max_size=2, unique=True),
        "dependentRequired": st.dictionaries(KEYS, st.lists(KEYS, max_size=2, unique=True), max_size=2),
        "dependentSchemas": st.dictionaries(KEYS, inner, max_size=2),
        "allOf": few, "anyOf": few, "oneOf": few,
        "not": inner, "if": inner, "then": inner, "else": inner,
        "$ref": st.sampled_from(["#/$defs/one", "#/$defs/two"]),
    }  # fmt: skip
    return st.lists(st.sampled_from(sorted(keywords)), max_size=3, unique=True).flatmap(
        lambda names: st.fixed_dictionaries({name: keywords[name] for name in names}),
    )


SCHEMAS = st.recursive(st.booleans() | st.fixed_dictionaries({"type": TYPES}), _schemas, max_leaves=8)


@settings(max_examples=1500, deadline=None)
@given(SCHEMAS, SCHEMAS, DOCUMENTS)
@example({"enum": [1]}, True, True)
@example({"const": {"a": [1, True]}}, True, {"a": [1.0, 1]})
@example({"uniqueItems": True}, True, [1, True, "1"])
@example({"oneOf": [{"required": ["a"]}, {"required": ["b"]}]}, True, {"a": 1, "b": 1})
@example({"type": "integer", "multipleOf": 0.5}, True, 1.0)
def test_same_verdict(schema: Any, definition: Any, data: Any) -> None:
    whole = {"allOf": [schema], "$defs": {"one": definition, "two": {"type": ["object", "integer"]}}}
    if "#/$defs/one" in str(definition):
        whole["$defs"]["one"] = True  # a definition that is itself has no meaning in either
    wanted = jsonschema.Draft202012Validator(whole).is_valid(data)
    problems = check(Document.from_data(data, "f"), whole)
    assert (problems == []) == wanted, problems


@pytest.mark.parametrize("name", ["serving-spec", "values"])
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_same_verdict_on_our_schemas(name: str, data: st.DataObject) -> None:
    schema = load_schema(name)
    part = data.draw(st.sampled_from(sorted(schema["$defs"])))
    one = _valid_ish(schema, {"$ref": f"#/$defs/{part}"}, data, 0)
    local = {"$ref": f"#/$defs/{part}", "$defs": schema["$defs"]}
    wanted = jsonschema.Draft202012Validator(local).is_valid(one)
    problems = check(Document.from_data(one, "f"), local)
    assert (problems == []) == wanted, problems


def _valid_ish(root: Any, schema: Any, data: st.DataObject, depth: int) -> Any:  # noqa: PLR0911 -- one per keyword
    """Draw a document that is near to ``schema``: mostly right, sometimes not."""
    if not isinstance(schema, dict) or depth > 6:
        return data.draw(SCALARS)
    if "$ref" in schema:
        return _valid_ish(root, root["$defs"][schema["$ref"].rsplit("/", 1)[1]], data, depth + 1)
    if data.draw(st.integers(0, 19)) == 7:
        return data.draw(DOCUMENTS)
    for branches in ("oneOf", "anyOf"):
        if branches in schema:
            return _valid_ish(root, data.draw(st.sampled_from(schema[branches])), data, depth + 1)
    choices = [schema["const"]] if "const" in schema else schema.get("enum", schema.get("examples"))
    if "properties" in schema or schema.get("type") == "object":
        return _valid_ish_map(root, schema, data, depth)
    if schema.get("type") == "array":
        count = data.draw(st.integers(0, 2))
        return [_valid_ish(root, schema.get("items", True), data, depth + 1) for _ in range(count)]
    return data.draw(st.sampled_from(choices) if choices else SCALARS)


def _valid_ish_map(root: Any, schema: Any, data: st.DataObject, depth: int) -> dict[str, Any]:
    result = {
        key: _valid_ish(root, inner, data, depth + 1)
        for key, inner in schema.get("properties", {}).items()
        if key in schema.get("required", []) or data.draw(st.booleans())
    }
    if isinstance(schema.get("additionalProperties"), dict):
        result["some-name"] = _valid_ish(root, schema["additionalProperties"], data, depth + 1)
    return result
