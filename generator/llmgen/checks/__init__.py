"""Rules across fields, one module per family; ids LLM2xx."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmgen.checks import (
    engine_flags,
    gateway,
    gpus,
    limits,
    names,
    production,
    references,
    scaling,
    secrets,
    storage,
    traffic,
)

if TYPE_CHECKING:
    from llmgen.checks.context import Context
    from llmgen.facts import Facts

__all__ = ["check"]


def check(context: Context, facts: Facts) -> None:
    """Run every rule; what is wrong is added to ``context``."""
    for family in (references, limits, names, storage, scaling, traffic, gateway, secrets, production):
        family.check(context)
    gpus.check(context, facts)
    engine_flags.check(context, facts)
