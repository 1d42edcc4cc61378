"""The keywords with branches: report what is wrong with the branch that was meant, not with all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llmgen.contract.words import expected, got, is_type, quoted, same, shown, type_hint
from llmgen.problems.guess import did_you_mean, guess_hint

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmgen.contract.compile import Compiled
    from llmgen.contract.run import Check, Run
    from llmgen.problems.model import Problem


def all_of(argument: list[Any], _schema: Mapping[str, Any], compiled: Compiled) -> Check:
    """Every branch."""
    checks = [compiled.compile(branch) for branch in argument]

    def check(value: Any, run: Run) -> None:  # noqa: ANN401 -- plain data
        for one in checks:
            one(value, run)

    return check


def any_of(argument: list[Any], schema: Mapping[str, Any], compiled: Compiled) -> Check:
    """At least one branch."""
    branches = Branches(argument, schema, compiled)

    def check(value: Any, run: Run) -> None:  # noqa: ANN401 -- plain data
        tried = []
        for one in branches.checks:
            problems = run.attempt(one, value)
            if not problems:
                return
            tried.append(problems)
        branches.report(value, run, tried)

    return check


def one_of(argument: list[Any], schema: Mapping[str, Any], compiled: Compiled) -> Check:
    """Exactly one branch."""
    branches = Branches(argument, schema, compiled)

    def check(value: Any, run: Run) -> None:  # noqa: ANN401 -- plain data
        tried = [run.attempt(one, value) for one in branches.checks]
        fitting = [at for at, problems in enumerate(tried) if not problems]
        if not fitting:
            branches.report(value, run, tried)
        elif len(fitting) > 1:
            branches.report_several(value, run, fitting)

    return check


def negation(argument: Any, schema: Mapping[str, Any], compiled: Compiled) -> Check:  # noqa: ANN401 -- a schema
    """Refuse what must not be: ``x-forbidden`` says why not."""
    forbidden = compiled.compile(argument)
    keys = argument.get("required", []) if isinstance(argument, dict) else []
    why = schema.get("x-forbidden") or (
        f"{' and '.join(f'{key!r}' for key in keys)} cannot be used together" if keys else "this is not possible here"
    )

    def check(value: Any, run: Run) -> None:  # noqa: ANN401 -- plain data
        if run.attempt(forbidden, value):
            return
        if isinstance(value, dict) and keys and keys[-1] in value:
            run.report("LLM113", why, key=keys[-1], at_key=True)
        else:
            run.report("LLM113", why, at_key=True)

    return check


def if_then_else(argument: Any, schema: Mapping[str, Any], compiled: Compiled) -> Check:  # noqa: ANN401 -- a schema
    """Check a condition's branch; its messages say when it holds."""
    condition = compiled.compile(argument)
    then = compiled.compile(schema.get("then", True))
    otherwise = compiled.compile(schema.get("else", True))
    because = _because(argument)

    def check(value: Any, run: Run) -> None:  # noqa: ANN401 -- plain data
        if run.attempt(condition, value):
            otherwise(value, run)
            return
        with run.reason(because):
            then(value, run)

    return check


def _because(condition: Any) -> str:  # noqa: ANN401 -- a schema
    """Return `` when kind is 'pvc'`` for a condition on constants."""
    if not isinstance(condition, dict):
        return ""
    parts = []
    for key, inner in condition.get("properties", {}).items():
        if isinstance(inner, dict) and "const" in inner:
            parts.append(f"'{key}' is {shown(inner['const'])}")
        elif isinstance(inner, dict) and "enum" in inner:
            parts.append(f"'{key}' is {' or '.join(shown(one) for one in inner['enum'])}")
    if not parts and condition.get("required"):
        parts = [f"'{key}' is set" for key in condition["required"]]
    return f" when {' and '.join(parts)}" if parts else ""


