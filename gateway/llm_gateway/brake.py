"""The brake: while a ConfigMap of a known name exists, all traffic goes to stable. Present is on, whatever it holds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from llm_gateway.logs import Events
from llm_gateway.providers.kubernetes import KubernetesApi, Objects, Watch


class Brake:
    """Follows the ConfigMap through the API, so that neither Helm nor GitOps has to come first."""

    def __init__(
        self, api: KubernetesApi, namespace: str, name: str, events: Events, changed: Callable[[bool], None]
    ) -> None:
        self._api, self._events, self._changed = api, events, changed
        self._on = False
        self._task: asyncio.Task[None] | None = None
        self._watch = Watch(
            api,
            f"/api/v1/namespaces/{namespace}/configmaps",
            {"fieldSelector": f"metadata.name={name}"},
            self._take,
            events,
        )

    def start(self) -> None:
        """Follow."""
        self._task = asyncio.create_task(self._watch.run())

    async def close(self) -> None:
        """Stop following."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._api.close()

    def _take(self, found: Objects) -> None:
        on = bool(found)
        if on != self._on:
            self._on = on
            self._events.say("brake", on=on)
            self._changed(on)
