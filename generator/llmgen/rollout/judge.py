"""All gates of one step, from a live Prometheus."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from llmgen.rollout import capacity, evidence, gates
from llmgen.rollout.evidence import Revision, Window
from llmgen.rollout.gates import Gate
from llmgen.rollout.prometheus import Prometheus, PrometheusError
from llmgen.rollout.steps import ALL

if TYPE_CHECKING:
    from llmgen.rollout.state import State

SHORTEST = 60
"""Seconds: below two or three scrapes a rate says nothing."""


def judge(state: State, to: int, address: str | None, now: datetime) -> tuple[Gate, ...]:
    """Return the gates in front of step ``to`` of the candidate's way; one past the last is the promotion.

    Nothing stands in front of preparing. The first step with requests asks for ready engines; every later one also for the bake time
    and for the comparison with stable, over the time since the last step.
    """
    ahead, at = state.steps(), state.position()
    if to < len(ahead) and ahead[to].kind == "prepare":
        return ()
    baking = at >= 0 and ahead[at].kind != "prepare"
    spent = _spent(state, now)
    found = [gates.bake(spent, state.model.rollout.bake)] if baking else []
    if address is None:
        nobody = "nobody to ask: set cluster.prometheus.address in the spec, or give --prometheus"
        return (*found, gates.unanswered(nobody))
    try:
        prometheus = Prometheus(address)
        share = ahead[to].load if to < len(ahead) else ALL
        found += _alive(state, prometheus, share, now.timestamp())
        if baking:
            found += compare(state, prometheus, now)
    except PrometheusError as error:
        found.append(gates.unanswered(str(error)))
    return tuple(found)


def compare(state: State, prometheus: Prometheus, now: datetime) -> tuple[Gate, ...]:
    """Compare canary and stable since the last step. Raises PrometheusError.

    Once the canary has all requests, stable is looked at over the last bake time in which it had some.
    """
    spent = _spent(state, now)
    window = baseline = Window(seconds=max(SHORTEST, round(spent)))
    if state.weight == ALL:
        baseline = Window(seconds=max(SHORTEST, round(state.model.rollout.bake)), ago=window.seconds)
    canary, stable = (
        evidence.gather(prometheus, revision(state, name), over, now.timestamp())
        for name, over in ((str(state.candidate), window), (state.stable, baseline))
    )
    judged = state.release.context.spec.gateway.enabled
    return gates.compare(canary, stable, state.model.rollout, generates=state.model.kind == "generate", judged=judged)


def revision(state: State, name: str) -> Revision:
    """Return whose series belong to a revision."""
    release = state.release
    return Revision(
        namespace=release.namespace, release=release.name, model=state.name, name=name,
        generates=state.model.kind == "generate", judged=release.context.spec.gateway.enabled,
    )  # fmt: skip


def _alive(state: State, prometheus: Prometheus, share: int, at: float) -> list[Gate]:
    of = revision(state, str(state.candidate))
    found = [gates.ready(prometheus.value(evidence.ready_query(of), at=at), capacity.needed(state, share))]
    if state.release.context.spec.gateway.enabled:
        found.append(gates.brake(prometheus.value(evidence.brake_query(of), at=at)))
    return found


def _spent(state: State, now: datetime) -> float:
    return 0.0 if state.since is None else (now - state.since).total_seconds()
