"""overrides.yaml and rollout.yaml, as Helm layers them over the generated values: read for budgets, never written."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from llmgen.checks.context import Context
    from llmgen.plan import Plan
    from llmgen.problems import Path, Problem
    from llmgen.source import Document
    from llmgen.values.tree import ValueTree


def check(context: Context, plan: Plan, tree: ValueTree, files: Iterable[FilePath]) -> None:
    """Check the values contract and every invariant on the effective values, and the GPU budget that results.

    Problems of the generated values themselves are bugs of the generator and raise RuntimeError.
    """
    from llmgen import invariants  # noqa: PLC0415 -- only when values are built
    from llmgen.plan import budget  # noqa: PLC0415
    from llmgen.problems import errors  # noqa: PLC0415

    _own_bugs(tree.data)
    present = [file for file in files if file.exists()]
    document, unread = layer(tree.data, present)
    context.problems.extend(unread)
    if not present:
        return
    found = invariants.check(document)
    context.problems.extend(found)
    if any(problem.id.startswith("LLM1") for problem in errors(found)):
        return  # engines of a wrong type cannot be counted
    context.problems.extend(_hidden(present))
    overlaid = budget.draw(context, plan, document.data)
    budget.check(context, overlaid)


def layer(data: dict[str, Any], files: Iterable[FilePath]) -> tuple[Document, list[Problem]]:
    """Return generated values with ``files`` layered over them, each value where it was written, and what cannot be read."""
    from llmgen import source  # noqa: PLC0415 -- only when values are built
    from llmgen.merge import merge_documents  # noqa: PLC0415

    document = source.Document.from_data(data, "values.yaml")
    problems: list[Problem] = []
    for file in files:
        reading = source.read(str(file))
        problems.extend(reading.problems)
        if reading.document is not None and reading.document.data is not None:
            document = merge_documents(document, (), patch=reading.document, keep_nulls=True)
    return document, problems


def _hidden(files: list[FilePath]) -> Iterator[Problem]:
    """Warn of what people wrote and the file after it says otherwise (LLM503): it looks as if it counted."""
    from llmgen.problems import Problem  # noqa: PLC0415

    for lower, upper in pairwise(files):
        below, above = layer({}, [lower])[0], layer({}, [upper])[0]
        for path in _differing(below.data, above.data):
            yield Problem(
                id="LLM503", path=path, span=below.value_span(path), severity="warning",
                message=f"{upper.name}, which is layered last, says {json.dumps(above.get(path))}",
                hint="until `llmgen rollout finish`; every step of a rollout looks at these overrides again",
            )  # fmt: skip


def _differing(below: Any, above: Any, path: Path = ()) -> Iterator[Path]:  # noqa: ANN401 -- plain data of any shape
    if isinstance(below, dict) and isinstance(above, dict):
        for key in below.keys() & above.keys():
            yield from _differing(below[key], above[key], (*path, key))
    elif below != above:
        yield path


def _own_bugs(data: dict[str, Any]) -> None:
    from llmgen import invariants, source  # noqa: PLC0415

    problems = invariants.check(source.Document.from_data(data, "values.yaml"))
    wrong = [problem for problem in problems if problem.severity == "error"]
    if wrong:
        said = "; ".join(f"{problem.id} {problem.path}: {problem.message}" for problem in wrong)
        raise RuntimeError(f"the generated values break their own contract, please report it: {said}")
