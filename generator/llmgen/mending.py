"""Guess what a wrong document meant, to be able to check the rest of it. The guess is never rendered."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from llmgen.problems import Path, Problem, did_you_mean, errors

if TYPE_CHECKING:
    from llmgen.source import Document

Schema = Mapping[str, Any]


ROUNDS = 20
"""Times that mending may uncover the next mistake, such as a map in the place of a value that was taken out."""


def mended(document: Document, touched: set[Path], schema: Schema) -> Document | None:
    """Return ``document`` with everything that ``schema`` refuses mended and the changed paths in ``touched``; None if it cannot be."""
    from llmgen import contract  # noqa: PLC0415 -- only after an error

    data = copy.deepcopy(document.data)
    for _ in range(ROUNDS):
        rest = dataclasses.replace(document, data=data, suspects=frozenset())
        wrong = errors(contract.check(rest, schema))
        if not wrong:
            return rest
        if not mend(data, wrong, schema, touched):
            return None
    return None


def mend(data: Any, problems: Iterable[Problem], schema: Schema, touched: set[Path]) -> bool:  # noqa: ANN401 -- plain data
    """Change ``data`` so that ``problems`` go away, and add every changed path to ``touched``; says whether anything changed."""
    changed = False
    handled: set[Path] = set()
    for problem in problems:
        path = problem.path
        if path in handled:  # by another rule, or once more for a revision that inherits it
            continue
        if problem.id == "LLM102":
            holder, missing = (
                (path, [key for key in problem.allowed if key]) if present(data, path) else (path[:-1], [str(path[-1])])
            )
            changed |= _add_missing(data, holder, missing, schema, touched)
        elif problem.id == "LLM101" and present(data, path):
            # A misspelt key is reported alone, not once more as the missing one it stands for.
            changed |= _add_missing(data, path[:-1], (), schema, touched) or _unknown(data, path, schema, touched)
        elif present(data, path):
            changed |= _replace(data, path, schema, touched)
            handled.add(path)
    return changed


def _add_missing(data: Any, path: Path, keys: Iterable[str], schema: Schema, touched: set[Path]) -> bool:  # noqa: ANN401
    """Give the map at ``path`` its missing required keys: a misspelt one under its right name, else the contract's example."""
    # An earlier problem of this round may have taken it away.
    holder = _get(data, path) if present(data, path) else None
    if not isinstance(holder, dict):
        return False
    described = schema_at(schema, path)
    known: Mapping[str, Schema] = described.get("properties", {})
    changed = False
    for key in [key for key in described.get("required", keys) if key not in holder]:
        misspelt = did_you_mean(key, [other for other in holder if other not in known])
        if misspelt is not None:
            holder[key] = holder.pop(misspelt)
            touched.update({(*path, misspelt), (*path, key)})
        else:
            holder[key] = _example(schema, known.get(key, {}))
            touched.add((*path, key))
        changed = True
    return changed


def _unknown(data: Any, path: Path, schema: Schema, touched: set[Path]) -> bool:  # noqa: ANN401 -- plain data
    """Read an unknown key as the absent one it resembles, or leave it out: then it may have been any absent one, so all are guesses."""
    *above, key = path
    holder = _get(data, tuple(above))
    absent = [name for name in schema_at(schema, tuple(above)).get("properties", {}) if name not in holder]
    meant = did_you_mean(str(key), absent)
    if meant is not None:
        holder[meant] = holder[key]
        absent = [meant]
    del holder[key]
    touched.update({path, *((*above, name) for name in absent)})
    return True


def _replace(data: Any, path: Path, schema: Schema, touched: set[Path]) -> bool:  # noqa: ANN401 -- plain data
    """Take a wrong value out; where it is required, put the contract's example there."""
    while path in touched:  # the guess did not help: what holds it goes
        path = path[:-1]
    if not path:
        return False
    holder, key = _get(data, path[:-1]), path[-1]
    touched.add(path)
    described = schema_at(schema, path[:-1])
    if isinstance(holder, dict) and key in described.get("required", ()):
        holder[key] = _example(schema, described["properties"][key])
    else:
        del holder[key]
    return True


def _example(root: Schema, schema: Schema) -> Any:  # noqa: ANN401 -- plain data
    """Return something that ``schema`` accepts: its example, its constant, or a map of its required keys' examples."""
    resolved = _resolve(root, schema)
    for source in ("examples", "enum"):
        if resolved.get(source):
            return copy.deepcopy(resolved[source][0])
    if "const" in resolved:
        return resolved["const"]
    properties = resolved.get("properties", {})
    keys = list(resolved.get("required", ())) or list(properties)[: resolved.get("minProperties", 0)]
    return {key: _example(root, properties[key]) for key in keys}


def schema_at(root: Schema, path: Path) -> Schema:
    """Return the part of ``root`` that describes ``path``; empty where nothing does."""
    here = _resolve(root, root)
    for step in path:
        inner = here.get("properties", {}).get(step)
        if inner is None:
            inner = here.get("items") if isinstance(step, int) else here.get("additionalProperties")
        if not isinstance(inner, Mapping):
            return {}
        here = _resolve(root, inner)
    return here


def _resolve(root: Schema, schema: Schema) -> Schema:
    while "$ref" in schema:
        target: Any = root
        for step in schema["$ref"].removeprefix("#/").split("/"):
            target = target[step.replace("~1", "/").replace("~0", "~")]
        schema = {**target, **{key: value for key, value in schema.items() if key != "$ref"}}
    objects = [branch for branch in schema.get("oneOf", ()) if branch.get("type") == "object"]
    return _resolve(root, objects[0]) if objects and "properties" not in schema else schema


def present(data: object, path: Path) -> bool:
    """Say whether ``path`` leads to something in ``data``."""
    for step in path:
        if isinstance(data, dict) and step in data:  # noqa: SIM114 -- each branch narrows the type
            data = data[step]
        elif isinstance(data, list) and isinstance(step, int) and step < len(data):
            data = data[step]
        else:
            return False
    return True


def _get(data: Any, path: Path) -> Any:  # noqa: ANN401 -- plain data
    for step in path:
        data = data[step]
    return data
