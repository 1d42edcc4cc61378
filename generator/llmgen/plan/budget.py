"""GPUs that everything can ask for at once, against the nodes each pool may have."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from llmgen.plan import storage
from llmgen.plan.derivation import Derived, from_plan, from_spec
from llmgen.plan.packing import nodes_needed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmgen.checks.context import Context
    from llmgen.plan import Plan
    from llmgen.problems import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What one revision can ask of its pool: ``engines`` of ``gpus`` GPUs each."""

    model: str
    revision: str
    pool: str
    gpus: int
    engines: int
    preemptible: bool
    single_node: str | None = None
    """A volume it mounts that only one node may mount."""

    def __str__(self) -> str:
        """Say it for a message."""
        return f"{self.model}/{self.revision} {self.engines} x {self.gpus}"


@dataclass(slots=True, kw_only=True)
class Budget:
    """Claims by pool, and whether each pool has room for a surge."""

    claims: dict[str, list[Claim]] = field(default_factory=lambda: defaultdict(list))
    sizes: dict[str, tuple[int, int]] = field(default_factory=dict)
    """GPUs per node and most nodes, by pool."""
    _nodes: dict[tuple[str, int], int] = field(default_factory=dict)
    _by_revision: dict[tuple[str, str], Claim] = field(default_factory=dict)

    def add(self, claim: Claim) -> None:
        """Add what one revision can ask for."""
        self.claims[claim.pool].append(claim)
        self._by_revision[claim.model, claim.revision] = claim

    def nodes(self, pool: str, *, extra: int = 0) -> int:
        """Return the nodes that every claim of ``pool`` needs at once, with one more engine of ``extra`` GPUs."""
        if (pool, extra) not in self._nodes:
            engines = [claim.gpus for claim in self.claims[pool] for _ in range(claim.engines)]
            self._nodes[pool, extra] = nodes_needed([*engines, extra] if extra else engines, self.sizes[pool][0])
        return self._nodes[pool, extra]

    def surge(self, key: tuple[str, str]) -> Derived:
        """Say whether an upgrade of a revision may start a new engine before it stops an old one."""
        claim = self._by_revision[key]
        if claim.single_node is not None:
            because = (
                f"volume {claim.single_node} is for one node at a time: upgrades stop one engine before they start one"
            )
            return Derived(
                value=False,
                because=because,
                origins=(from_spec("cluster", "storage", claim.single_node, "accessMode"),),
            )
        pool = claim.pool
        per_node, most = self.sizes[pool]
        spare = self.nodes(pool, extra=claim.gpus) <= most
        origins = (
            from_spec("cluster", "pools", pool, "maxNodes"),
            from_plan("models", key[0], "revisions", key[1], "scaling", "maxReplicas"),
        )
        if spare:
            return Derived(
                value=True,
                because=f"pool {pool} has room for one more engine of {claim.gpus} at its fullest",
                origins=origins,
            )
        because = (
            f"pool {pool} ({most} nodes of {per_node}) has no spare engine: upgrades stop one before they start one"
        )
        return Derived(value=False, because=because, origins=origins)


def draw(context: Context, plan: Plan, effective: Mapping[str, Any] | None = None) -> Budget:
    """Add up what the planned revisions can ask for.

    Interactive models count at their most, batch and experimental at their least: they are preempted. ``effective`` are the
    values after every overlay, whose replica counts and parallelism win over the plan's.
    """
    budget = Budget()
    for name, pool in context.spec.cluster.pools.items():
        budget.sizes[name] = (pool.gpus_per_node, pool.max_nodes)
    for (model, revision), planned in plan.engines.items():
        preemptible = context.spec.models[model].preemptible
        engines = planned.min_replicas.value if preemptible else planned.max_replicas.value
        gpus = planned.gpus
        overlaid = _at(effective, ("models", model, "revisions", revision))
        if effective is not None and overlaid is None:
            continue  # an overlay dropped it
        if overlaid:
            scaling = overlaid.get("scaling", {})
            engines = scaling.get("minReplicas" if preemptible else "maxReplicas", engines)
            shape = overlaid.get("parallelism", {})
            gpus = shape.get("tensor", 1) * shape.get("pipeline", 1)
        claim = Claim(
            model=model, revision=revision, pool=planned.pool, gpus=gpus, engines=engines, preemptible=preemptible,
            single_node=next(iter(storage.single_node(context.spec, model, revision)), None),
        )  # fmt: skip
        budget.add(claim)
    return budget


def check(context: Context, budget: Budget) -> None:
    """Report every pool whose claims do not fit its nodes (LLM311)."""
    for pool, claims in budget.claims.items():
        per_node, most = budget.sizes[pool]
        oversized = [claim for claim in claims if claim.gpus > per_node]
        if oversized:
            continue
        needed = budget.nodes(pool)
        if needed > most:
            counted = ", ".join(str(claim) for claim in claims if claim.engines)
            context.add(
                "LLM311", ("cluster", "pools", pool, "maxNodes"),
                f"pool {pool!r} needs {needed} nodes at its fullest ({counted} GPUs), and may have {most}",
                hint="more nodes, a lower scaling.max, another pool, or a preemptible class",
            )  # fmt: skip


def _at(data: Mapping[str, Any] | None, path: Path) -> Mapping[str, Any] | None:
    here: Any = data
    for step in path:
        if not isinstance(here, dict) or step not in here:
            return None
        here = here[step]
    return here if isinstance(here, dict) else None
