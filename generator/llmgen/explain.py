"""The derivation of a generated value, as data and as text."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from llmgen.load import spec_schema
from llmgen.mending import schema_at
from llmgen.problems import Path, dotted

if TYPE_CHECKING:
    from llmgen.pipeline import Outcome
    from llmgen.plan.derivation import Derived, Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One value, its reason, where it was written, and the values it rests on."""

    name: str
    kind: str
    value: Any
    because: str = ""
    at: str = ""
    inputs: tuple[Step, ...] = ()


def derivations(outcome: Outcome, path: Path) -> list[Step]:
    """Return the derivation of the value at ``path`` and of every value below it; empty when nothing was generated there."""
    tree = outcome.values
    if tree is None:
        return []
    leaves = list(tree.under(path))
    if not leaves:
        derived = tree.find(path)
        leaves = [(path, derived)] if derived is not None and _inside(derived, tree.data, path) else []
    return [_step(outcome, leaf, derived, ()) for leaf, derived in leaves]


def _inside(derived: Derived, data: Any, path: Path) -> bool:  # noqa: ANN401 -- plain data of any shape
    del derived
    for step in path:
        if not isinstance(data, dict) or step not in data:
            return False
        data = data[step]
    return True


def _step(outcome: Outcome, path: Path, derived: Derived, trail: tuple[Path, ...]) -> Step:
    inputs = tuple(_input(outcome, origin, (*trail, path)) for origin in derived.origins)
    return Step(name=dotted(path), kind="value", value=derived.value, because=derived.because, inputs=inputs)


def _input(outcome: Outcome, origin: Origin, trail: tuple[Path, ...]) -> Step:
    if origin.kind == "catalog":
        return Step(name=origin.name, kind="catalog", value=origin.value)
    if origin.kind == "term":
        return Step(name=origin.name, kind="term", value=origin.value, because=origin.because)
    if origin.kind == "plan":
        derived = outcome.values.find(origin.path) if outcome.values is not None else None
        if derived is None or origin.path in trail:
            return Step(name=origin.name, kind="plan", value=None)
        return _step(outcome, origin.path, derived, trail)
    return _written(outcome, origin.path)


def _written(outcome: Outcome, path: Path) -> Step:
    """Say where the spec has ``path``; a path it does not have is the schema's default."""
    loaded = outcome.loaded
    document = loaded.document
    where = loaded.origin(path)
    if document is not None and document.has(where):
        span = document.key_span(where)
        value = document.get(where)
        return Step(
            name=dotted(where),
            kind="spec",
            value=value if not isinstance(value, dict) else None,
            at=f"{span.file}:{span.line}:{span.col}",
        )
    described = schema_at(spec_schema(), where)
    return Step(
        name=dotted(where),
        kind="default",
        value=described.get("default", described.get("x-default")),
        because="not in the spec: default of the contract",
    )


def as_json(step: Step) -> dict[str, Any]:
    """Return ``step`` as plain data."""
    data: dict[str, Any] = {"name": step.name, "kind": step.kind, "value": step.value}
    if step.because:
        data["because"] = step.because
    if step.at:
        data["at"] = step.at
    if step.inputs:
        data["from"] = [as_json(item) for item in step.inputs]
    return data


def as_text(step: Step, indent: int = 0) -> str:
    """Return ``step`` as indented lines."""
    pad = "  " * indent
    value = (
        ""
        if step.value is None
        else f" = {step.value if step.kind == 'term' else json.dumps(step.value, ensure_ascii=False)}"
    )
    place = f"  ({step.at})" if step.at else ""
    label = {"catalog": "catalog ", "default": "default ", "spec": "spec "}.get(step.kind, "")
    lines = [f"{pad}{label}{step.name}{value}{place}"]
    if step.because:
        lines.append(f"{pad}  because {step.because}")
    lines += [as_text(item, indent + 1) for item in step.inputs]
    return "\n".join(lines)
