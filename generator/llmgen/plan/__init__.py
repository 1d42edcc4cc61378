"""The plan: facts and promises turned into numbers, each with its reason."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from llmgen.plan import engines, shapes
from llmgen.plan.engines import EnginePlan

if TYPE_CHECKING:
    from llmgen.checks.context import Context
    from llmgen.facts import Facts

__all__ = ["EnginePlan", "Plan", "make"]


@dataclass(slots=True)
class Plan:
    """The plan of one environment, by (model, revision)."""

    engines: dict[tuple[str, str], EnginePlan] = field(default_factory=dict)


def make(context: Context, facts: Facts) -> Plan:
    """Plan every revision whose facts are known; what cannot work is reported to ``context``."""
    plan = Plan()
    for item in context.revisions():
        shape = shapes.choose(context, facts, item)
        if shape is not None:
            plan.engines[item.model_name, item.name] = engines.plan(context, facts, item, shape)
    return plan
