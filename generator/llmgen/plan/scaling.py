"""How many engines, who decides it, and what the decision follows. All numbers come from C, the class, the load and the promises.

The autoscaler aims at T = u x C requests in flight per engine, running, waiting and queued in the gateway alike. Two times matter
beside it: a new engine answers REACTION + load seconds after requests rose, and until then the engines that run take the growth
between T and C.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from llmgen import chart
from llmgen.plan.derivation import Derived, Origin, from_plan, from_spec
from llmgen.plan.shapes import redundant, utilization

if TYPE_CHECKING:
    from llmgen.checks.context import Context, Resolved
    from llmgen.problems import Path
    from llmgen.sizing import Shape
    from llmgen.spec import Spec
    from llmgen.spec.model import WarmWindow

REACTION = 30
"""Seconds until higher load is acted on: one scrape and one look of the HorizontalPodAutoscaler, 15 s each by their defaults."""
CALM = 300
"""Seconds that Kubernetes itself waits before it scales in; the least that is planned."""
LONGEST_WINDOW = 3600
"""Seconds; Kubernetes takes no longer stabilization window."""

LEAVING = 10
"""One engine in so many of the most may leave in one period of scaleDown; each takes its prefix cache along."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scaling:
    """Sizes in engines, targets in requests (per second), times in seconds; None where the autoscaler has no use for it."""

    autoscaler: Derived
    least: Derived
    most: Derived
    in_flight: Derived | None = None
    kv_cache: Derived | None = None
    ttft: Derived | None = None
    demand: Derived | None = None
    idle: Derived | None = None
    up_pods: Derived | None = None
    down_window: Derived | None = None
    down_pods: Derived | None = None
    fallback_after: Derived | None = None
    fallback_replicas: Derived | None = None
    warm: Mapping[str, WarmWindow] = field(default_factory=dict)


def autoscaler(spec: Spec) -> Derived:
    """Say who can decide sizes in this cluster."""
    cluster = spec.cluster
    addons: Path = ("cluster", "addons")
    if cluster.addons.keda and cluster.prometheus is not None:
        origins = (from_spec(*addons, "keda"), from_spec("cluster", "prometheus"))
        return Derived(value="keda", because="the cluster has KEDA, and a Prometheus that it can ask", origins=origins)
    if cluster.addons.prometheus_adapter:
        because = "the cluster has prometheus-adapter and no KEDA"
        return Derived(value="hpa", because=because, origins=(from_spec(*addons, "prometheusAdapter"),))
    because = "the cluster has no autoscaler that could follow queues: the size is fixed"
    return Derived(value="none", because=because, origins=(from_spec(*addons, "keda"),))


def plan(context: Context, item: Resolved, shape: Shape, load: float) -> Scaling:
    """Derive the scaling of ``item`` from its shape and the seconds ``load`` that it is expected to load."""
    who = autoscaler(context.spec)
    if who.value == "none":
        least, most = _fixed(context, item, shape)
        return Scaling(autoscaler=who, least=least, most=most)
    target = _in_flight(item, shape)
    floor = warm_floor(item, shape, load)
    most = _most(context, item, shape, floor, who.value)
    least = _least(context, item, floor, most)
    up, (down, leaving) = _up(item, target), _down(item, load, most)
    if least.value == 0:
        demand = _demand(item, shape, target)
        return Scaling(
            autoscaler=who, least=least, most=most, up_pods=up, down_window=down, down_pods=leaving, demand=demand,
            idle=_idle(item),
        )  # fmt: skip
    settings, path = item.revision.scaling, (*item.path, "scaling")
    ttft = None
    if settings.ttft_trigger and item.model.targets.ttft_p95 is not None:
        origins = (from_spec(*path, "ttftTrigger"), from_spec("models", item.model_name, "targets", "ttftP95"))
        promised = item.model.targets.ttft_p95
        value = int(promised) if float(promised).is_integer() else float(promised)
        ttft = Derived(value=value, because="the promise itself, while no engine loads", origins=origins)
    kv = Derived(value=settings.kv_cache_target, because="", origins=(from_spec(*path, "kvCacheTarget"),))
    after, replicas = _blind(item, shape, load, least, most)
    return Scaling(
        autoscaler=who, least=least, most=most, up_pods=up, down_window=down, down_pods=leaving, in_flight=target,
        kv_cache=kv, ttft=ttft, fallback_after=after, fallback_replicas=replicas, warm=windows(item, who.value),
    )  # fmt: skip


