"""Engines and GPUs that a step needs: for its own share, and started ahead for the next one."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from llmgen.plan import budget
from llmgen.plan.shapes import utilization
from llmgen.rollout.steps import ALL, Step

if TYPE_CHECKING:
    from llmgen.checks.context import Context, Resolved
    from llmgen.plan import EnginePlan, Plan
    from llmgen.rollout.state import Release, State

REDUNDANT = 2
"""Engines of a stable revision in production, at the least: as plan.engines has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """What one pool must hold during a step, and what it can."""

    name: str
    nodes: int
    most: int
    gpus: int
    claims: tuple[str, ...]

    @property
    def fits(self) -> bool:
        """Whether it holds."""
        return self.nodes <= self.most

    def __str__(self) -> str:
        """Say it for a message."""
        return f"pool {self.name!r} needs {self.nodes} nodes ({', '.join(self.claims)} GPUs), and may have {self.most}"


def engines(context: Context, item: Resolved, planned: EnginePlan, percent: int) -> int:
    """Return how many engines of a revision ``percent`` of the model's peak needs, at least one.

    ceil(peak x share / (utilization x concurrency)), or by output tokens per second where that is more: the arithmetic of the plan.
    All of the traffic makes it the stable revision, which has at least two in production.
    """
    targets, shape = item.model.targets, planned.shape
    needed = math.ceil(targets.peak_concurrent_requests * percent / ALL / (utilization(item) * shape.concurrency.value))
    wanted, speed = targets.output_tokens_per_second, shape.latency
    if wanted is not None and speed is not None and speed.output_tokens_per_second.value > 0:
        needed = max(needed, math.ceil(wanted * percent / ALL / speed.output_tokens_per_second.value))
    redundant = context.spec.production and not item.model.preemptible and percent == ALL
    return max(needed, REDUNDANT if redundant else 1)


def needed(state: State, percent: int, revision: str | None = None) -> int:
    """Return how many engines the candidate (or ``revision``) needs for ``percent`` of the requests."""
    name = revision or state.candidate
    item = next(one for one in state.release.context.revisions() if (one.model_name, one.name) == (state.name, name))
    return engines(state.release.context, item, state.release.plan.engines[state.name, item.name], percent)


def must_prepare(state: State, first: Step) -> bool:
    """Say whether the first step needs more engines of the candidate than the values start without it."""
    return needed(state, first.load) > int(state.given(str(state.candidate))["minReplicas"])


def for_step(state: State, ahead: tuple[Step, ...], index: int) -> int:
    """Return the engines that run during step ``index``: what the next one needs, never fewer than the values have."""
    following = ahead[min(index + 1, len(ahead) - 1)]
    share = max(following.load, ahead[index].load)
    return max(needed(state, share), int(state.given(str(state.candidate))["minReplicas"]))


def bounds(given: Mapping[str, Any], least: int) -> dict[str, int]:
    """Return the scaling that starts ``least`` engines; the maximum is only raised where it would forbid them."""
    return {"minReplicas": least, **({"maxReplicas": least} if int(given["maxReplicas"]) < least else {})}


def pools(release: Release, rollout: Mapping[str, Any]) -> tuple[Pool, ...]:
    """Return what every pool must hold with ``rollout`` as rollout.yaml: interactive models at their most, as `render` counts."""
    return of_values(release.context, release.plan, release.layered(rollout))


def of_values(context: Context, plan: Plan, values: Mapping[str, Any]) -> tuple[Pool, ...]:
    """Return what every pool must hold with these values."""
    drawn = budget.draw(context, plan, values)
    found = []
    for name, claims in drawn.claims.items():
        per_node, most = drawn.sizes[name]
        if any(claim.gpus > per_node for claim in claims):
            continue  # reported where the shape is checked
        gpus = sum(claim.gpus * claim.engines for claim in claims)
        said = tuple(str(claim) for claim in claims if claim.engines)
        found.append(Pool(name=name, nodes=drawn.nodes(name), most=most, gpus=gpus, claims=said))
    return tuple(found)
