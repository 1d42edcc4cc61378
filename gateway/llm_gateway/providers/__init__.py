"""Traffic providers: who knows the engines, and who picks among them."""

from __future__ import annotations

from collections.abc import Callable

from llm_gateway.config import Snapshot
from llm_gateway.logs import Events
from llm_gateway.metrics import Metrics
from llm_gateway.providers.base import Choice, Endpoint, Provider, Verdict
from llm_gateway.providers.gateway import GatewayProvider
from llm_gateway.providers.istio import IstioProvider
from llm_gateway.providers.kubernetes import KubernetesApi
from llm_gateway.providers.slices import EndpointSlices
from llm_gateway.providers.static import StaticProvider

__all__ = ["Choice", "Endpoint", "Provider", "Verdict", "open_provider"]


def open_provider(
    snapshot: Snapshot,
    metrics: Metrics,
    events: Events,
    *,
    kubernetes: Callable[[], KubernetesApi],
    changed: Callable[[], None],
) -> Provider:
    """The provider that the configuration names; ``changed`` is called when capacity may be another."""
    if snapshot.provider.kind == "static":
        return StaticProvider(snapshot, metrics, changed=changed)
    provider: GatewayProvider | IstioProvider
    if snapshot.provider.kind == "gateway":
        provider = GatewayProvider(snapshot, metrics, changed=changed)
    else:
        provider = IstioProvider(snapshot, changed=changed)
    provider.slices = EndpointSlices(
        kubernetes(), snapshot.provider, events, provider.take, gateways=snapshot.limit_store.replicas
    )
    return provider
