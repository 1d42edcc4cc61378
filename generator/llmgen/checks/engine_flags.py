"""Engine flags against the pinned version: unknown, removed, owned by the spec, or of the wrong type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from llmgen import catalog
from llmgen.checks.production import REQUIRED_FEATURES
from llmgen.problems import guess_hint

if TYPE_CHECKING:
    from llmgen.catalog import Flag, VllmVersion
    from llmgen.checks.context import Context, Resolved
    from llmgen.facts import Facts
    from llmgen.problems import Path

_TYPES: Mapping[str, tuple[tuple[type, ...], str]] = {
    "int": ((int,), "a whole number"),
    "float": ((int, float), "a number"),
    "str": ((str,), "a string"),
    "json": ((dict, list, str), "a map, which is passed as JSON"),
    "list": ((list, str), "a list"),
}


def check(context: Context, facts: Facts) -> None:
    """Run every rule of this family."""
    for item in context.revisions():
        version = facts.revisions[item.model_name, item.name].version
        if version is None:
            continue
        for name, value in item.revision.engine.args.items():
            _flag(context, (*item.path, "engine", "args", name), name, value, version)
        if context.spec.production:
            _features(context, item, version)


def _flag(context: Context, path: Path, name: str, value: Any, version: VllmVersion) -> None:  # noqa: ANN401 -- a flag's value
    plain = name.lstrip("-").replace("_", "-")
    if plain != name:
        known = plain in version.flags
        context.add(
            "LLM292",
            path,
            f"{name!r} is not how a flag is named here",
            key=True,
            hint=f"{plain!r}" if known else "without dashes in front, words joined by dashes",
        )
        return
    flag = version.flags.get(name) or _by_alias(name, version)
    owner = catalog.owned_flags().get(flag.name if flag else name)
    if owner is not None:
        where = owner.replace("models.m.revisions.r.", f"models.{path[1]}.").replace("models.m.", f"models.{path[1]}.")
        context.add("LLM293", path, f"the flag {name!r} is set from the spec", key=True, hint=f"use {where}")
    elif name in version.removed_flags:
        gone = version.removed_flags[name]
        context.add(
            "LLM294",
            path,
            f"vLLM {version.minor} has no flag {name!r}, it went away in {gone.since}: the engine would not start",
            key=True,
            hint=_instead(gone.use),
        )
    elif flag is None:
        _unknown(context, path, name, version)
    else:
        _value(context, path, flag, value)


def _instead(use: str) -> str | None:
    """Word the catalogue's advice: another flag, or `nothing: why`."""
    if not use:
        return None
    return f"leave it out: {use.removeprefix('nothing: ')}" if use.startswith("nothing: ") else f"use {use}"


def _by_alias(name: str, version: VllmVersion) -> Flag | None:
    return next(
        (flag for flag in version.flags.values() if f"-{name}" in flag.aliases or f"--{name}" in flag.aliases), None
    )


def _unknown(context: Context, path: Path, name: str, version: VllmVersion) -> None:
    positive = name.removeprefix("no-")
    if positive != name and positive in version.flags:
        context.add("LLM292", path, f"{name!r} is the negative form of a flag", key=True, hint=f"{positive}: false")
        return
    context.add(
        "LLM295",
        path,
        f"vLLM {version.minor} has no flag {name!r}: the engine would not start",
        key=True,
        hint=guess_hint(name, version.flags),
    )


def _value(context: Context, path: Path, flag: Flag, value: Any) -> None:  # noqa: ANN401 -- a flag's value
    if value is None:
        return
    if flag.type == "bool":
        if not isinstance(value, bool):
            context.add("LLM296", path, f"{flag.name} is a switch, got {value!r}", allowed=("true", "false"))
        elif value is False and not flag.negatable:
            context.add("LLM296", path, f"{flag.name} has no negative form", hint="leave it out, or write null")
    elif flag.type == "choice":
        if value not in flag.choices:
            context.add(
                "LLM296",
                path,
                f"{value!r} is not a value of {flag.name}",
                allowed=[str(choice) for choice in flag.choices],
                hint=guess_hint(str(value), [str(choice) for choice in flag.choices]),
            )
    else:
        wanted, words = _TYPES[flag.type]
        # A bool is an int to Python, never to the engine.
        if isinstance(value, bool) or not isinstance(value, wanted):
            context.add("LLM296", path, f"{flag.name} takes {words}, got {value!r}")


def _features(context: Context, item: Resolved, version: VllmVersion) -> None:
    for feature, consequence in REQUIRED_FEATURES.items():
        if not getattr(version.features, feature):
            newer = [minor for minor in catalog.minors() if getattr(catalog.vllm(minor).features, feature)]
            context.add(
                "LLM275", (*item.path, "engine", "version"), f"vLLM {item.revision.engine.version} {consequence}",
                hint=f"production needs {newer[0]} or later" if newer else None,
            )  # fmt: skip
