"""What speaks for the next step, and what against it. Missing data never speaks for it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from llmgen.rollout.evidence import Evidence, Share
    from llmgen.spec.model import Rollout

Verdict = Literal["holds", "fails", "missing", "few"]
"""``few``: too few samples to say. It holds no step, since nobody may ever ask a model for JSON, and it is shown."""

ENOUGH = 100
"""Judged answers of each side from which a difference is taken as it is: one of them is one percent."""
UNLIKELY = 0.01
"""With fewer of the canary, a difference counts where one allowed would show it this rarely."""
OPEN = frozenset({"holds", "few"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """One gate: both sides as text, what the canary may be, and the verdict."""

    name: str
    canary: str
    stable: str = ""
    limit: str = ""
    verdict: Verdict

    def __str__(self) -> str:
        """Say why it does not hold."""
        against = f" against {self.stable}" if self.stable else ""
        return f"{self.name}: {self.canary}{against}, want {self.limit}"


def open_(gates: tuple[Gate, ...]) -> bool:
    """Say whether no gate speaks against the step."""
    return all(gate.verdict in OPEN for gate in gates)


def ready(found: float | None, needed: int) -> Gate:
    """The canary's ready engines against what the next step needs."""
    return _count("ready engines", found, needed)


def brake(found: float | None) -> Gate:
    """The brake: while it is on, weights mean nothing. A gateway without that series does not run."""
    verdict: Verdict = "fails" if found else "holds"
    return Gate(name="brake", canary="on" if found else "off", limit="off", verdict=verdict)


def unanswered(why: str) -> Gate:
    """Prometheus cannot be asked."""
    return Gate(name="Prometheus", canary=why, limit="an answer", verdict="missing")


def bake(spent: float, least: float) -> Gate:
    """The time spent on this step, both in seconds."""
    verdict: Verdict = "holds" if spent >= least else "fails"
    return Gate(name="bake", canary=span(spent), limit=f"at least {span(least)}", verdict=verdict)


def compare(canary: Evidence, stable: Evidence, rollout: Rollout, *, generates: bool, judged: bool) -> tuple[Gate, ...]:
    """Compare two revisions by the spec's gates. judged: a gateway sees the answers."""
    allowed, enough = rollout.gates, rollout.min_requests
    gates = [
        _count("requests", canary.samples, enough),
        _rise("error rate", canary.error_rate, stable.error_rate, allowed.error_rate),
        _slower("TTFT p95" if generates else "latency p95", canary.ttft_p95, stable.ttft_p95, allowed.ttft_p95),
    ]
    if generates:
        gates += [
            _slower("TPOT p95", canary.tpot_p95, stable.tpot_p95, allowed.tpot_p95),
            _rise("truncated", canary.truncation, stable.truncation, allowed.truncation),
        ]
        for name, of, least in (
            ("refusals", "refusals", allowed.refusal_rate),
            ("invalid JSON", "json", allowed.json_validity),
            ("invalid tool calls", "tools", allowed.tool_call_validity),
        ):
            if judged:
                gates.append(_worse(name, getattr(canary, of), getattr(stable, of), least))
    return tuple(gates)


def _worse(name: str, canary: Share | None, stable: Share | None, allowed: float) -> Gate:
    """Compare two shares of answers, of which there may be few."""
    limit = f"at most {100 * allowed:g} points more"
    if canary is None or stable is None:
        sides = ("no data" if side is None else _of(side) for side in (canary, stable))
        return Gate(name=name, canary=next(sides), stable=next(sides), limit=limit, verdict="missing")
    most, few = stable.value + allowed, min(canary.whole, stable.whole) < ENOUGH
    verdict: Verdict = "few" if few else "holds" if canary.value <= most else "fails"
    if few and stable.whole >= ENOUGH and _chance(round(canary.part), round(canary.whole), most) < UNLIKELY:
        verdict = "fails"
    return Gate(name=name, canary=_of(canary), stable=_of(stable), limit=limit, verdict=verdict)


def _chance(hits: int, tries: int, rate: float) -> float:
    """How likely so many hits or more are: the tail of the binomial distribution."""
    one = min(rate, 1.0)
    return sum(math.comb(tries, n) * one**n * (1 - one) ** (tries - n) for n in range(hits, tries + 1))


def _of(share: Share) -> str:
    return f"{share.value:.2%} of {share.whole:.0f}"


def _count(name: str, found: float | None, least: int) -> Gate:
    verdict: Verdict = "missing" if found is None else "holds" if found >= least else "fails"
    return Gate(name=name, canary=_text(found, "{:.0f}"), limit=f"at least {least}", verdict=verdict)


def _rise(name: str, canary: float | None, stable: float | None, allowed: float) -> Gate:
    holds = None if canary is None or stable is None else canary - stable <= allowed
    return _compared(name, (canary, stable), "{:.2%}", f"at most {100 * allowed:g} points more", holds=holds)


def _slower(name: str, canary: float | None, stable: float | None, allowed: float) -> Gate:
    holds = None if canary is None or stable is None else canary <= stable * (1 + allowed)
    return _compared(name, (canary, stable), "{:.3f} s", f"at most {100 * allowed:g} % more", holds=holds)


def _compared(
    name: str, sides: tuple[float | None, float | None], form: str, limit: str, *, holds: bool | None
) -> Gate:
    verdict: Verdict = "missing" if holds is None else "holds" if holds else "fails"
    canary, stable = (_text(side, form) for side in sides)
    return Gate(name=name, canary=canary, stable=stable, limit=limit, verdict=verdict)


def _text(value: float | None, form: str) -> str:
    return "no data" if value is None else form.format(value)


def span(seconds: float) -> str:
    """Return a time as people say it: 95 s, 42 min, 3 h 5 min."""
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 2:  # noqa: PLR2004 -- a minute and a half reads better in seconds
        return f"{round(seconds)} s"
    hours, left = divmod(minutes, 60)
    return (
        (f"{hours} h {left} min" if left else f"{hours} h")
        if hours
        else f"{minutes} min" + (f" {rest} s" if rest else "")
    )
