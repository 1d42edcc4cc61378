"""Whether a value fits a JSON Schema, as far as that can be told quickly and safely.

A keyword that is not looked at is taken as met, so "no" is always right and "yes" means that nothing was found. Regular expressions of
clients are never run, and ``oneOf`` is read as ``anyOf``. Siblings of ``$ref`` are ignored, as the drafts up to 7 do.
"""

from __future__ import annotations

from collections.abc import Callable, Sized
from operator import ge, gt, le, lt
from typing import Any, cast
from urllib.parse import unquote

MOST_STEPS = 2000  # schemas applied to values: some milliseconds of the event loop
DEEPEST = 64

Schema = dict[str, Any]


class UndecidedError(Exception):
    """There is no answer: the bounds are reached, or the schema is none where nobody has looked yet, as behind a ``$ref``."""


def fits(schema: object, value: object) -> bool:
    """Whether nothing in ``schema`` forbids ``value``. Raises UndecidedError."""
    try:
        return _Check(schema).fits(schema, value, 0)
    except (AttributeError, RecursionError, TypeError):
        raise UndecidedError from None


class _Check:
    def __init__(self, root: object) -> None:
        self._root = root
        self._steps = MOST_STEPS

    def fits(self, schema: object, value: object, depth: int) -> bool:
        self._steps -= 1
        if self._steps < 0 or depth > DEEPEST:
            raise UndecidedError
        if type(schema) is not dict:
            return schema is not False
        if "$ref" in schema:
            return self.fits(self._target(schema["$ref"]), value, depth + 1)
        if not all(self._keyword(word, given, value, depth) for word, given in schema.items()):
            return False
        return self._inside(schema, value, depth) if type(value) in _NESTED else True

    def _keyword(self, word: str, given: Any, value: object, depth: int) -> bool:  # noqa: ANN401 -- parsed JSON
        holds = _OWN.get(word)
        if holds is not None:
            if type(given) is list:
                self._steps -= len(given) // 16  # an enum of thousands, for each of thousands of values
            return holds(given, value)
        if word == "allOf":
            return all(self.fits(one, value, depth + 1) for one in given)
        return word not in _ANY or any(self.fits(one, value, depth + 1) for one in given)

    def _inside(self, schema: Schema, value: object, depth: int) -> bool:
        if type(value) is dict:
            known = schema.get("properties", {})
            others = True if "patternProperties" in schema else schema.get("additionalProperties", True)
            return all(self.fits(known.get(name, others), inner, depth + 1) for name, inner in value.items())
        if type(value) is list:
            rest = schema.get("items", True)
            first = rest if type(rest) is list else schema.get("prefixItems", ())
            rest = schema.get("additionalItems", True) if type(rest) is list else rest
            if not all(self.fits(one, inner, depth + 1) for one, inner in zip(first, value, strict=False)):
                return False
            return rest is True or all(self.fits(rest, inner, depth + 1) for inner in value[len(first) :])
        return True

    def _target(self, reference: str) -> object:
        """What ``#/a/b`` points to; anything, where it points to nothing."""
        found = self._root
        if reference != "#" and not reference.startswith("#/"):
            return True
        for step in unquote(reference[2:]).split("/") if reference != "#" else ():
            name = step.replace("~1", "/").replace("~0", "~")
            if type(found) is dict and name in found:
                found = found[name]
            elif type(found) is list and name.isdecimal() and int(name) < len(found):
                found = found[int(name)]
            else:
                return True
        return found


def _type(given: Any, value: object) -> bool:  # noqa: ANN401 -- parsed JSON
    return _is(given, value) if type(given) is str else any(_is(word, value) for word in given)


def _is(kind: object, value: object) -> bool:
    if kind == "integer":
        return type(value) is int or (type(value) is float and value.is_integer())
    return type(value) in _TYPES.get(cast(str, kind), ())


def _same(one: Any, other: Any) -> bool:  # noqa: ANN401 -- parsed JSON
    """JSON's equality: 1 is 1.0, and true is no number."""
    if type(one) in (int, float) and type(other) in (int, float):
        return bool(one == other)
    if type(one) is not type(other):
        return False
    if type(one) is dict:
        return one.keys() == other.keys() and all(_same(value, other[name]) for name, value in one.items())
    if type(one) is list:
        return len(one) == len(other) and all(map(_same, one, other))
    return bool(one == other)


_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,), "number": (int, float), "boolean": (bool,), "object": (dict,), "array": (list,), "null": (type(None),),
}  # fmt: skip
_NESTED = (dict, list)
_ANY = ("anyOf", "oneOf")


def _number(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    """A bound on numbers. Draft 4 has booleans as some of them, which say nothing here."""
    return lambda bound, value: type(value) not in _NUMBERS or type(bound) not in _NUMBERS or compare(value, bound)


def _length(kind: type[Any], compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    return lambda bound, value: (
        type(value) is not kind or type(bound) not in _NUMBERS or compare(len(cast(Sized, value)), bound)
    )


_NUMBERS = (int, float)
_OWN: dict[str, Callable[[Any, Any], bool]] = {
    "type": _type,
    "const": _same,
    "enum": lambda given, value: any(_same(one, value) for one in given),
    "required": lambda given, value: (
        type(value) is not dict or all(name in value for name in given if type(name) is str)
    ),
    "minimum": _number(ge),
    "maximum": _number(le),
    "exclusiveMinimum": _number(gt),
    "exclusiveMaximum": _number(lt),
    "minLength": _length(str, ge),
    "maxLength": _length(str, le),
    "minItems": _length(list, ge),
    "maxItems": _length(list, le),
}
"""Keywords that look at the value alone."""
