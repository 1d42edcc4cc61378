"""Bounds of autoscaling, and what autoscaling needs."""

from __future__ import annotations

from llmgen.checks.context import Context, Resolved


def check(context: Context) -> None:
    """Run every rule of this family."""
    for item in context.revisions():
        _bounds(context, item)
        _warm(context, item)
        _needs(context, item)


def _bounds(context: Context, item: Resolved) -> None:
    scaling, path = item.revision.scaling, (*item.path, "scaling")
    if scaling.min is not None and scaling.max is not None and scaling.min > scaling.max:
        context.add("LLM241", (*path, "min"), f"min {scaling.min} is above max {scaling.max}")
    if scaling.min == 0 and not item.model.preemptible:
        context.add(
            "LLM242", (*path, "min"), "an interactive model cannot scale to zero: its first caller would wait for a whole model load",
            hint="min: 1, or class: batch",
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
        if window.start == window.end:
            context.add("LLM244", (*path, "warm", name, "end"), "the window ends when it starts")


def _needs(context: Context, item: Resolved) -> None:
    """Scaling to zero has nothing that could wake the model without KEDA and Prometheus."""
    scaling, cluster = item.revision.scaling, context.spec.cluster
    if scaling.min == 0 and not cluster.addons.keda:
        context.add(
            "LLM245", (*item.path, "scaling", "min"), "scaling to zero needs KEDA, which the cluster does not have",
            hint="cluster.addons.keda: true once it is installed, or min: 1",
        )  # fmt: skip
    wants = scaling.max is not None and scaling.max > (scaling.min or 1)
    if wants and cluster.addons.keda and cluster.prometheus is None:
        context.add(
            "LLM246", (*item.path, "scaling"), "autoscaling reads Prometheus, and the spec names none", key=True,
            hint="set cluster.prometheus.address",
        )  # fmt: skip
