"""What the plan cannot keep, and what this version does not render yet. Nothing is ignored silently."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmgen.plan import storage
from llmgen.plan.engines import engines_of_peak
from llmgen.spec.quantity import byte_count

if TYPE_CHECKING:
    from llmgen.checks.context import Context
    from llmgen.plan import EnginePlan, Plan
    from llmgen.problems import Path

LONGEST_LOAD_SECONDS = 86_400
"""The chart's contract allows no longer startup budget."""

NOT_RENDERED = {
    "gateway.replicas.max": "the gateway is not autoscaled by this version: gateway.replicas.min pods run",
    "traffic": "the mesh is not told about revisions by this version: with the provider istio the stable one answers everything",
    "observability": "alerts, dashboards and scraping are not rendered by this version",
}
"""Blocks, or keys in them, that are checked and that no template reads yet."""

NOT_RENDERED_OF_MODELS = {
    ("rollout",): "rollouts are not driven by this version; move the tracks by hand",
    ("scaling", "warm"): "warm windows are not rendered by this version: the number of engines is fixed",
    ("scaling", "kvCacheTarget"): "autoscaling is not rendered by this version: the number of engines is fixed",
    ("scaling", "ttftTrigger"): "autoscaling is not rendered by this version: the number of engines is fixed",
    (
        "targets",
        "growthPerMinute",
    ): "autoscaling is not rendered by this version: the engines of the peak run all the time",
}
"""The same below each model and below each revision's patch."""


def check(context: Context, plan: Plan) -> None:
    """Report engines too few for the peak, pods too large for their node, and blocks that are only checked."""
    for item in context.revisions():
        planned = plan.engines.get((item.model_name, item.name))
        if planned is None:
            continue
        if item.name == item.model.tracks.stable and not item.model.preemptible:
            (needed, _), least = engines_of_peak(item, planned.shape), planned.min_replicas.value
            if least < needed:
                context.add(
                    "LLM304", (*item.path, "scaling", "min"),
                    f"{least} engines run, and the peak of {item.model.targets.peak_concurrent_requests} requests needs {needed}; "
                    "autoscaling is not available yet, so nothing adds them", severity="warning", hint=f"min: {needed}",
                )  # fmt: skip
        _node(context, item.path, planned.pool, planned)
        _load(context, item.path, planned)
    storage.check(context, plan)
    _not_rendered(context)


def _load(context: Context, path: Path, planned: EnginePlan) -> None:
    budget = planned.startup_budget
    if budget.value > LONGEST_LOAD_SECONDS:
        text = f"{path[1]}/{path[3]} would take up to {budget.value / 3600:.0f} hours to load: {budget.because}"
        context.add("LLM313", (*path, "source"), text, key=True, hint="a faster storage, or its measured readMBps")


def _not_rendered(context: Context) -> None:
    document = context.loaded.document
    for block, note in NOT_RENDERED.items():
        keys = tuple(block.split("."))
        if document is not None and document.has(keys) and not _needless(context, block):
            context.add("LLM391", keys, note, key=True, severity="warning")
    for name, model in context.spec.models.items():
        for below in ((), *(("revisions", revision) for revision in model.revisions)):
            for keys, note in NOT_RENDERED_OF_MODELS.items():
                if document is not None and document.has(("models", name, *below, *keys)):
                    context.add("LLM391", ("models", name, *below, *keys), note, key=True, severity="warning")


def _needless(context: Context, block: str) -> bool:
    """Whether what is not rendered is not asked for either."""
    gateway = context.spec.gateway
    if block == "traffic":
        return context.spec.traffic.provider == "gateway"
    return block == "gateway.replicas.max" and (not gateway.enabled or gateway.replicas.max == gateway.replicas.min)


def _node(context: Context, path: Path, pool_name: str, planned: EnginePlan) -> None:
    of = f"{path[1]}/{path[3]}"
    pool = context.spec.cluster.pools[pool_name]
    engines = max(1, pool.gpus_per_node // planned.gpus)
    if pool.node_cpu is not None and engines * float(planned.host.cpu.value) > pool.node_cpu:
        context.add(
            "LLM312", ("cluster", "pools", pool_name, "nodeCpu"),
            f"{engines} engines of {planned.host.cpu.value} cores fill a node of {pool_name!r}, which leaves {pool.node_cpu:g} ({of})",
            hint=f"at least {engines * float(planned.host.cpu.value):g} cores, or GPUs stay idle",
        )  # fmt: skip
    memory = engines * byte_count(planned.host.memory.value)
    if pool.node_memory is not None and memory > pool.node_memory:
        context.add(
            "LLM312", ("cluster", "pools", pool_name, "nodeMemory"),
            f"{engines} engines of {planned.host.memory.value} do not fit a node of {pool_name!r} ({of})",
            hint=f"at least {memory / 2**30:.0f}Gi, or GPUs stay idle",
        )  # fmt: skip