def engines_of_peak(item: Resolved, shape: Shape) -> tuple[int, str]:
    """Return how many engines the peak needs, by requests in flight and by output rate, and why."""
    if item.name != item.model.tracks.stable:
        return 1, "on no stable track: one engine until a rollout asks for more"
    targets, share = item.model.targets, utilization(item)
    needed = math.ceil(targets.peak_concurrent_requests / max(math.floor(share * shape.concurrency.value), 1))
    why = f"peak {targets.peak_concurrent_requests} requests / ({share:g} x {shape.concurrency.value:g} per engine)"
    wanted, speed = targets.output_tokens_per_second, shape.latency
    if wanted is not None and speed is not None and speed.output_tokens_per_second.value > 0:
        each = speed.output_tokens_per_second.value
        by_rate = math.ceil(wanted / each)
        if by_rate > needed:
            return by_rate, f"{wanted:g} tokens/s / {each:.0f} per engine at its planned load"
    return needed, why


def warm_floor(item: Resolved, shape: Shape, load: float) -> tuple[int, str]:
    """Return the engines that must run so that the promised growth finds room until new ones have loaded, and why.

    n engines at T = u x C each have n x (1 - u) x C places left. Growth that is not promised may be a jump to the peak, which nothing
    exceeds: an interactive model keeps the engines that hold it with every place taken, and no promise needs more. Other classes can queue.
    """
    growth, use, concurrency = item.model.targets.growth_per_minute, utilization(item), shape.concurrency.value
    if item.name != item.model.tracks.stable:
        return engines_of_peak(item, shape)
    if growth == 0:
        if item.model.preemptible:
            return 1, f"class {item.model.class_} can queue while engines load"
        needed, why = _engines_that_hold_the_peak(item, shape)
        return needed, f"targets.growthPerMinute is not given, so the peak may come at once: {why}"
    seconds = REACTION + load
    arriving = growth * seconds / 60
    engines = max(1, math.ceil(arriving / ((1 - use) * concurrency)))
    why = f"{growth:g} requests/min x {seconds:.0f} s until a new engine answers / ({1 - use:g} x {concurrency:g} spare per engine)"
    enough, full = _engines_that_hold_the_peak(item, shape)
    return (enough, f"growth cannot pass the peak: {full}") if enough < engines else (engines, why)


def _engines_that_hold_the_peak(item: Resolved, shape: Shape) -> tuple[int, str]:
    peak, concurrency = item.model.targets.peak_concurrent_requests, shape.concurrency.value
    return math.ceil(peak / concurrency), f"peak {peak} requests / {concurrency:g} places per engine"


def _fixed(context: Context, item: Resolved, shape: Shape) -> tuple[Derived, Derived]:
    """Engines at the least and at the most without an autoscaler: the spec's bounds where it has them, else what the peak needs."""
    scaling, path = item.revision.scaling, (*item.path, "scaling")
    needed, why = _redundant(context, item, *engines_of_peak(item, shape))
    origins = _peak_origins(item)
    if scaling.max is not None:
        most = Derived(value=scaling.max, because="", origins=(from_spec(*path, "max"),))
    else:
        most = Derived(value=max(needed, scaling.min or 0), because=why, origins=origins)
    if scaling.min is not None:
        return Derived(value=scaling.min, because="", origins=(from_spec(*path, "min"),)), most
    return Derived(value=min(needed, int(most.value)), because=why, origins=origins), most


def _most(context: Context, item: Resolved, shape: Shape, floor: tuple[int, str], who: str) -> Derived:
    scaling, path = item.revision.scaling, (*item.path, "scaling")
    if scaling.max is not None:
        return Derived(value=scaling.max, because="", origins=(from_spec(*path, "max"),))
    needed, why = _redundant(context, item, *engines_of_peak(item, shape))
    origins = _peak_origins(item)
    warm = max((window.engines for window in windows(item, who).values()), default=0)
    for other, said, origin in (
        (floor[0], floor[1], from_spec("models", item.model_name, "targets", "growthPerMinute")),
        (scaling.min or 0, "scaling.min", from_spec(*path, "min")),
        (warm, "the largest warm window", from_spec(*path, "warm")),
    ):
        if other > needed:
            needed, why, origins = other, said, (origin,)
    return Derived(value=needed, because=why, origins=origins)


def _least(context: Context, item: Resolved, floor: tuple[int, str], most: Derived) -> Derived:
    scaling, path = item.revision.scaling, (*item.path, "scaling")
    if scaling.min is not None:
        return Derived(value=scaling.min, because="", origins=(from_spec(*path, "min"),))
    needed, why = _redundant(context, item, *floor)
    if needed > most.value:
        needed, why = int(most.value), f"scaling.max; {why}"
    origins = (
        from_spec("models", item.model_name, "targets", "growthPerMinute"),
        from_plan(*item.path, "startup", "expectedSeconds"),
        from_plan(*item.path, "maxConcurrentRequests"),
        *_peak_origins(item)[:1],
    )
    return Derived(value=needed, because=why, origins=origins)


def _redundant(context: Context, item: Resolved, needed: int, why: str) -> tuple[int, str]:
    least = redundant(context, item)
    if item.name == item.model.tracks.stable and needed < least:
        return least, f"{why}, at least {least} in production"
    return needed, why


