"""The values of the gateway: itself, who may call it, and which model answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llmgen import chart
from llmgen.values.image import put_image
from llmgen.values.scaling import put_gateway_scaling

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmgen.problems import Path
    from llmgen.spec import Spec
    from llmgen.spec.cluster import SecretKeyRef
    from llmgen.spec.policy import Conditions, Exposure, Gateway, Jwt, Key, LimitStore, Tenant, TenantLimits
    from llmgen.values.tree import ValueTree


def put_gateway(tree: ValueTree, spec: Spec) -> None:
    """Put the blocks ``gateway``, ``traffic``, ``routing`` and ``tenants``; only that it is off where it is."""
    gateway = spec.gateway
    tree.copy(("gateway", "enabled"), gateway.enabled, ("gateway", "enabled"))
    if spec.traffic.provider != "gateway":
        tree.copy(("traffic", "provider"), spec.traffic.provider, ("traffic", "provider"))
    if spec.traffic.mtls:
        tree.copy(("traffic", "mtls"), True, ("traffic", "mtls"))
    if not gateway.enabled:
        return
    _gateway(tree, gateway)
    put_gateway_scaling(tree, spec)
    _routing(tree, spec)
    for name, tenant in spec.tenants.items():
        _tenant(tree, ("tenants", name), tenant)


def _gateway(tree: ValueTree, gateway: Gateway) -> None:
    path: Path = ("gateway",)
    put_image(tree, (*path, "image"), (*path, "image"), gateway.image)
    _exposure(tree, gateway.exposure)
    _limit_store(tree, gateway.limit_store)
    tree.copy((*path, "maxBodyBytes"), gateway.max_body_bytes, (*path, "maxBodyBytes"))
    tree.copy((*path, "unsupportedParameters"), gateway.unsupported_parameters, (*path, "unsupportedParameters"))
    tree.copy((*path, "retryBudgetPercent"), gateway.retry_budget_percent, (*path, "retryBudgetPercent"))
    given = {
        "tierOrder": list(gateway.tier_order) or None,
        "anonymous": gateway.anonymous,
        "clientNamespaces": None if gateway.client_namespaces is None else dict(gateway.client_namespaces),
        "hubEndpoint": gateway.hub_endpoint,
    }
    _given(tree, path, given)
    tree.copy((*path, "tenantLabels"), gateway.tenant_labels, (*path, "tenantLabels"))
    if gateway.jwt is not None:
        _jwt(tree, gateway.jwt)


def _exposure(tree: ValueTree, exposure: Exposure) -> None:
    if exposure.kind == "none":
        return
    given = {
        "kind": exposure.kind,
        "host": exposure.host,
        "tlsSecret": exposure.tls_secret,
        "parentGateway": exposure.parent_gateway,
        "parentNamespace": exposure.parent_namespace,
    }
    path: Path = ("gateway", "exposure")
    _given(tree, path, given)
    if exposure.istio_selector is not None:
        _selector(tree, (*path, "istioSelector"), exposure.istio_selector)


def _selector(tree: ValueTree, path: Path, labels: Mapping[str, str]) -> None:
    """Copy labels; one of the chart's own that the spec does not have is dropped with null, since maps merge."""
    usual = chart.defaults()["gateway"]["exposure"]["istioSelector"]
    tree.copy(path, {**{key: None for key in usual if key not in labels}, **labels}, path)


def _limit_store(tree: ValueTree, store: LimitStore) -> None:
    path: Path = ("gateway", "limitStore")
    _given(tree, path, {"kind": store.kind, "address": store.address})
    if store.password is not None:
        tree.copy((*path, "password"), _reference(store.password), (*path, "password"))
    if store.tls:
        tree.copy((*path, "tls"), True, (*path, "tls"))
    tree.copy((*path, "whenDown"), store.when_down, (*path, "whenDown"))


def _jwt(tree: ValueTree, jwt: Jwt) -> None:
    given = {
        "issuer": jwt.issuer,
        "jwksUrl": jwt.jwks_url,
        "audience": jwt.audience,
        "tenantClaim": jwt.tenant_claim,
    }
    _given(tree, ("gateway", "jwt"), given)


def _routing(tree: ValueTree, spec: Spec) -> None:
    path: Path = ("routing",)
    routing = spec.routing
    if routing.default is not None:
        tree.copy((*path, "default"), routing.default, (*path, "default"))
    for name, rule in routing.rules.items():
        where = (*path, "rules", name)
        tree.copy((*where, "order"), rule.order, (*where, "order"))
        tree.copy((*where, "when"), _conditions(rule.when), (*where, "when"))
        tree.copy((*where, "model"), rule.model, (*where, "model"))
    for name, chain in routing.fallback.items():
        tree.copy((*path, "fallback", name), list(chain), (*path, "fallback", name))


def _conditions(when: Conditions) -> dict[str, Any]:
    tokens = when.prompt_tokens
    bounds = {} if tokens is None else {"min": tokens.min, "max": tokens.max}
    given = {
        "tier": when.tier,
        "tenant": when.tenant,
        "headers": None if when.headers is None else dict(when.headers),
        "model": when.model,
        "class": when.class_,
        "requiresJson": when.requires_json,
        "tools": when.tools,
        "minQuality": when.min_quality,
        "promptTokens": {key: value for key, value in bounds.items() if value is not None} or None,
    }
    return {key: value for key, value in given.items() if value is not None}


def _tenant(tree: ValueTree, path: Path, tenant: Tenant) -> None:
    tree.copy((*path, "tier"), tenant.tier, (*path, "tier"))
    tree.copy((*path, "priority"), tenant.priority, (*path, "priority"))
    for name, key in tenant.keys.items():
        tree.copy((*path, "keys", name), _key(key), (*path, "keys", name))
    if tenant.models is not None:
        tree.copy((*path, "models"), list(tenant.models), (*path, "models"))
    if tenant.may_pin_track:
        tree.copy((*path, "mayPinTrack"), True, (*path, "mayPinTrack"))
    _given(tree, (*path, "limits"), _limits(tenant.limits))
    for model, limits in tenant.model_limits.items():
        _given(tree, (*path, "modelLimits", model), _limits(limits))


def _limits(limits: TenantLimits) -> dict[str, int]:
    given = {
        "requestsPerMinute": limits.requests_per_minute,
        "tokensPerMinute": limits.tokens_per_minute,
        "concurrentRequests": limits.concurrent_requests,
        "tokensPerDay": limits.tokens_per_day,
    }
    return {key: value for key, value in given.items() if value is not None}


def _key(key: Key) -> dict[str, Any]:
    given = {
        "sha256": key.sha256,
        "secret": None if key.secret is None else _reference(key.secret),
        "expires": key.expires,
        "limits": _limits(key.limits) or None,
    }
    return {name: value for name, value in given.items() if value is not None}


def _reference(secret: SecretKeyRef) -> dict[str, str]:
    return {"name": secret.name, "key": secret.key}


def _given(tree: ValueTree, path: Path, values: dict[str, Any]) -> None:
    """Copy what is given to the same path that the spec has it under."""
    for key, value in values.items():
        if value is not None:
            tree.copy((*path, key), value, (*path, key))
