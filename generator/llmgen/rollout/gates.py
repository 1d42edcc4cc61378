"""What speaks for the next step, and what against it. Missing data never speaks for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from llmgen.rollout.evidence import Evidence
    from llmgen.spec.model import Rollout

Verdict = Literal["holds", "fails", "missing"]


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
    """Say whether every gate holds."""
    return all(gate.verdict == "holds" for gate in gates)


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


def compare(canary: Evidence, stable: Evidence, rollout: Rollout, *, generates: bool) -> tuple[Gate, ...]:
    """Compare two revisions by the spec's gates."""
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
    return tuple(gates)


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
