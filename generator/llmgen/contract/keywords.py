"""One builder per JSON Schema keyword: each returns the check and knows its words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from llmgen.contract.branches import all_of, any_of, if_then_else, negation, one_of
from llmgen.contract.maps import (
    additional_properties,
    dependent_required,
    dependent_schemas,
    pattern_properties,
    properties,
    property_names,
    required,
)
from llmgen.contract.words import expected, got, is_type, quoted, same, shown, type_hint
from llmgen.problems.guess import did_you_mean
from llmgen.problems.model import Related

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmgen.contract.compile import Builder, Compiled
    from llmgen.contract.run import Check, Run


def type_check(argument: str | list[str], schema: Mapping[str, Any]) -> Check:
    """Return the check for ``type``."""
    form, pattern = schema.get("x-patternHint"), schema.get("pattern", "")
    types = [argument] if isinstance(argument, str) else list(argument)
    needed = ", ".join(f"{key}: …" for key in schema.get("required", ()))
    as_map = f"write {{{needed}}}" if needed else None
    exact = {"string": str, "object": dict, "array": list, "boolean": bool}.get(types[0]) if len(types) == 1 else None

    def check(value: Any, run: Run) -> None:  # noqa: ANN401 -- plain data
        if exact is not None:
            if isinstance(value, exact):
                return
        elif any(is_type(value, name) for name in types):
            return
        written = run.text_here() if isinstance(value, (int, float)) else ""
        message = f"expected {expected(types)}, got {got(value, written)}"
        hint = type_hint(types, value, written) or (as_map if isinstance(value, str) and "object" in types else None)
        if form and "string" in types and written and re.search(pattern, written) is None:
            hint = f"the expected form is {form}"  # quotes alone would not make it right
        run.report("LLM103", message, hint=hint)

    return check


def _reference(argument: str, _schema: Mapping[str, Any], compiled: Compiled) -> Check:
    return compiled.reference(argument)


def _enum(argument: list[Any], _schema: Mapping[str, Any], _compiled: Compiled) -> Check:
    allowed = tuple(shown(value) for value in argument)
    texts = frozenset(value for value in argument if isinstance(value, str))

    def check(value: Any, run: Run) -> None:  # noqa: ANN401 -- plain data
        if (isinstance(value, str) and value in texts) or any(same(value, one) for one in argument):
            return
        guess = did_you_mean(value, texts) if isinstance(value, str) else None
        run.report(
            "LLM104", f"{quoted(value)} is not allowed", allowed=allowed, hint=guess and f"did you mean '{guess}'?"
        )

    return check


def _const(argument: Any, _schema: Mapping[str, Any], _compiled: Compiled) -> Check:  # noqa: ANN401 -- plain data
    def check(value: Any, run: Run) -> None:  # noqa: ANN401 -- plain data
        if not same(value, argument):
            run.report(
                "LLM104", f"{quoted(value)} is not allowed", allowed=(shown(argument),), hint=f"write {shown(argument)}"
            )

    return check


def _pattern(argument: str, schema: Mapping[str, Any], _compiled: Compiled) -> Check:
    search = re.compile(argument).search
    form = schema.get("x-patternHint")
    expected_form = f"does not have the expected form: {form}" if form else f"does not match {argument}"

    def check(value: Any, run: Run) -> None:  # noqa: ANN401 -- plain data
        if isinstance(value, str) and search(value) is None:
            run.report("LLM105", f"{quoted(value)} {expected_form}")

    return check


def _bound(least: bool, inclusive: bool) -> Builder:  # noqa: FBT001 -- two by two cases
    def build(argument: float, _schema: Mapping[str, Any], _compiled: Compiled) -> Check:
        id_, word = ("LLM106", "small") if least else ("LLM107", "large")
        limit = (
            f"{'at least' if least else 'at most'} {argument}"
            if inclusive
            else (f"{'more' if least else 'less'} than {argument}")
        )

        def check(value: Any, run: Run) -> None:  # noqa: ANN401 -- plain data
            if not isinstance(value, (int, float)) or isinstance(value, bool):
                return
            over = value - argument if least else argument - value
            if over < 0 or (over == 0 and not inclusive):
                run.report(id_, f"{shown(value)} is too {word}: it must be {limit}")

        return check

    return build


def _size(kind: type[str | list[Any] | dict[str, Any]], least: bool, unit: str) -> Builder:  # noqa: FBT001 -- three by two cases
    def build(argument: int, schema: Mapping[str, Any], _compiled: Compiled) -> Check:
        allowed = tuple(sorted(schema.get("properties", {}))) if kind is dict else ()
        limit = f"{'at least' if least else 'at most'} {argument} {unit if argument == 1 else unit + 's'}"

        def check(value: Any, run: Run) -> None:  # noqa: ANN401 -- plain data
            if not isinstance(value, kind):
                return
            size = len(value)
            if (size < argument) if least else (size > argument):
                keys = f": {', '.join(map(str, value))}" if isinstance(value, dict) and not least else ""
                run.report("LLM108", f"expected {limit}, got {size or 'none'}{keys}", allowed=allowed, emptied=not size)

        return check

    return build


def _multiple_of(argument: float, _schema: Mapping[str, Any], _compiled: Compiled) -> Check:
    def check(value: Any, run: Run) -> None:  # noqa: ANN401 -- plain data
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            return
        whole = value % argument == 0 if isinstance(argument, int) else (value / argument).is_integer()
        if not whole:
            run.report("LLM114", f"{shown(value)} is not a multiple of {argument}")

    return check


def _items(argument: Any, _schema: Mapping[str, Any], compiled: Compiled) -> Check:  # noqa: ANN401 -- a schema
    item_check = compiled.compile(argument)

    def check(value: Any, run: Run) -> None:  # noqa: ANN401 -- plain data
        if not isinstance(value, list):
            return
        for index, item in enumerate(value):
            run.path.append(index)
            item_check(item, run)
            run.path.pop()

    return check


def _unique_items(argument: bool, _schema: Mapping[str, Any], _compiled: Compiled) -> Check:  # noqa: FBT001 -- a schema
    def check(value: Any, run: Run) -> None:  # noqa: ANN401 -- plain data
        if not argument or not isinstance(value, list):
            return
        seen: dict[Any, int] = {}  # texts by hash, so that long lists of names stay linear
        others: list[tuple[int, Any]] = []
        for index, item in enumerate(value):
            if isinstance(item, str):
                first = seen.setdefault(item, index)
            else:
                first = next((at for at, other in others if same(other, item)), index)
                others.append((index, item))
            if first != index:
                span = run.document.value_span((*run.path, first))
                related = (Related(message="first here", span=span),)
                run.report("LLM109", f"{quoted(item)} occurs twice", key=index, hint="remove one", related=related)

    return check


BUILDERS: Final[Mapping[str, Builder]] = {
    "$ref": _reference,
    "type": lambda argument, schema, _compiled: type_check(argument, schema),
    "const": _const,
    "enum": _enum,
    "pattern": _pattern,
    "minimum": _bound(least=True, inclusive=True),
    "exclusiveMinimum": _bound(least=True, inclusive=False),
    "maximum": _bound(least=False, inclusive=True),
    "exclusiveMaximum": _bound(least=False, inclusive=False),
    "multipleOf": _multiple_of,
    "minLength": _size(str, least=True, unit="character"),
    "maxLength": _size(str, least=False, unit="character"),
    "minItems": _size(list, least=True, unit="item"),
    "maxItems": _size(list, least=False, unit="item"),
    "minProperties": _size(dict, least=True, unit="key"),
    "maxProperties": _size(dict, least=False, unit="key"),
    "uniqueItems": _unique_items,
    "items": _items,
    "required": required,
    "dependentRequired": dependent_required,
    "dependentSchemas": dependent_schemas,
    "propertyNames": property_names,
    "properties": properties,
    "patternProperties": pattern_properties,
    "additionalProperties": additional_properties,
    "allOf": all_of,
    "anyOf": any_of,
    "oneOf": one_of,
    "not": negation,
    "if": if_then_else,
}

PARTNERS: Final = frozenset({"then", "else"})
"""Keywords that another one reads."""
