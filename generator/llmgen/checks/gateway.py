"""Callers and counting: tenants that nobody can be, settings that change nothing, prompts that nobody can count."""

from __future__ import annotations

from llmgen.checks.context import Context, Resolved
from llmgen.problems import Path
from llmgen.spec.policy import Tenant, TenantLimits

_GATEWAY: Path = ("gateway",)
_LIMITS = ("requests_per_minute", "tokens_per_minute", "concurrent_requests", "tokens_per_day")
_KEYS = {name: "".join(part.title() if place else part for place, part in enumerate(name.split("_"))) for name in _LIMITS}  # fmt: skip


def check(context: Context) -> None:
    """Run every rule of this family."""
    gateway = context.spec.gateway
    if not gateway.enabled:
        return
    _anonymous(context)
    _tiers(context)
    for name, tenant in context.spec.tenants.items():
        _tenant(context, ("tenants", name), name, tenant)
        if gateway.limit_store.kind == "memory":
            _shares(context, ("tenants", name), tenant)
    _without_effect(context)
    for item in context.revisions():
        _counted(context, item)


def _anonymous(context: Context) -> None:
    gateway, path = context.spec.gateway, (*_GATEWAY, "anonymous")
    if gateway.anonymous is None or context.unknown("LLM208", path, gateway.anonymous, "tenant", context.spec.tenants):
        return
    if context.spec.production:
        context.add(
            "LLM276", path, f"whoever reaches the gateway may use what tenant {gateway.anonymous!r} may, without a key",
            severity="warning", hint="give callers keys, or keep clientNamespaces narrow",
        )  # fmt: skip


def _tiers(context: Context) -> None:
    tiers = sorted({tenant.tier for tenant in context.spec.tenants.values()})
    for index, tier in enumerate(context.spec.gateway.tier_order):
        if tier not in tiers:
            context.add(
                "LLM209", (*_GATEWAY, "tierOrder", index), f"no tenant has the tier {tier!r}", allowed=tiers, severity="warning",
                rests_on=[("tenants", tenant, "tier") for tenant in context.spec.tenants],
            )  # fmt: skip


def _tenant(context: Context, path: Path, name: str, tenant: Tenant) -> None:
    gateway = context.spec.gateway
    keys: Path = (*path, "keys")
    refused = any(wrong[: len(keys)] == keys for wrong in context.loaded.pruned)
    if not tenant.keys and not refused and gateway.jwt is None and gateway.anonymous != name:
        context.add(
            "LLM259", path, f"nobody can be tenant {name!r}: it has no key, and is not the anonymous one", key=True,
            hint="keys: {name: {sha256: ...}}; llmgen key new makes one", rests_on=[(*_GATEWAY, "jwt")],
        )  # fmt: skip
    for model, limits in tenant.model_limits.items():
        place: Path = (*path, "modelLimits", model)
        if context.unknown("LLM206", place, model, "model", context.spec.models, key=True):
            continue
        if tenant.models is not None and model not in tenant.models:
            _idle(context, place, f"the tenant may not use {model!r} at all", rests_on=(*path, "models"))
        _narrower(context, place, limits, tenant.limits, path)
    for key, entry in tenant.keys.items():
        _narrower(context, (*path, "keys", key, "limits"), entry.limits, tenant.limits, path)


def _narrower(context: Context, place: Path, inner: TenantLimits, outer: TenantLimits, path: Path) -> None:
    for name in _LIMITS:
        own, whole = getattr(inner, name), getattr(outer, name)
        if own is not None and whole is not None and own > whole:
            where: Path = (*place, _KEYS[name])
            _idle(context, where, f"the tenant's own limit is {whole}", rests_on=(*path, "limits", _KEYS[name]))


def _shares(context: Context, path: Path, tenant: Tenant) -> None:
    """Whether a limit can be shared by the gateway's pods at all: as limits/memory.py of the gateway divides."""
    pods = context.spec.gateway.replicas.max
    places: list[tuple[Path, TenantLimits]] = [((*path, "limits"), tenant.limits)]
    places += [((*path, "modelLimits", model), limits) for model, limits in tenant.model_limits.items()]
    places += [((*path, "keys", key, "limits"), entry.limits) for key, entry in tenant.keys.items()]
    for place, limits in places:
        for name in _LIMITS:
            limit = getattr(limits, name)
            if limit is not None and limit < pods:
                context.add(
                    "LLM278", (*place, _KEYS[name]),
                    f"up to {pods} gateway pods count in memory and grant at least 1 each: {limit} may become {pods}",
                    severity="warning", hint="gateway.limitStore: {kind: redis, address: host:port}",
                    rests_on=[(*_GATEWAY, "limitStore", "kind"), (*_GATEWAY, "replicas", "max")],
                )  # fmt: skip


def _without_effect(context: Context) -> None:
    gateway, document = context.spec.gateway, context.loaded.document
    exposure: Path = (*_GATEWAY, "exposure")
    kind = gateway.exposure.kind
    store: Path = (*_GATEWAY, "limitStore")
    idle = (
        ((*exposure, "parentNamespace"), kind != "httpRoute", f"exposure.kind is {kind}", (*exposure, "kind")),
        ((*exposure, "istioSelector"), kind != "istio", f"exposure.kind is {kind}", (*exposure, "kind")),
        ((*store, "tls"), gateway.limit_store.kind == "memory", "the store is memory", (*store, "kind")),
        (
            (*_GATEWAY, "clientNamespaces"),
            not context.spec.security.network_policies,
            "security.networkPolicies is false",
            ("security", "networkPolicies"),
        ),
    )
    for path, holds, why, cause in idle:
        if holds and document is not None and document.has(path):
            _idle(context, path, why, rests_on=cause)


def _idle(context: Context, path: Path, why: str, *, rests_on: Path) -> None:
    context.add("LLM260", path, f"this has no effect: {why}", key=True, severity="warning", rests_on=[rests_on])


def _counted(context: Context, item: Resolved) -> None:
    """Whether the gateway has a tokenizer to count with: as the chart's gateway/_tokenizers.tpl decides."""
    source, tokenizer = item.revision.source, item.revision.tokenizer
    if tokenizer is not None or source.hub is not None:
        return
    volume = source.volume
    storage = context.spec.cluster.storage.get(volume.storage) if volume is not None else None
    if storage is not None and storage.local is None and storage.access_mode.endswith("Many"):
        return
    if volume is not None and storage is None:
        return  # said by the rule on names
    path: Path = (*item.path, "source")
    context.add(
        "LLM277", path, f"the gateway cannot read the tokenizer of {item.model_name}/{item.name}: prompt tokens will be estimates",
        key=True, severity="warning", hint="tokenizer: {hub: {repo: ..., revision: ...}}", rests_on=[(*item.path, "tokenizer")],
    )  # fmt: skip
