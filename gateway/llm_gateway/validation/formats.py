"""Structured output and tools: JSON Schemas from clients, checked before an engine compiles them."""

from __future__ import annotations

import re
from typing import Any

from llm_gateway.validation.problems import Invalid, wrong_type

_TYPES = frozenset({"string", "number", "integer", "boolean", "object", "array", "null"})
_SCHEMA_MAPS = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")
_SCHEMA_LISTS = ("anyOf", "allOf", "oneOf", "prefixItems")
_SCHEMAS = (
    "items",
    "additionalProperties",
    "not",
    "if",
    "then",
    "else",
    "contains",
    "propertyNames",
    "unevaluatedProperties",
)
_DEEPEST = 32
_MOST_NODES = 5000
"""Bounds on a schema: an engine turns each node into grammar states before the first token."""
_MOST_TOOLS = 128
_TOOL_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")


def check_response_format(value: dict[str, Any]) -> bool:
    """Check ``response_format``; return whether it asks for JSON. Raises Invalid."""
    kind = value.get("type")
    if kind == "text":
        return False
    if kind == "json_object":
        return True
    if kind == "json_schema":
        wrapper = value.get("json_schema")
        if type(wrapper) is not dict:
            raise wrong_type("response_format.json_schema", "a map")
        name = wrapper.get("name")
        if name is not None and (type(name) is not str or not _TOOL_NAME.fullmatch(name)):
            raise Invalid(
                "response_format.json_schema.name: letters, digits, _ . - only",
                param="response_format.json_schema.name",
            )
        if "schema" not in wrapper:
            raise Invalid(
                "response_format.json_schema.schema: is needed", param="response_format.json_schema.schema",
                code="missing_parameter",
            )  # fmt: skip
        check_schema("response_format.json_schema.schema", wrapper["schema"])
        return True
    if kind == "structural_tag":
        return False
    raise Invalid("response_format.type: must be one of text, json_object, json_schema", param="response_format.type")


def check_structured_outputs(value: dict[str, Any]) -> bool:
    """Check vLLM's ``structured_outputs``; return whether it asks for JSON. Raises Invalid."""
    kinds = [
        kind
        for kind in ("json", "regex", "choice", "grammar", "json_object", "structural_tag")
        if value.get(kind) is not None
    ]
    if len(kinds) != 1:
        raise Invalid("structured_outputs: exactly one kind of constraint is needed", param="structured_outputs")
    if kinds[0] == "json" and type(value["json"]) is dict:
        check_schema("structured_outputs.json", value["json"])
    return kinds[0] in ("json", "json_object")


def check_tools(tools: Any, choice: Any) -> int:  # noqa: ANN401 -- parsed JSON
    """Check ``tools`` and ``tool_choice``; return how many tools there are. Raises Invalid."""
    if type(tools) is not list:
        raise wrong_type("tools", "a list")
    if len(tools) > _MOST_TOOLS:
        raise Invalid(f"tools: more than {_MOST_TOOLS}", param="tools", code="too_long")
    names = [_tool(f"tools[{index}]", tool) for index, tool in enumerate(tools)]
    if type(choice) is dict:
        function = choice.get("function")
        wanted = function.get("name") if type(function) is dict else None
        if wanted not in names:
            raise Invalid("tool_choice: names no tool of this request", param="tool_choice")
    elif choice is not None and (type(choice) is not str or choice not in ("none", "auto", "required")):
        raise Invalid("tool_choice: must be none, auto, required or one function", param="tool_choice")
    return len(tools)


def _tool(param: str, tool: Any) -> str:  # noqa: ANN401 -- parsed JSON
    function = tool.get("function") if type(tool) is dict else None
    if type(function) is not dict or tool.get("type", "function") != "function":
        raise wrong_type(param, "a map with type function and a function")
    name = function.get("name")
    if type(name) is not str or not _TOOL_NAME.fullmatch(name):
        raise Invalid(f"{param}.function.name: 1 to 64 letters, digits, _ . -", param=f"{param}.function.name")
    if function.get("parameters") is not None:
        check_schema(f"{param}.function.parameters", function["parameters"])
    return name


def check_schema(param: str, schema: Any) -> None:  # noqa: ANN401 -- parsed JSON
    """Check that ``schema`` is a JSON Schema in form and of bearable size; raises Invalid."""
    nodes = 0
    stack: list[tuple[Any, int]] = [(schema, 0)]
    while stack:
        node, depth = stack.pop()
        nodes += 1
        if nodes > _MOST_NODES or depth > _DEEPEST:
            raise Invalid(f"{param}: the schema is too large or too deep", param=param, code="schema_too_large")
        if type(node) is bool and depth > 0:
            continue
        if type(node) is not dict:
            raise Invalid(f"{param}: not a JSON Schema", param=param, code="invalid_schema")
        stack.extend((inner, depth + 1) for inner in _inner(param, node))


def _inner(param: str, node: dict[str, Any]) -> list[Any]:
    kind = node.get("type")
    if kind is not None and not all(
        type(word) is str and word in _TYPES for word in (kind if type(kind) is list else [kind])
    ):
        raise Invalid(f"{param}: unknown `type` in the schema", param=param, code="invalid_schema")
    if "enum" in node and (type(node["enum"]) is not list or not node["enum"]):
        raise Invalid(f"{param}: `enum` must be a list that is not empty", param=param, code="invalid_schema")
    reference = node.get("$ref")
    if reference is not None and not (type(reference) is str and reference.startswith("#")):
        raise Invalid(f"{param}: `$ref` must point into the schema itself", param=param, code="invalid_schema")
    return _nested(param, node)


def _nested(param: str, node: dict[str, Any]) -> list[Any]:
    found: list[Any] = []
    for key in _SCHEMA_MAPS:
        if key in node:
            if type(node[key]) is not dict:
                raise Invalid(f"{param}: `{key}` must be a map", param=param, code="invalid_schema")
            found += node[key].values()
    for key in _SCHEMA_LISTS:
        if key in node:
            if type(node[key]) is not list:
                raise Invalid(f"{param}: `{key}` must be a list", param=param, code="invalid_schema")
            found += node[key]
    for key in _SCHEMAS:
        if key in node:
            inner = node[key]
            found += inner if type(inner) is list and key == "items" else [inner]
    return found