def windows(item: Resolved, who: str) -> dict[str, WarmWindow]:
    """Return the warm windows that are rendered: of the revision that answers, by KEDA, which alone knows a clock."""
    return dict(item.revision.scaling.warm) if who == "keda" and item.name == item.model.tracks.stable else {}


def _in_flight(item: Resolved, shape: Shape) -> Derived:
    use, concurrency = utilization(item), shape.concurrency.value
    # Rounded down, so that 0.9 x C stays 0.9 x C at most.
    hundredths = math.floor(use * concurrency * 100 + 1e-6)
    value = hundredths / 100 if hundredths % 100 else hundredths // 100
    because = f"{use:g} x {concurrency:g} requests that an engine runs"
    return Derived(
        value=value, because=because, origins=(*_use_origins(item), from_plan(*item.path, "maxConcurrentRequests"))
    )


def _use_origins(item: Resolved) -> tuple[Origin, ...]:
    model: Path = ("models", item.model_name)
    chosen, class_ = from_spec(*item.path, "scaling", "targetUtilization"), from_spec(*model, "class")
    return chosen, class_, from_spec(*model, "targets", "peakConcurrentRequests")


def _demand(item: Resolved, shape: Shape, target: Derived) -> Derived:
    """Requests per second of one engine by Little's law, at T requests in flight."""
    targets, limits, speed = item.model.targets, item.model.limits, shape.latency
    origins = (*target.origins, from_spec("models", item.model_name, "targets"))
    if speed is None:
        return Derived(value=1, because="nothing is known about this model's speed", origins=origins)
    tokens = (
        limits.max_completion_tokens / 2 if targets.mean_completion_tokens is None else targets.mean_completion_tokens
    )
    seconds = (speed.ttft_ms.value + speed.tpot_ms.value * max(tokens - 1, 0)) / 1000
    value = max(float(f"{target.value / seconds:.2g}"), 0.001)
    return Derived(value=value, because=f"{target.value:g} in flight / {seconds:.3g} s per request", origins=origins)


def _idle(item: Resolved) -> Derived:
    usual = chart.defaults()["engineDefaults"]["scaling"]["idleSeconds"]
    timeout = math.ceil(item.model.limits.request_timeout)
    origins = (from_spec("models", item.model_name, "limits", "requestTimeout"),)
    if timeout > usual:
        return Derived(
            value=min(timeout, 86_400), because="the longest request, which no new demand shows", origins=origins
        )
    return Derived(value=usual, because="longer than any request", origins=origins)


def _up(item: Resolved, target: Derived) -> Derived:
    usual, growth = (
        chart.defaults()["engineDefaults"]["scaling"]["scaleUp"]["pods"],
        item.model.targets.growth_per_minute,
    )
    needed = math.ceil(growth / target.value)
    origins = (
        from_spec("models", item.model_name, "targets", "growthPerMinute"),
        *target.origins,
    )
    if needed > usual:
        return Derived(value=needed, because=f"{growth:g} requests/min / {target.value:g} per engine", origins=origins)
    return Derived(value=usual, because="a minute; the promised growth needs no more", origins=origins)


def _down(item: Resolved, load: float, most: Derived) -> tuple[Derived, Derived]:
    """Say how long lower load must last, and how many engines may leave at once: of a large fleet more, or it never shrinks."""
    window = min(max(CALM, round(2 * load)), LONGEST_WINDOW)
    why = f"2 x the expected load of {load:.0f} s" if window > CALM else f"at least {CALM} s; a load takes {load:.0f} s"
    origins = (from_plan(*item.path, "startup", "expectedSeconds"),)
    leaving = math.ceil(most.value / LEAVING)
    share = f"one in {LEAVING} of {most.value:g} engines, in the period of scaleDown"
    return (
        Derived(value=window, because=why, origins=origins),
        Derived(value=leaving, because=share, origins=(from_plan(*item.path, "scaling", "maxReplicas"),)),
    )


def _blind(item: Resolved, shape: Shape, load: float, least: Derived, most: Derived) -> tuple[Derived, Derived]:
    """Say after how long without an answer which size is safe: not while a first engine loads, and enough for the peak."""
    node = chart.defaults()["engineDefaults"]["startup"]["schedulingSeconds"]
    why = f"a node and the image {node} s + 2 x the expected load: nothing can answer before"
    after = Derived(
        value=round(node + 2 * load), because=why, origins=(from_plan(*item.path, "startup", "expectedSeconds"),)
    )
    peak, why = engines_of_peak(item, shape)
    replicas = min(max(peak, least.value), most.value)
    return after, Derived(value=replicas, because=f"blind, the peak must fit: {why}", origins=_peak_origins(item))


def _peak_origins(item: Resolved) -> tuple[Origin, ...]:
    targets: Path = ("models", item.model_name, "targets")
    return (
        from_spec(*targets, "peakConcurrentRequests"),
        from_spec(*targets, "outputTokensPerSecond"),
        from_plan(*item.path, "maxConcurrentRequests"),
    )