class Branches:
    """The branches of one ``oneOf`` or ``anyOf``, and what tells them apart."""

    def __init__(self, argument: list[Any], schema: Mapping[str, Any], compiled: Compiled) -> None:
        """Compile each branch of ``argument``."""
        self.checks = [compiled.compile(branch) for branch in argument]
        self._flat = [compiled.flat(branch) for branch in argument]
        self._types = [_types(branch, schema) for branch in self._flat]
        self._key = schema.get("x-discriminator") or self._found_key()
        self._known = schema.get("properties", {}) if schema.get("additionalProperties") is False else {}
        self._required = [branch.get("required", []) for branch in self._flat]
        ignored = {"required", "not", "title", "description"}
        self._only_required = all(branch.get("required") and branch.keys() <= ignored for branch in self._flat)

    def report(self, value: Any, run: Run, tried: list[list[Problem]]) -> None:  # noqa: ANN401 -- plain data
        """Report why no branch fits ``value``, given what was wrong with each."""
        candidates = [at for at, types in enumerate(self._types) if any(is_type(value, name) for name in types)]
        if not candidates:
            self._report_types(value, run)
        elif self._only_required and isinstance(value, dict):
            if self._misspelt(value):
                return  # reported as an unknown key
            forms = tuple(" with ".join(keys) for keys in self._required)
            run.report("LLM110", f"one of these keys is needed: {', '.join(forms)}", at_key=True)
        elif len(candidates) > 1 and self._key and isinstance(value, dict):
            self._report_by_key(value, run, tried, candidates)
        else:
            self._report_best(value, run, tried, candidates)

    def _misspelt(self, value: dict[str, Any]) -> bool:
        unknown = [key for key in value if key not in self._known] if self._known else []
        return any(did_you_mean(key, unknown) for keys in self._required for key in keys)

    def report_several(self, value: Any, run: Run, fitting: list[int]) -> None:  # noqa: ANN401 -- plain data
        """Report that ``value`` fits the branches ``fitting`` at once."""
        if isinstance(value, dict):
            keys = list(dict.fromkeys(key for at in fitting for key in self._required[at] if key in value))
            if len(keys) > 1:
                names = " and ".join(f"'{key}'" for key in keys)
                run.report("LLM115", f"{names} exclude each other", key=keys[-1], at_key=True, hint="keep one of them")
                return
        run.report("LLM115", "this fits several forms that exclude each other", at_key=True, hint="keep one form")

    def _report_types(self, value: Any, run: Run) -> None:  # noqa: ANN401 -- plain data
        """Report a type that no branch has; words that a branch knows are better than its type."""
        words = [shown(one) for branch in self._flat for one in _constants(branch)]
        groups = zip(self._flat, self._types, strict=True)
        types = list(dict.fromkeys(name for branch, names in groups if not _constants(branch) for name in names))
        written = run.text_here() if isinstance(value, (int, float)) else ""
        forms = [*words, *([expected(types)] if types else [])]
        hint = None if words else type_hint(types, value, written)
        run.report("LLM103", f"expected {' or '.join(forms)}, got {got(value, written)}", hint=hint)

    def _report_by_key(
        self, value: dict[str, Any], run: Run, tried: list[list[Problem]], candidates: list[int]
    ) -> None:
        key = str(self._key)
        constants = {at: _constants(self._flat[at].get("properties", {}).get(key)) for at in candidates}
        allowed = tuple(dict.fromkeys(shown(one) for group in constants.values() for one in group))
        if key not in value:
            run.report("LLM102", f"the key '{key}' is missing", at_key=True, allowed=allowed, hint=f"add '{key}: …'")
            return
        chosen = [at for at, group in constants.items() if any(same(value[key], one) for one in group)]
        if not chosen:
            hint = guess_hint(value[key], allowed) if isinstance(value[key], str) else None
            run.report("LLM104", f"{quoted(value[key])} is not allowed", key=key, allowed=allowed, hint=hint)
            return
        self._report_best(value, run, tried, chosen)

    def _report_best(self, value: Any, run: Run, tried: list[list[Problem]], candidates: list[int]) -> None:  # noqa: ANN401
        """Report the branch that shares most keys with ``value``, then the one with fewest problems."""

        def merit(at: int) -> tuple[int, int]:
            known = self._flat[at].get("properties", {})
            shared = sum(key in known for key in value) if isinstance(value, dict) else 0
            return (-shared, len(tried[at]))

        best = min(candidates, key=merit)
        equal = [at for at in candidates if merit(at) == merit(best)]
        if len(equal) > 1 and not isinstance(value, (dict, list)):
            reasons = [problem.message for at in equal for problem in tried[at]]
            run.report("LLM110", f"{quoted(value)} fits none of its forms: {'; '.join(dict.fromkeys(reasons))}")
            return
        run.problems += tried[best]

    def _found_key(self) -> str | None:
        """Return the key that has other constants in each branch that is a map, None if there is none."""
        maps = [branch for branch in self._flat if branch.get("properties")]
        if len(maps) < 2:  # noqa: PLR2004 -- nothing to tell apart
            return None
        for key in maps[0]["properties"]:
            groups = [_constants(branch["properties"].get(key)) for branch in maps]
            flat = [repr(one) for group in groups for one in group]
            if all(groups) and len(flat) == len(set(flat)):
                return str(key)
        return None


def _constants(schema: Any) -> list[Any]:  # noqa: ANN401 -- a schema or nothing
    if not isinstance(schema, dict):
        return []
    return [schema["const"]] if "const" in schema else list(schema.get("enum", []))


def _types(branch: Mapping[str, Any], schema: Mapping[str, Any]) -> list[str]:
    """Return the JSON types that ``branch`` accepts."""
    declared = branch.get("type", schema.get("type"))
    if declared is None:
        constants = _constants(branch)
        if constants:
            every = ("string", "boolean", "null", "integer", "number", "object", "array")
            return [name for name in every if any(is_type(one, name) for one in constants)]
        maps_only = {"properties", "required", "additionalProperties"} & branch.keys()
        return ["object"] if maps_only else ["string", "number", "boolean", "object", "array", "null"]
    return [declared] if isinstance(declared, str) else list(declared)
