"""One revision's engine: shape, limits, load budget, size, host."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

from llmgen.plan import scaling
from llmgen.plan.derivation import Derived, from_catalog, from_spec, from_term
from llmgen.plan.hosts import Host, host
from llmgen.plan.scaling import Scaling
from llmgen.sizing import Device, LoadBudget, LoadSource, Shape, load_budget, memory

if TYPE_CHECKING:
    from llmgen.checks.context import Context, Resolved
    from llmgen.facts import Facts
    from llmgen.problems import Path
    from llmgen.spec.cluster import Pool

MB = 1e6
MIB = 2**20
PATIENCE = 10
"""How many times its expected load an engine may take before the startup probe ends it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EnginePlan:
    """Everything that arithmetic decided about one revision."""

    pool: str
    shape: Shape
    load: LoadBudget
    host: Host
    concurrency: Derived
    startup_budget: Derived
    startup_expected: Derived
    scaling: Scaling

    @property
    def min_replicas(self) -> Derived:
        """Engines that always run."""
        return self.scaling.least

    @property
    def max_replicas(self) -> Derived:
        """The most engines."""
        return self.scaling.most

    @property
    def gpus(self) -> int:
        """GPUs of one engine."""
        return self.shape.tensor_parallel * self.shape.pipeline_parallel


def plan(context: Context, facts: Facts, item: Resolved, shape: Shape) -> EnginePlan:
    """Derive every number of ``item`` from its chosen shape."""
    pool = context.spec.cluster.pools[shape.pool]
    gpus = shape.tensor_parallel * shape.pipeline_parallel
    checkpoint = _checkpoint_bytes(facts, item, shape, pool)
    engines_per_node = max(1, pool.gpus_per_node // gpus)
    architecture = facts.revisions[item.model_name, item.name].architecture
    load = load_budget(
        checkpoint, _source(context, item), shape.engine, layers=architecture.layers if architecture is not None else 64,
        node_memory_bytes=None if pool.node_memory is None else pool.node_memory // engines_per_node,
    )  # fmt: skip
    prefetch = load.safetensors_load_strategy is not None
    expected, budget = _startup(item, load)
    return EnginePlan(
        pool=shape.pool,
        shape=shape,
        load=load,
        host=host(gpus, checkpoint, prefetch=prefetch, node_memory=pool.node_memory, engines_per_node=engines_per_node),
        concurrency=_concurrency(facts, item, shape),
        startup_budget=budget,
        startup_expected=expected,
        scaling=scaling.plan(context, item, shape, load.expected_seconds.value),
    )


def _checkpoint_bytes(facts: Facts, item: Resolved, shape: Shape, pool: Pool) -> float:
    """Bytes that one engine reads at start: the checkpoint as stored, which is larger than what stays when fp8 is made while loading."""
    architecture = facts.revisions[item.model_name, item.name].architecture
    if shape.engine.quantization is None or architecture is None:
        return shape.memory.weight_bytes
    device = Device.of(facts.gpus[shape.pool], mig=pool.mig)
    return memory(architecture, device, dataclasses.replace(shape.engine, quantization=None)).weight_bytes


def _source(context: Context, item: Resolved) -> LoadSource:
    """Say how the weights reach the node, in the words of the load budget."""
    source = item.revision.source
    if source.volume is not None:
        storage = context.spec.cluster.storage.get(source.volume.storage)
        if storage is not None:
            rate = None if storage.read_mbps is None else storage.read_mbps * MB / MIB
            return LoadSource(kind=storage.kind, read_mib_per_s=rate)
    for kind in ("hub", "s3", "gcs", "oci"):
        if getattr(source, kind) is not None:
            return LoadSource(kind=kind)
    return LoadSource(kind="pvc")


def _concurrency(facts: Facts, item: Resolved, shape: Shape) -> Derived:
    found, gpu, memory = facts.revisions[item.model_name, item.name], facts.gpus[shape.pool], shape.memory
    path: Path = ("models", item.model_name)
    tokens = item.model.limits.context_tokens
    bounds = {
        "kv": f"the safe KV cache of {memory.kv_cache_tokens_safe} tokens holds {int(shape.concurrency.value)} requests of {tokens}",
        "tpot": f"more would miss the TPOT target; the KV cache holds {memory.requests_that_fit(tokens)} requests of {tokens}",
        "limit": f"limits.maxConcurrentRequests; the KV cache holds {memory.requests_that_fit(tokens)} requests of {tokens}",
        "max-num-seqs": f"enough for the peak; the KV cache holds {memory.requests_that_fit(tokens)} requests of {tokens}",
    }
    terms = tuple(from_term(f"sizing {name}", term) for name, term in memory.terms().items())
    return Derived(
        value=int(shape.concurrency.value),
        because=bounds[shape.limited_by],
        origins=(
            from_spec(*path, "limits", "maxPromptTokens"),
            from_spec(*path, "limits", "maxCompletionTokens"),
            from_spec(*path, "targets", "tpotP95"),
            from_spec(*item.path, "engine", "gpuMemoryUtilization"),
            from_catalog(f"gpus.{gpu.name}.memoryGiB", gpu.memory_gib),
            from_catalog(f"models.{found.architecture_from}"),
            *terms,
        ),
    )


def _startup(item: Resolved, load: LoadBudget) -> tuple[Derived, Derived]:
    """Seconds that a start is expected to take, and those it may take before it is killed.

    The load budget covers the slow tail of the storage. A probe may only end what is stuck, and a start that died restarts at once
    without it, so the budget is never below PATIENCE times the expected load: waiting costs little, a kill costs a whole load.
    """
    origins = (from_spec(*item.path, "source"), from_catalog("storage"))
    expected, tail = load.expected_seconds, load.budget_seconds
    patient = PATIENCE * round(expected.value)
    if patient > tail.value:
        why = f"{PATIENCE} x the expected load; the slow tail of the storage is {tail.value:.0f} s"
        budget = Derived(value=patient, because=why, origins=origins)
    else:
        budget = Derived(value=round(tail.value), because=tail.because, origins=origins)
    return Derived(value=round(expected.value), because=expected.because, origins=origins), budget
