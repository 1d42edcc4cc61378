"""Every name points to something that exists: pools, storage, revisions, models, tenants."""

from __future__ import annotations

from collections.abc import Mapping

from llmgen.checks.context import Context
from llmgen.problems import Path
from llmgen.spec.model import GpuChoice, Model


def check(context: Context) -> None:
    """Run every rule of this family."""
    _revisions(context)
    for name, model in context.spec.models.items():
        _tracks(context, name, model)
    _aliases(context)
    _rules(context)
    _fallback(context)
    _tenants(context)
    _default(context)


def _revisions(context: Context) -> None:
    cluster = context.spec.cluster
    for item in context.revisions():
        gpu, source, engine = item.revision.gpu, item.revision.source, item.revision.engine
        if isinstance(gpu, GpuChoice) and gpu.pool is not None:
            context.unknown("LLM201", (*item.path, "gpu", "pool"), gpu.pool, "pool", cluster.pools)
        if source.volume is not None:
            context.unknown(
                "LLM202", (*item.path, "source", "volume", "storage"), source.volume.storage, "storage", cluster.storage
            )
        if engine.cache_storage is not None:
            context.unknown(
                "LLM202", (*item.path, "engine", "cacheStorage"), engine.cache_storage, "storage", cluster.storage
            )


def _tracks(context: Context, name: str, model: Model) -> None:
    path: Path = ("models", name, "tracks")
    if len(model.revisions) > 1 and context.loaded.document is not None and not context.loaded.document.has(path):
        context.add(
            "LLM203", ("models", name, "revisions"), "several revisions and no tracks: which one answers is not said", key=True,
            allowed=model.revisions, hint="add `tracks: {stable: ...}` to the model", rests_on=[path],
        )  # fmt: skip
        return
    pointed = {
        "stable": model.tracks.stable,
        "canary": model.tracks.canary,
        "shadow": model.tracks.shadow,
        "previous": model.tracks.previous,
    }
    astray = [
        track
        for track, revision in pointed.items()
        if revision is not None and context.unknown("LLM203", (*path, track), revision, "revision", model.revisions)
    ]
    for track in ("canary", "shadow", "previous"):
        if pointed[track] is not None and pointed[track] == pointed["stable"]:
            context.add(
                "LLM204", (*path, track), f"{track} points to {pointed[track]!r}, which is the stable revision already"
            )
    for revision in model.revisions:
        if revision not in pointed.values() and not astray:
            context.add(
                "LLM205",
                ("models", name, "revisions", revision),
                f"revision {revision!r} is on no track: its engines would run and answer nobody",
                key=True,
                severity="warning",
                hint="point a track to it, or remove it",
            )


def _aliases(context: Context) -> None:
    models = context.spec.models
    for alias, target in context.spec.routing.aliases.items():
        path: Path = ("routing", "aliases", alias)
        context.unknown("LLM206", path, target, "model", models)
        if alias in models:
            context.add(
                "LLM207",
                path,
                f"the alias {alias!r} is also the name of a model, so the model could not be reached",
                key=True,
            )


def _rules(context: Context) -> None:
    spec = context.spec
    names = {**dict.fromkeys(spec.models), **dict.fromkeys(spec.routing.aliases)}
    orders: dict[int, str] = {}
    tiers = {tenant.tier for tenant in spec.tenants.values()}
    for name, rule in spec.routing.rules.items():
        path: Path = ("routing", "rules", name)
        context.unknown("LLM206", (*path, "model"), rule.model, "model", spec.models)
        if rule.when.model is not None:
            context.unknown("LLM206", (*path, "when", "model"), rule.when.model, "model", names)
        if rule.when.tenant is not None:
            context.unknown("LLM208", (*path, "when", "tenant"), rule.when.tenant, "tenant", spec.tenants)
        if rule.when.tier is not None and rule.when.tier not in tiers:
            context.add(
                "LLM209", (*path, "when", "tier"), f"no tenant has the tier {rule.when.tier!r}: the rule can never match",
                allowed=sorted(tiers), severity="warning", rests_on=[("tenants", tenant, "tier") for tenant in spec.tenants],
            )  # fmt: skip
        bounds = rule.when.prompt_tokens
        if bounds is not None and bounds.min is not None and bounds.max is not None and bounds.min > bounds.max:
            context.add(
                "LLM210",
                (*path, "when", "promptTokens", "min"),
                f"min {bounds.min} is above max {bounds.max}: the rule can never match",
            )
        if rule.order in orders:
            context.add(
                "LLM211",
                (*path, "order"),
                f"order {rule.order} is taken by the rule {orders[rule.order]!r}",
                hint="give every rule an order of its own",
                rests_on=[("routing", "rules", orders[rule.order], "order")],
            )
        orders.setdefault(rule.order, name)


def _fallback(context: Context) -> None:
    models, chains = context.spec.models, context.spec.routing.fallback
    for name, chain in chains.items():
        path: Path = ("routing", "fallback", name)
        context.unknown("LLM206", path, name, "model", models, key=True)
        for index, target in enumerate(chain):
            if context.unknown("LLM206", (*path, index), target, "model", models):
                continue
            if target == name:
                context.add("LLM212", (*path, index), f"{name!r} falls back to itself")
            elif target in models and name in models and models[target].kind != models[name].kind:
                context.add(
                    "LLM213",
                    (*path, index),
                    f"{target!r} is a model of kind {models[target].kind}, {name!r} of kind {models[name].kind}",
                    rests_on=[("models", target, "kind"), ("models", name, "kind")],
                )
    for cycle in _cycles(chains):
        first = cycle[0]
        context.add(
            "LLM212", ("routing", "fallback", first), f"fallback cycle: {' -> '.join([*cycle, first])}", key=True
        )


def _cycles(graph: Mapping[str, tuple[str, ...]]) -> list[list[str]]:
    """Return each cycle of two models or more once, starting at its alphabetically first member."""
    found: set[tuple[str, ...]] = set()

    def visit(node: str, trail: list[str]) -> None:
        for target in graph.get(node, ()):
            if target in trail:
                cycle = trail[trail.index(target) :]
                start = cycle.index(min(cycle))
                if len(cycle) > 1:
                    found.add((*cycle[start:], *cycle[:start]))
            else:
                visit(target, [*trail, target])

    for name in graph:
        visit(name, [name])
    return [list(cycle) for cycle in sorted(found)]


def _tenants(context: Context) -> None:
    for name, tenant in context.spec.tenants.items():
        for index, model in enumerate(tenant.models or ()):
            context.unknown("LLM206", ("tenants", name, "models", index), model, "model", context.spec.models)


def _default(context: Context) -> None:
    routing, models = context.spec.routing, context.spec.models
    if routing.default is not None:
        context.unknown("LLM206", ("routing", "default"), routing.default, "model", models)
