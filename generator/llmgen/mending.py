"""Guess what a wrong document meant, to be able to check the rest of it. The guess is never rendered."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any

from llmgen.problems import Path, Problem, did_you_mean

Schema = Mapping[str, Any]


def mend(data: Any, problems: Iterable[Problem], schema: Schema, touched: set[Path]) -> bool:  # noqa: ANN401 -- plain data
    """Change ``data`` so that ``problems`` go away, and add every changed path to ``touched``; says whether anything changed."""
    changed = False
    for problem in problems:
        path = problem.path
        if problem.id == "LLM102":
            holder, missing = (
                (path, [key for key in problem.allowed if key]) if present(data, path) else (path[:-1], [str(path[-1])])
            )
            changed |= _add_missing(data, holder, missing, schema, touched)
        elif problem.id == "LLM101" and present(data, path):
            # A misspelt key is reported alone, not once more as the missing one it stands for.
            changed |= _add_missing(data, path[:-1], (), schema, touched) or _replace(data, path, schema, touched)
        elif present(data, path):
            changed |= _replace(data, path, schema, touched)
    return changed


def _add_missing(data: Any, path: Path, keys: Iterable[str], schema: Schema, touched: set[Path]) -> bool:  # noqa: ANN401
    """Give the map at ``path`` its missing required keys: a misspelt one under its right name, else the contract's example."""
    holder = _get(data, path) if present(data, path) else None  # an earlier problem of this round may have taken it away
    if not isinstance(holder, dict):
        return False
    described = schema_at(schema, path)
    known: Mapping[str, Schema] = described.get("properties", {})
    changed = False
    for key in [key for key in described.get("required", keys) if key not in holder]:
        misspelt = did_you_mean(key, [other for other in holder if other not in known])
        if misspelt is not None:
            holder[key] = holder.pop(misspelt)
            touched.add((*path, misspelt))
        else:
            holder[key] = _example(schema, known.get(key, {}))
            touched.add((*path, key))
        changed = True
    return changed


def _replace(data: Any, path: Path, schema: Schema, touched: set[Path]) -> bool:  # noqa: ANN401 -- plain data
    """Take a wrong value out; where it is required, put the contract's example there."""
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
    return {key: _example(root, resolved["properties"][key]) for key in resolved.get("required", ())}


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
