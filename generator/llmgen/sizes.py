"""The shapes of every revision of a spec: what ``llmgen size SPEC`` shows, whether or not a shape fits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from llmgen.load import load
from llmgen.problems import Problem, errors, in_file_order

if TYPE_CHECKING:
    from llmgen.sizing import SearchResult


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionSizes:
    """Ranked and rejected shapes of one revision."""

    model: str
    revision: str
    result: SearchResult


def of_spec(
    path: str, env: str | None, model: str | None = None
) -> tuple[tuple[RevisionSizes, ...], tuple[Problem, ...]]:
    """Size every revision, or those of ``model``; the problems say what made the spec unsizable.

    Raises KeyError when the spec has no ``model``.
    """
    from llmgen import checks, facts  # noqa: PLC0415 -- `llmgen --help` needs none of this
    from llmgen.checks.context import Context  # noqa: PLC0415
    from llmgen.plan import shapes  # noqa: PLC0415

    loaded = load(path, env)
    if loaded.spec is None:
        return (), tuple(in_file_order(loaded.problems))
    context = Context(loaded=loaded, spec=loaded.spec)
    known = facts.gather(context)
    checks.check(context, known)
    problems = tuple(in_file_order([*loaded.problems, *context.problems]))
    if errors(problems):
        return (), problems
    if model is not None and model not in loaded.spec.models:
        raise KeyError(f"the spec has no model '{model}'; it has {', '.join(loaded.spec.models)}")
    found = []
    for item in context.revisions():
        if model is None or item.model_name == model:
            result = shapes.shapes(context, known, item)
            if result is not None:
                found.append(RevisionSizes(model=item.model_name, revision=item.name, result=result))
    return tuple(found), problems
