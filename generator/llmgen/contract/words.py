"""JSON's types and values in plain words."""

from __future__ import annotations

import json
from typing import Any

_NAMES = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "object": "a map",
    "array": "a list",
    "null": "null",
}

_LONGEST = 60


def is_type(value: Any, name: str) -> bool:  # noqa: ANN401, PLR0911 -- one line per type
    """Say whether ``value`` has the JSON type ``name``; 1.0 is an integer, true is not a number."""
    if name == "string":
        return isinstance(value, str)
    if name == "object":
        return isinstance(value, dict)
    if name == "array":
        return isinstance(value, list)
    if name == "boolean":
        return isinstance(value, bool)
    if name == "null":
        return value is None
    if isinstance(value, bool):
        return False
    if name == "number":
        return isinstance(value, (int, float))
    return isinstance(value, int) or (isinstance(value, float) and value.is_integer())


def same(one: Any, two: Any) -> bool:  # noqa: ANN401 -- plain data
    """JSON equality: 1 equals 1.0, true does not equal 1."""
    if isinstance(one, bool) or isinstance(two, bool):
        return one is two
    if isinstance(one, dict) and isinstance(two, dict):
        return one.keys() == two.keys() and all(same(one[key], two[key]) for key in one)
    if isinstance(one, list) and isinstance(two, list):
        return len(one) == len(two) and all(map(same, one, two))
    return bool(one == two)


def expected(types: list[str]) -> str:
    """Return ``a whole number, text or null`` for the JSON types ``types``."""
    names = [_NAMES[name] for name in types if name != "integer" or "number" not in types]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"


def shown(value: Any) -> str:  # noqa: ANN401 -- plain data
    """Return a scalar as it reads in a list of allowed values."""
    return value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)


def quoted(value: Any) -> str:  # noqa: ANN401 -- plain data
    """Return ``value`` in single quotes, shortened."""
    text = shown(value)
    return f"'{text if len(text) <= _LONGEST else text[: _LONGEST - 1] + '…'}'"


def got(value: Any, written: str) -> str:  # noqa: ANN401 -- plain data
    """Return what ``value`` is, in words; ``written`` is how it stands in the file."""
    if value is None:
        return "nothing (null)"
    if isinstance(value, dict):
        return "a map" if value else "an empty map"
    if isinstance(value, list):
        return "a list" if value else "an empty list"
    if isinstance(value, str):
        return f"the text {json.dumps(value[:_LONGEST], ensure_ascii=False)}"
    return f"the number {written or shown(value)}" if not isinstance(value, bool) else shown(value)


def type_hint(types: list[str], value: Any, written: str) -> str | None:  # noqa: ANN401, PLR0911 -- one line per case
    """Return how to write ``value`` as one of ``types``, None where there is no simple way."""
    if isinstance(value, str) and value:
        bare = value.removeprefix("-")
        numeric = bare.replace(".", "", 1) if "number" in types else bare
        if ({"integer", "number"} & set(types) and numeric.isdecimal()) or (
            "boolean" in types and value in {"true", "false"}
        ):
            return f"remove the quotes: {value}"
        if "boolean" in types:
            return "write true or false"
        if "array" in types:
            return f"write it as a list: [{json.dumps(value, ensure_ascii=False)}]"
    if isinstance(value, (int, float)) and "string" in types:
        return f'put it in quotes: "{written or shown(value)}"'
    if isinstance(value, bool) and {"integer", "number"} & set(types):
        return "write digits"
    if isinstance(value, list) and "object" in types:
        return "write `name: …` entries instead of `- …` items"
    if isinstance(value, dict) and "array" in types:
        return "write `- …` items"
    if value is None and "object" in types:
        return "indent its keys below it, write {} for none, or remove the key"
    return None
