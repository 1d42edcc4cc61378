"""Spec file → checked, planned, built: the one road every command takes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path as FilePath
from typing import TYPE_CHECKING

from llmgen.load import Loaded, environments, load
from llmgen.problems import Problem, errors, in_file_order

if TYPE_CHECKING:
    from llmgen.checks.context import Context
    from llmgen.facts import Facts
    from llmgen.plan import Plan
    from llmgen.plan.budget import Budget
    from llmgen.values import ValueTree

ROLLOUT, OVERRIDES = "rollout.yaml", "overrides.yaml"
"""Files beside the generated values; render reads them and never writes them."""
OVERLAYS = (OVERRIDES, ROLLOUT)
"""The order in which Helm layers them over the values: the rollout last, so that nothing people wrote undoes an abort."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Everything one run found out. ``values`` is None when any problem is an error."""

    loaded: Loaded
    problems: tuple[Problem, ...]
    context: Context | None = None
    facts: Facts | None = None
    plan: Plan | None = None
    budget: Budget | None = None
    values: ValueTree | None = None

    @property
    def failed(self) -> bool:
        """Whether the input is wrong."""
        return bool(errors(self.problems))


def run(path: str, env: str | None = None, *, beside: FilePath | None = None, layered: bool = True) -> Outcome:
    """Check and plan one environment of the spec at ``path``, and build its values if nothing is wrong.

    ``beside`` is the folder of the generated values, where overlays are looked for; the spec's own folder by default. ``layered``
    False leaves overlays to the caller. Raises KeyError if the file has no environment ``env``.
    """
    from llmgen import checks, facts  # noqa: PLC0415 -- `llmgen --help` needs none of this
    from llmgen.checks.context import Context  # noqa: PLC0415

    loaded = load(path, env)
    if loaded.spec is None:
        return Outcome(loaded=loaded, problems=loaded.problems)
    context = Context(loaded=loaded, spec=loaded.spec)
    known = facts.gather(context)
    checks.check(context, known)
    if errors(loaded.problems) or errors(context.problems):
        return Outcome(loaded=loaded, problems=_all(loaded, context), context=context, facts=known)
    return _planned(loaded, context, known, beside or FilePath(path).parent, layered=layered)


def _planned(loaded: Loaded, context: Context, known: Facts, folder: FilePath, *, layered: bool) -> Outcome:
    from llmgen import plan, values  # noqa: PLC0415 -- only for a spec that makes sense
    from llmgen.plan import budget, notes  # noqa: PLC0415
    from llmgen.values import overlays  # noqa: PLC0415

    planned = plan.make(context, known)
    drawn = budget.draw(context, planned)
    budget.check(context, drawn)
    notes.check(context, planned)
    if errors(context.problems):
        return Outcome(
            loaded=loaded, problems=_all(loaded, context), context=context, facts=known, plan=planned, budget=drawn
        )
    tree = values.build(context.spec, known, planned, drawn)
    overlays.check(context, planned, tree, [folder / name for name in OVERLAYS] if layered else [])
    outcome = Outcome(
        loaded=loaded, problems=_all(loaded, context), context=context, facts=known, plan=planned, budget=drawn,
        values=None if errors(context.problems) else tree,
    )  # fmt: skip
    return outcome if outcome.failed or not layered else _ahead(outcome, folder)


def _ahead(outcome: Outcome, folder: FilePath) -> Outcome:
    """Add what the rollouts ahead will be refused for."""
    from llmgen.rollout import outlook, state  # noqa: PLC0415 -- only for a spec that makes sense

    release, _ = state.load(outcome, folder, strict=False)
    if release is None or outcome.context is None:
        return outcome
    outlook.check(release)
    return replace(outcome, problems=_all(outcome.loaded, outcome.context))


def _all(loaded: Loaded, context: Context) -> tuple[Problem, ...]:
    return tuple(in_file_order([*loaded.problems, *context.problems]))


def validate(path: str, env: str | None = None) -> list[Problem]:
    """Return every problem of the spec at ``path``: of one environment, or of all of them when ``env`` is None."""
    names = environments(path) if env is None else ()
    found: dict[tuple[object, ...], Problem] = {}
    seen: dict[tuple[object, ...], list[str]] = {}
    for name in names or (env,):
        for problem in run(path, name).problems:
            key = (problem.id, problem.span, problem.message)
            found.setdefault(key, problem)
            seen.setdefault(key, []).append(name or "")
    return in_file_order(_said_of(problem, seen[key], names) for key, problem in found.items())


def _said_of(problem: Problem, seen: list[str], names: tuple[str, ...]) -> Problem:
    """Say which environments a problem is in, where it is not in all of them."""
    if len(seen) >= len(names) or problem.path[:1] == ("environments",):
        return problem
    return replace(problem, message=f"{problem.message} (environment {', '.join(seen)})")
