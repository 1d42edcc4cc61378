"""Bounds of autoscaling, and what autoscaling needs."""

from __future__ import annotations

from llmgen.checks.context import Context, Resolved
from llmgen.checks.windows import cron_mistake, is_zone, zones
from llmgen.problems import Path, guess_hint


def check(context: Context) -> None:
    """Run every rule of this family."""
    for item in context.revisions():
        _bounds(context, item)
        _warm(context, item)
        _needs(context, item)


def _bounds(context: Context, item: Resolved) -> None:
    scaling, path = item.revision.scaling, (*item.path, "scaling")
    if scaling.min is not None and scaling.max is not None and scaling.min > scaling.max:
        of = f" of revision {item.name!r}" if len(item.model.revisions) > 1 else ""
        context.add("LLM241", (*path, "min"), f"min {scaling.min} is above max {scaling.max}{of}")
    if scaling.min == 0 and not item.model.preemptible:
        context.add(
            "LLM242", (*path, "min"), "an interactive model cannot scale to zero: its first caller would wait for a whole model load",
            hint="min: 1, or class: batch", rests_on=[("models", item.model_name, "class")],
        )  # fmt: skip


def _warm(context: Context, item: Resolved) -> None:
    if item.name != item.model.tracks.stable:  # only the revision that answers is kept warm
        return
    scaling, path = item.revision.scaling, (*item.path, "scaling")
    for name, window in scaling.warm.items():
        if scaling.max is not None and window.engines > scaling.max:
            context.add(
                "LLM243", (*path, "warm", name, "engines"), f"{window.engines} warm engines are above max {scaling.max}"
            )
        for key, expression in (("start", window.start), ("end", window.end)):
            wrong = cron_mistake(expression)
            if wrong is not None:
                context.add(
                    "LLM247", (*path, "warm", name, key), wrong, hint="minute hour day-of-month month day-of-week"
                )
        if not is_zone(window.timezone):
            context.add(
                "LLM247", (*path, "warm", name, "timezone"), f"there is no time zone {window.timezone!r}",
                hint=guess_hint(window.timezone, zones()) or "an IANA name, such as Europe/Berlin",
            )  # fmt: skip
        if window.start == window.end:
            context.add("LLM244", (*path, "warm", name, "end"), "the window ends when it starts")


def _needs(context: Context, item: Resolved) -> None:
    """Scaling to zero has nothing that could wake the model without KEDA and Prometheus."""
    scaling, cluster = item.revision.scaling, context.spec.cluster
    keda: Path = ("cluster", "addons", "keda")
    if scaling.min == 0 and not cluster.addons.keda:
        context.add(
            "LLM245", (*item.path, "scaling", "min"), "scaling to zero needs KEDA, which the cluster does not have",
            hint="cluster.addons.keda: true once it is installed, or min: 1", rests_on=[keda],
        )  # fmt: skip
    wants = scaling.max is not None and scaling.max > (scaling.min or 1)
    if (wants or scaling.min == 0) and cluster.addons.keda and cluster.prometheus is None:
        context.add(
            "LLM246", (*item.path, "scaling"), "autoscaling reads Prometheus, and the spec names none", key=True,
            hint="set cluster.prometheus.address", rests_on=[keda, ("cluster", "prometheus")],
        )  # fmt: skip
    if scaling.min == 0 and not context.spec.gateway.enabled:
        context.add(
            "LLM248", (*item.path, "scaling", "min"), "only the gateway sees demand for a model without engines, and it is disabled",
            hint="gateway.enabled: true, or min: 1", rests_on=[("gateway", "enabled")],
        )  # fmt: skip
    if scaling.min == 0 and scaling.warm:
        context.add(
            "LLM244", (*item.path, "scaling", "warm"), "a model that may go to zero follows demand alone, not windows", key=True,
            hint="min: 1", rests_on=[(*item.path, "scaling", "min")],
        )  # fmt: skip
    if scaling.ttft_trigger:
        _ttft(context, item)


def _ttft(context: Context, item: Resolved) -> None:
    path, states = (*item.path, "scaling", "ttftTrigger"), ("cluster", "addons", "kubeStateMetrics")
    if not context.spec.cluster.addons.kube_state_metrics:
        context.add(
            "LLM249", path, "scaling on TTFT is held while engines load, which kube-state-metrics tells; the cluster does not have it",
            hint="cluster.addons.kubeStateMetrics: true once it is scraped", rests_on=[states],
        )  # fmt: skip
    if item.model.targets.ttft_p95 is None:
        promise: Path = ("models", item.model_name, "targets", "ttftP95")
        context.add(
            "LLM249", path, "there is no targets.ttftP95 to scale on", hint="set targets.ttftP95", rests_on=[promise]
        )
