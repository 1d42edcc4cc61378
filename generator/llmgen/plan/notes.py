"""What the plan cannot keep, and what this version does not render yet. Nothing is ignored silently."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmgen.plan import storage
from llmgen.plan.monitoring import discovery
from llmgen.plan.scaling import autoscaler, engines_of_peak, warm_floor
from llmgen.spec.quantity import byte_count

if TYPE_CHECKING:
    from llmgen.checks.context import Context, Resolved
    from llmgen.plan import EnginePlan, Plan
    from llmgen.problems import Path

LONGEST_LOAD_SECONDS = 86_400
"""The chart's contract allows no longer startup budget."""

NOT_RENDERED = {
    "observability": "nobody would read it: the cluster has neither addons.prometheusOperator nor prometheus",
}
"""Blocks that are checked and that nothing in this cluster reads."""

TRACING_SINCE = (0, 17)
"""Minor version of vLLM whose wheel requires the OpenTelemetry packages; up to 0.16 they are an extra that its image leaves out."""

JUDGED_BY_GATEWAY = tuple(("rollout", "gates", name) for name in ("refusalRate", "jsonValidity", "toolCallValidity"))
"""Gates of a model that say nothing unless a gateway sees its answers."""

NEEDS_AUTOSCALER = {
    ("scaling", "warm"): ("keda",),
    ("scaling", "kvCacheTarget"): ("keda", "hpa"),
    ("scaling", "ttftTrigger"): ("keda", "hpa"),
    ("targets", "growthPerMinute"): ("keda", "hpa"),
}
"""Keys of a model that say nothing unless one of these autoscalers is there."""


def check(context: Context, plan: Plan) -> None:
    """Report engines too few for the peak, pods too large for their node, and blocks that are only checked."""
    for item in context.revisions():
        planned = plan.engines.get((item.model_name, item.name))
        if planned is None:
            continue
        _peak(context, item, planned)
        _node(context, item.path, planned.pool, planned)
        _load(context, item.path, planned)
        _traces(context, item)
    storage.check(context, plan)
    _not_rendered(context)


def _peak(context: Context, item: Resolved, planned: EnginePlan) -> None:
    """Report fewer engines than the peak needs, and fewer than the promised growth needs while others load."""
    if item.name != item.model.tracks.stable or item.model.preemptible:
        return
    scaling, path = planned.scaling, (*item.path, "scaling")
    (needed, _), peak = engines_of_peak(item, planned.shape), item.model.targets.peak_concurrent_requests
    if scaling.autoscaler.value == "none":
        if scaling.least.value < needed:
            context.add(
                "LLM304", (*path, "min"),
                f"{scaling.least.value} engines run, and the peak of {peak} requests needs {needed}; "
                "the cluster has no autoscaler that would add them", severity="warning", hint=f"min: {needed}",
            )  # fmt: skip
        return
    if scaling.most.value < needed:
        context.add(
            "LLM304", (*path, "max"), f"at most {scaling.most.value} engines run, and the peak of {peak} requests needs {needed}",
            severity="warning", hint=f"max: {needed}",
        )  # fmt: skip
    floor, why = warm_floor(item, planned.shape, planned.load.expected_seconds.value)
    if item.revision.scaling.min is not None and item.model.targets.growth_per_minute and scaling.least.value < floor:
        context.add(
            "LLM305", (*path, "min"), f"{scaling.least.value} engines cannot take the promised growth while others load: {why}",
            severity="warning", hint=f"min: {floor}",
        )  # fmt: skip


def _load(context: Context, path: Path, planned: EnginePlan) -> None:
    budget = planned.startup_budget
    if budget.value > LONGEST_LOAD_SECONDS:
        text = f"{path[1]}/{path[3]} would take up to {budget.value / 3600:.0f} hours to load: {budget.because}"
        context.add("LLM313", (*path, "source"), text, key=True, hint="a faster storage, or its measured readMBps")


def _not_rendered(context: Context) -> None:
    document = context.loaded.document
    for block, note in NOT_RENDERED.items():
        if (
            document is not None
            and document.has((block,))
            and discovery(context.spec) is None
            and not _only_traces(context)
        ):
            context.add("LLM391", (block,), note, key=True, severity="warning")
    for name, model in context.spec.models.items():
        for below in ((), *(("revisions", revision) for revision in model.revisions)):
            for keys in JUDGED_BY_GATEWAY if not context.spec.gateway.enabled else ():
                path = ("models", name, *below, *keys)
                if document is not None and document.has(path):
                    context.add(
                        "LLM391", path, "only the gateway judges answers, and it is off", key=True, severity="warning"
                    )
    _unheard(context)


def _unheard(context: Context) -> None:
    """Report what only an autoscaler would read, in a cluster that has none."""
    document, who = context.loaded.document, autoscaler(context.spec).value
    if document is None:
        return
    for name, model in context.spec.models.items():
        for below in ((), *(("revisions", revision) for revision in model.revisions)):
            for keys, readers in NEEDS_AUTOSCALER.items():
                path = ("models", name, *below, *keys)
                if document.has(path) and who not in readers:
                    text = f"{keys[-1]} needs {'KEDA' if readers == ('keda',) else 'an autoscaler'}, which the cluster does not have"
                    context.add(
                        "LLM306",
                        path,
                        text,
                        key=True,
                        severity="warning",
                        hint="cluster.addons.keda: true once it is installed",
                    )
    replicas = context.spec.gateway.replicas
    if context.spec.gateway.enabled and replicas.max > replicas.min and who == "none":
        text = f"the cluster has no autoscaler: {replicas.min} gateway pods run, whatever max says"
        context.add("LLM306", ("gateway", "replicas", "max"), text, severity="warning")


def _only_traces(context: Context) -> bool:
    """Whether the block asks for traces alone, which need no Prometheus."""
    document = context.loaded.document
    given = document.get(("observability",)) if document is not None else None
    return isinstance(given, dict) and given.keys() == {"otlpEndpoint"}


def _traces(context: Context, item: Resolved) -> None:
    """Report an engine that would end at start, because its image cannot send the traces that it is asked for."""
    engine = item.revision.engine
    own = engine.image.repository or engine.image.tag or engine.image.digest
    if context.spec.observability.otlp_endpoint is None or own:
        return
    if tuple(int(part) for part in engine.version.split(".")[:2]) < TRACING_SINCE:
        text = f"the image of vLLM {engine.version} lacks the OpenTelemetry packages, and with observability.otlpEndpoint it ends at start"
        since = ".".join(map(str, TRACING_SINCE))
        context.add(
            "LLM314",
            (*item.path, "engine", "version"),
            text,
            hint=f"{since} or later, or an image of your own that has them",
        )


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
