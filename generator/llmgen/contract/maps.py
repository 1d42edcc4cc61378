"""The keywords of maps: which keys there may be, which there must be."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from llmgen.problems.guess import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmgen.contract.compile import Compiled
    from llmgen.contract.run import Check, Run
    from llmgen.problems.model import Problem


def required(argument: list[str], schema: Mapping[str, Any], _compiled: Compiled) -> Check:
    """Report each missing key at the key of the map, unless it is there misspelt and reported as unknown."""
    known = schema.get("properties", {})
    closed = schema.get("additionalProperties") is False and not schema.get("patternProperties")

    def check(value: Any, run: Run) -> None:  # noqa: ANN401 -- plain data
        if not isinstance(value, dict):
            return
        for key in argument:
            if key not in value:
                unknown = [other for other in value if other not in known and (*run.path, other) not in run.suspects]
                guess = did_you_mean(key, unknown) if known else None
                if guess is None or not closed:
                    run.report_missing(key, argument, guess and f"is '{guess}' meant to be '{key}'?")

    return check


def dependent_required(argument: Mapping[str, list[str]], _schema: Mapping[str, Any], _compiled: Compiled) -> Check:
    """Report a key that needs others beside it."""

    def check(value: Any, run: Run) -> None:  # noqa: ANN401 -- plain data
        if not isinstance(value, dict):
            return
        for key, companions in argument.items():
            if key not in value:
                continue
            for companion in companions:
                if companion not in value:
                    message = f"'{key}' needs '{companion}' beside it"
                    run.report("LLM112", message, key=key, at_key=True, hint=f"add '{companion}', or remove '{key}'")

    return check


def dependent_schemas(argument: Mapping[str, Any], _schema: Mapping[str, Any], compiled: Compiled) -> Check:
    """Check the conditions that a key puts on the rest of its map."""
    checks = {key: compiled.compile(inner) for key, inner in argument.items()}

    def check(value: Any, run: Run) -> None:  # noqa: ANN401 -- plain data
        if not isinstance(value, dict):
            return
        for key, one in checks.items():
            if key in value:
                with run.reason(f" when '{key}' is set"):
                    one(value, run)

    return check


def property_names(argument: Any, schema: Mapping[str, Any], compiled: Compiled) -> Check:  # noqa: ANN401 -- a schema
    """Check every key as a text; its problems become one kind that points at the key."""
    name_check = compiled.compile(argument)
    known = frozenset(schema.get("properties", {}))

    def check(value: Any, run: Run) -> None:  # noqa: ANN401 -- plain data
        if not isinstance(value, dict):
            return
        for key in value:
            if (*run.path, key) in run.suspects:
                continue
            problems: list[Problem] = run.attempt(name_check, key)
            if problems and key not in known:
                first = problems[0]
                run.report(
                    "LLM111", f"as a key, {first.message}", key=key, at_key=True, allowed=first.allowed, hint=first.hint
                )
            elif problems:
                run.report("LLM111", f"as a key, {problems[0].message}", key=key, at_key=True)

    return check


def properties(argument: Mapping[str, Any], _schema: Mapping[str, Any], compiled: Compiled) -> Check:
    """Check the value of each key that the schema names."""
    checks = {key: _property_check(key, inner, compiled) for key, inner in argument.items()}

    def check(value: Any, run: Run) -> None:  # noqa: ANN401 -- plain data
        if not isinstance(value, dict):
            return
        path = run.path
        for key, inner in value.items():
            one = checks.get(key)
            if one is not None:
                path.append(key)
                one(inner, run)
                path.pop()

    return check


def _property_check(key: str, schema: Any, compiled: Compiled) -> Check:  # noqa: ANN401 -- a schema may be false
    if schema is not False:
        return compiled.compile(schema)

    def check(value: Any, run: Run) -> None:  # noqa: ANN401, ARG001 -- no value is right
        run.report("LLM113", f"'{key}' is not possible here", at_key=True, hint="remove it")

    return check


def pattern_properties(argument: Mapping[str, Any], _schema: Mapping[str, Any], compiled: Compiled) -> Check:
    """Check the value of each key that matches a pattern."""
    checks = [(re.compile(pattern).search, compiled.compile(inner)) for pattern, inner in argument.items()]

    def check(value: Any, run: Run) -> None:  # noqa: ANN401 -- plain data
        if not isinstance(value, dict):
            return
        for key, inner in value.items():
            for search, one in checks:
                if search(key) is not None:
                    run.path.append(key)
                    one(inner, run)
                    run.path.pop()

    return check


def additional_properties(argument: Any, schema: Mapping[str, Any], compiled: Compiled) -> Check:  # noqa: ANN401
    """Check keys that are neither named nor matched: unknown, or with a schema of their own."""
    known = frozenset(schema.get("properties", {}))
    searches = [re.compile(pattern).search for pattern in schema.get("patternProperties", {})]
    inner_check = None if argument is False else compiled.compile(argument)

    def check(value: Any, run: Run) -> None:  # noqa: ANN401 -- plain data
        if not isinstance(value, dict):
            return
        for key, inner in value.items():
            if key in known or any(search(key) is not None for search in searches):
                continue
            if inner_check is None:
                _report_unknown(key, known, value, run)
                continue
            run.path.append(key)
            inner_check(inner, run)
            run.path.pop()

    return check


def _report_unknown(key: str, known: frozenset[str], value: dict[str, Any], run: Run) -> None:
    if (*run.path, key) in run.suspects:
        return
    free = sorted(name for name in known if name not in value)
    hint = run.places().hint(key, tuple(run.path), free) or run.places().hint(key, tuple(run.path), sorted(known))
    run.report("LLM101", "unknown key", key=key, at_key=True, allowed=tuple(sorted(known)), hint=hint)
