"""The way of a revision: prepare, shadow, rising weights, promotion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from llmgen.spec.model import Rollout

Kind = Literal["prepare", "shadow", "weight"]
ALL = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step: the canary's share of the answers, and the share of copies it gets, in percent."""

    kind: Kind
    weight: int = 0
    mirror: int = 0

    @property
    def load(self) -> int:
        """Share of the model's requests that reach the canary, copies included, in percent."""
        return max(self.weight, self.mirror)

    def __str__(self) -> str:
        """Name it as commands do."""
        return f"{self.weight} %" if self.kind == "weight" else self.kind


def steps(rollout: Rollout, *, prepare: bool) -> tuple[Step, ...]:
    """Return the steps in order, the promotion not among them.

    ``prepare``: the first step needs more engines than the values have, so they have to be started before it.
    """
    found = [Step(kind="prepare")] if prepare else []
    if rollout.shadow_percent:
        found.append(Step(kind="shadow", mirror=rollout.shadow_percent))
    return (*found, *(Step(kind="weight", weight=weight) for weight in rollout.steps))
