"""Engines at fixed URLs: a laptop, a virtual machine, or any OpenAI-compatible server."""

from __future__ import annotations

from llm_gateway.config import Snapshot
from llm_gateway.providers.balance import Balancer


class StaticProvider(Balancer):
    """Every URL counts as ready, and failures set it aside. Those that no revision names serve the stable one."""

    async def start(self) -> None:
        """Take the URLs."""
        self.update(self._snapshot)

    def gateways(self) -> int:
        """As many as the configuration says: nobody else counts them."""
        return self._snapshot.limit_store.replicas

    def update(self, snapshot: Snapshot) -> None:
        """Take the URLs of a new configuration."""
        super().update(snapshot)
        for name, model in snapshot.models.items():
            engines = dict.fromkeys(model.upstream.urls, model.tracks.stable)
            for revision in model.revisions.values():
                engines |= dict.fromkeys(revision.urls, revision.name)
            self.put(name, engines)
