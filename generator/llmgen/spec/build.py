"""Plain data that already passed the schema → frozen dataclasses, by their annotations."""

from __future__ import annotations

import dataclasses
import functools
import re
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast

from llmgen.spec.quantity import Bytes, Cores, Seconds, byte_count, cores, seconds

T = TypeVar("T")
_Converter = Callable[[Any], Any]
_PARSERS: dict[object, _Converter] = {Seconds: seconds, Bytes: byte_count, Cores: cores}


def build(cls: type[T], data: Mapping[str, Any]) -> T:
    """Make a ``cls`` from ``data``, whose camelCase keys are the fields' snake_case names.

    A key that is absent is None: the schema has filled in every other default. Raises KeyError for a key without a field,
    which is a bug here, since the schema is closed.
    """
    fields = _fields(cls)  # type: ignore[arg-type]  # classes are hashable
    values = {name: None for _, name, _ in fields.values()}
    for key, value in data.items():
        _, name, convert = fields[key]
        values[name] = None if value is None else convert(value)
    return cls(**values)


def camel(name: str) -> str:
    """Return the schema's spelling of a field's name."""
    return re.sub(r"_([a-z0-9])", lambda match: match[1].upper(), name.rstrip("_"))


@functools.cache
def _fields(cls: type[Any]) -> dict[str, tuple[str, str, _Converter]]:
    hints = typing.get_type_hints(cls)
    return {
        (key := field.metadata.get("key", camel(field.name))): (key, field.name, _converter(hints[field.name]))
        for field in dataclasses.fields(cls)
    }


def _converter(hint: Any) -> _Converter:  # noqa: ANN401 -- a type annotation
    if hint in _PARSERS:
        return _PARSERS[hint]
    if dataclasses.is_dataclass(hint):
        return functools.partial(build, cast(type[Any], hint))
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return _union(arguments)
    if origin is Mapping:
        inner = _converter(arguments[1])
        return lambda value: {key: inner(item) for key, item in value.items()}
    if origin is tuple:
        inner = _converter(arguments[0])
        return lambda value: tuple(inner(item) for item in value)
    return lambda value: value


def _union(arguments: tuple[Any, ...]) -> _Converter:
    """Choose by the value's own type: a mapping becomes the union's dataclass, anything else the first plain member."""
    members = [argument for argument in arguments if argument is not type(None)]
    records = [member for member in members if dataclasses.is_dataclass(member)]
    plain = [member for member in members if not dataclasses.is_dataclass(member)]
    make = _converter(records[0]) if records else None
    keep = _converter(plain[0]) if plain else None

    def convert(value: Any) -> Any:  # noqa: ANN401 -- plain data of any shape
        if make is not None and isinstance(value, dict):
            return make(value)
        return keep(value) if keep is not None else value

    return convert
