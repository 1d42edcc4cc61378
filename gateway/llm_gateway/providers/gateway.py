"""Provider *gateway*: no mesh; this process balances over the pods that EndpointSlices name."""

from __future__ import annotations

from collections.abc import Mapping

from llm_gateway.providers.balance import Balancer
from llm_gateway.providers.slices import EndpointSlices


class GatewayProvider(Balancer):
    """A balancer that a watch feeds."""

    slices: EndpointSlices

    async def start(self) -> None:
        """Follow the slices."""
        await self.slices.start()

    async def close(self) -> None:
        """Stop following."""
        await self.slices.close()

    def gateways(self) -> int:
        """Ready gateway pods."""
        return self.slices.gateways

    def take(self, ready: Mapping[str, Mapping[str, str]]) -> None:
        """Ready endpoints of all models, by URL."""
        for model in self._endpoints.keys() | ready.keys():
            self.put(model, ready.get(model, {}))
        self._changed()  # the count of gateway pods comes by the same way
