"""Engines and gateway pods as EndpointSlices tell them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from llm_gateway.config import Provider as Settings
from llm_gateway.logs import Events
from llm_gateway.providers.kubernetes import KubernetesApi, Objects, Watch, own_namespace

MODEL_LABEL = "llmgen.dev/model"  # the chart puts both on the Service of each revision; its slices carry them on
REVISION_LABEL = "llmgen.dev/revision"
SERVICE_LABEL = "kubernetes.io/service-name"
SYNC_SECONDS = 5.0  # how long a start waits for the first list; without an API server requests get 503, not silence


class EndpointSlices:
    """Follows the slices of a release's engines, and those of the gateway's own Service.

    gateways: pods that are taken to serve until the first list tells.
    changed: called with model -> {URL: revision} of the ready, non-terminating endpoints.
    """

    def __init__(
        self,
        api: KubernetesApi,
        settings: Settings,
        events: Events,
        changed: Callable[[Mapping[str, Mapping[str, str]]], None],
        *,
        gateways: int = 1,
    ) -> None:
        self._api, self._changed = api, changed
        self._found: dict[str, dict[str, str]] = {}
        self._gateways = gateways
        self._tasks: list[asyncio.Task[None]] = []
        path = f"/apis/discovery.k8s.io/v1/namespaces/{settings.namespace or own_namespace()}/endpointslices"
        # The release alone does not do: it may hold the chart twice, under two aliases.
        labels = {"app.kubernetes.io/name": settings.name, "app.kubernetes.io/instance": settings.release}
        chosen = [REVISION_LABEL, *(f"{label}={value}" for label, value in labels.items() if value)]
        self._watches = [Watch(api, path, {"labelSelector": ",".join(chosen)}, self._engines, events)]
        if settings.gateway_service:
            own = {"labelSelector": f"{SERVICE_LABEL}={settings.gateway_service}"}
            self._watches.append(Watch(api, path, own, self._own, events))

    @property
    def gateways(self) -> int:
        """Ready gateway pods, at least this one."""
        return self._gateways

    async def start(self) -> None:
        """Follow, and wait a little for the first lists."""
        self._tasks = [asyncio.create_task(watch.run()) for watch in self._watches]
        waits = [asyncio.create_task(watch.synced.wait()) for watch in self._watches]
        _, late = await asyncio.wait(waits, timeout=SYNC_SECONDS)
        for task in late:
            task.cancel()

    async def close(self) -> None:
        """Stop following."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._api.close()

    def _engines(self, slices: Objects) -> None:
        found: dict[str, dict[str, str]] = {}
        for item in slices.values():
            labels = item["metadata"].get("labels") or {}
            model, revision = labels.get(MODEL_LABEL), labels.get(REVISION_LABEL)
            if model and revision:
                found.setdefault(model, {}).update(dict.fromkeys(ready_urls(item), revision))
        self._found = found
        self._changed(found)

    def _own(self, slices: Objects) -> None:
        self._gateways = max(1, sum(len(ready_urls(item)) for item in slices.values()))
        self._changed(self._found)


def ready_urls(item: dict[str, Any]) -> list[str]:
    """URLs of a slice's endpoints that are ready and not terminating. Kubernetes: a missing `ready` means ready."""
    ports = item.get("ports") or [{}]
    port = next((one["port"] for one in ports if one.get("name") == "http" and one.get("port")), ports[0].get("port"))
    if not port:
        return []
    urls = []
    for endpoint in item.get("endpoints") or ():
        conditions = endpoint.get("conditions") or {}
        if conditions.get("ready") is not False and not conditions.get("terminating"):
            address = endpoint["addresses"][0]
            urls.append(f"http://[{address}]:{port}" if ":" in address else f"http://{address}:{port}")
    return urls
