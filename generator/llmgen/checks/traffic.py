"""Traffic between revisions, the way into the cluster, and the gateway's own settings."""

from __future__ import annotations

from llmgen.checks.context import Context
from llmgen.problems import Path

_ISTIO: Path = ("cluster", "addons", "istio")
_STORE: Path = ("gateway", "limitStore")


def check(context: Context) -> None:
    """Run every rule of this family."""
    _provider(context)
    _steps(context)
    _exposure(context)
    _gateway(context)


def _provider(context: Context) -> None:
    spec = context.spec
    if spec.traffic.provider == "istio" and not spec.cluster.addons.istio:
        context.add(
            "LLM251", ("traffic", "provider"), "the provider is istio, which the cluster does not have", allowed=("gateway",),
            hint="cluster.addons.istio: true once it is installed", rests_on=[_ISTIO],
        )  # fmt: skip
    if spec.traffic.mtls and spec.traffic.provider != "istio":
        context.add(
            "LLM267", ("traffic", "mtls"), "nobody speaks mutual TLS to engines: the gateway calls them itself",
            hint="provider: istio, or mtls: false", rests_on=[("traffic", "provider")],
        )  # fmt: skip
    if spec.traffic.provider == "gateway" and not spec.gateway.enabled:
        for name, model in spec.models.items():
            for track in ("canary", "shadow"):
                if getattr(model.tracks, track) is not None:
                    context.add(
                        "LLM252",
                        ("models", name, "tracks", track),
                        f"nobody can split requests for the {track}: the provider is the gateway, and it is off",
                        key=True,
                        hint="gateway.enabled: true, or traffic.provider: istio",
                        rests_on=[("gateway", "enabled"), ("traffic", "provider")],
                    )


def _steps(context: Context) -> None:
    for name, model in context.spec.models.items():
        path: Path = ("models", name, "rollout", "steps")
        steps = model.rollout.steps
        if list(steps) != sorted(steps):
            context.add("LLM253", path, f"the steps {list(steps)} do not rise", hint=str(sorted(steps)))
        elif steps and steps[-1] != 100:  # noqa: PLR2004 -- percent
            context.add(
                "LLM253",
                path,
                f"the last step is {steps[-1]}, so the canary would never get all requests",
                hint="end with 100",
            )


def _exposure(context: Context) -> None:
    exposure, addons = context.spec.gateway.exposure, context.spec.cluster.addons
    path: Path = ("gateway", "exposure")
    if exposure.kind == "none":
        return
    if exposure.kind == "httpRoute" and not addons.gateway_api:
        context.add(
            "LLM254",
            (*path, "kind"),
            "an HTTPRoute needs Gateway API, which the cluster does not have",
            hint="cluster.addons.gatewayApi: true once it is installed",
            rests_on=[("cluster", "addons", "gatewayApi")],
        )
    if exposure.kind == "istio" and not addons.istio:
        context.add(
            "LLM254",
            (*path, "kind"),
            "the cluster does not have Istio",
            hint="cluster.addons.istio: true once it is installed",
            rests_on=[_ISTIO],
        )
    if exposure.host is None:
        context.add(
            "LLM255",
            path,
            "clients outside the cluster need a host name",
            key=True,
            hint="set gateway.exposure.host",
            rests_on=[(*path, "host")],
        )
    if exposure.kind == "httpRoute" and exposure.parent_gateway is None:
        context.add(
            "LLM255",
            path,
            "an HTTPRoute needs the Gateway it attaches to",
            key=True,
            hint="set gateway.exposure.parentGateway",
            rests_on=[(*path, "parentGateway")],
        )


def _gateway(context: Context) -> None:
    gateway, path = context.spec.gateway, ("gateway",)
    if gateway.replicas.min > gateway.replicas.max:
        context.add(
            "LLM241", (*path, "replicas", "min"), f"min {gateway.replicas.min} is above max {gateway.replicas.max}"
        )
    store = gateway.limit_store
    if store.kind == "redis" and store.address is None:
        context.add(
            "LLM256",
            _STORE,
            "a Redis store needs its address",
            key=True,
            hint="set gateway.limitStore.address",
            rests_on=[(*_STORE, "address")],
        )
    if store.kind == "memory" and store.address is not None:
        context.add(
            "LLM256",
            (*_STORE, "address"),
            "an address is given, but the kind is memory",
            allowed=("redis",),
            hint="kind: redis, or address: null",
            rests_on=[(*_STORE, "kind")],
        )
    if gateway.enabled and not context.spec.tenants and gateway.jwt is None:
        context.add(
            "LLM258", ("gateway",), "no tenant is declared, so the gateway refuses every request", key=True, severity="warning",
            hint="tenants: {name: {keys: {...}}}, or gateway.enabled: false to use the models' Services directly",
        )  # fmt: skip
    if context.spec.tenants and not gateway.enabled:
        context.add(
            "LLM257",
            ("tenants",),
            "tenants are declared, but the gateway that would tell them apart is off",
            key=True,
            hint="gateway.enabled: true",
            rests_on=[("gateway", "enabled")],
        )
