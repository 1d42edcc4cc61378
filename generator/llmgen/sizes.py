"""The shapes of every revision of a spec, and the times that follow: what ``llmgen size SPEC`` shows, whether or not one fits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from llmgen.load import load
from llmgen.problems import Problem, errors, in_file_order

if TYPE_CHECKING:
    from llmgen.checks.context import Context
    from llmgen.facts import Facts
    from llmgen.plan.times import Times
    from llmgen.sizing import SearchResult


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionSizes:
    """Ranked and rejected shapes of one revision, and the times of the planned one; None where nothing can be planned."""

    model: str
    revision: str
    result: SearchResult
    times: Times | None = None

    def times_json(self) -> dict[str, object]:
        """The times as JSON, empty where there are none."""
        if self.times is None:
            return {}
        return {
            "loadExpectedSeconds": self.times.expected,
            "startupProbeSeconds": self.times.startup_probe,
            "engineReadyTimeoutSeconds": self.times.engine_ready_timeout,
            "progressDeadlineSeconds": self.times.progress_deadline,
            "helmTimeoutSeconds": self.times.helm_timeout,
        }


def of_spec(
    path: str, env: str | None, model: str | None = None
) -> tuple[tuple[RevisionSizes, ...], tuple[Problem, ...]]:
    """Size every revision, or those of ``model``; the problems say what made the spec unsizable.

    Raises UnknownName when the spec has no ``model``.
    """
    from llmgen import checks, facts  # noqa: PLC0415 -- `llmgen --help` needs none of this
    from llmgen.catalog import UnknownName  # noqa: PLC0415
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
        raise UnknownName("model of the spec", model, loaded.spec.models)
    found, follow = [], _times(context, known)
    for item in context.revisions():
        if model is None or item.model_name == model:
            result = shapes.shapes(context, known, item)
            if result is not None:
                after = follow.get((item.model_name, item.name))
                found.append(RevisionSizes(model=item.model_name, revision=item.name, result=result, times=after))
    return tuple(found), problems


def _times(context: Context, known: Facts) -> dict[tuple[str, str], Times]:
    """Times of every revision that can be planned."""
    from llmgen import plan  # noqa: PLC0415 -- `llmgen --help` needs none of this
    from llmgen.plan import budget, times  # noqa: PLC0415

    planned = plan.make(context, known)
    drawn = budget.draw(context, planned)
    return {
        key: times.times(
            expected=int(engine.startup_expected.value),
            budget=int(engine.startup_budget.value),
            request_timeout=round(context.spec.models[key[0]].limits.request_timeout),
            surge=bool(drawn.surge(key).value),
            engines=int(
                (engine.max_replicas if engine.scaling.autoscaler.value != "none" else engine.min_replicas).value
            ),
        )
        for key, engine in planned.engines.items()
    }
