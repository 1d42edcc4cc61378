"""The whole way of a candidate at once: what each step would write, and whether the pools hold it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from llmgen.rollout import capacity, moves
from llmgen.rollout.capacity import Pool
from llmgen.rollout.state import of
from llmgen.rollout.steps import ALL

if TYPE_CHECKING:
    from llmgen.rollout.state import Release, State

_NEVER = datetime(1970, 1, 1, tzinfo=UTC)
"""The time in records that are only looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One line of the plan. Shares in percent; ``engines`` of the candidate, ``stable_engines`` of the revision it replaces."""

    name: str
    stable: int
    canary: int
    mirror: int
    engines: int
    gpus: int
    stable_engines: int
    stable_gpus: int
    pools: tuple[Pool, ...]
    reached: bool

    @property
    def fits(self) -> bool:
        """Whether every pool holds it."""
        return all(pool.fits for pool in self.pools)


def outlook(state: State) -> tuple[Stage, ...]:
    """Return every step and the promotion; empty without a candidate."""
    ahead, at = state.steps(), state.position()
    if not ahead:
        return ()
    stages = []
    for index, step in enumerate(ahead):
        entry = moves.advance(state, index, _NEVER)
        shares = (ALL - step.weight, step.weight, step.mirror)
        stages.append(_stage(state, str(step), shares, entry, reached=index <= at))
    if ahead[-1].weight == ALL:
        stages.append(_stage(state, "promote", (0, ALL, 0), moves.promote(state, _NEVER), reached=False))
    return tuple(stages)


def check(release: Release) -> None:
    """Warn of every candidate whose way the pools cannot hold to its end (LLM501)."""
    for name in release.models():
        state = of(release, name)
        if state.candidate is None or (name, state.candidate) not in release.plan.engines or _last_fits(state):
            continue
        stage = next(stage for stage in outlook(state) if not stage.fits)
        pool = next(pool for pool in stage.pools if not pool.fits)
        track = "canary" if state.model.tracks.canary == state.candidate else "shadow"
        release.context.add(
            "LLM501", ("models", name, "tracks", track), f"the rollout of {state.candidate} will be refused at {stage.name}: {pool}",
            severity="warning", hint="llmgen rollout plan shows every step",
        )  # fmt: skip


def _last_fits(state: State) -> bool:
    """Say whether the step that needs most fits; the others are not looked at then."""
    ahead = state.steps()
    if not ahead:
        return True
    entry = moves.advance(state, len(ahead) - 1, _NEVER)
    held = capacity.pools(state.release, moves.put(state.release.written, state.name, entry))
    mine = {state.release.plan.engines[state.name, revision].pool for revision in (str(state.candidate), state.stable)}
    return all(pool.fits for pool in held if pool.name in mine)


def _stage(state: State, name: str, shares: tuple[int, int, int], entry: dict[str, Any], *, reached: bool) -> Stage:
    candidate, plan = str(state.candidate), state.release.plan.engines
    engines = int(entry["revisions"][candidate]["scaling"]["minReplicas"])
    stable = int(state.scaling(state.stable)["minReplicas"])
    mine = {plan[state.name, revision].pool for revision in (candidate, state.stable)}
    held = capacity.pools(state.release, moves.put(state.release.written, state.name, entry))
    return Stage(
        name=name, stable=shares[0], canary=shares[1], mirror=shares[2], engines=engines,
        gpus=engines * plan[state.name, candidate].gpus, stable_engines=stable,
        stable_gpus=stable * plan[state.name, state.stable].gpus,
        pools=tuple(pool for pool in held if pool.name in mine), reached=reached,
    )  # fmt: skip
