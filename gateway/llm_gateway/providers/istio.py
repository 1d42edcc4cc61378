"""Provider *istio*: requests go to the model's Service, Envoy splits and balances; the watch only counts ready pods."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet

from llm_gateway.config import Model, Snapshot
from llm_gateway.providers.base import TRACK_HEADER, Choice, Endpoint, Verdict
from llm_gateway.providers.kubernetes import own_namespace
from llm_gateway.providers.slices import EndpointSlices

PERCENT = 100


class IstioProvider:
    """One address per model; a pin is a header that the VirtualService matches."""

    slices: EndpointSlices

    def __init__(self, snapshot: Snapshot, *, changed: Callable[[], None] = lambda: None) -> None:
        self._snapshot = snapshot
        self._changed = changed
        self._braked = False
        self._services: dict[str, Endpoint] = {}
        self._ready: dict[str, dict[str, int]] = {}

    async def start(self) -> None:
        """Follow the slices."""
        self.update(self._snapshot)
        await self.slices.start()

    async def close(self) -> None:
        """Stop following."""
        await self.slices.close()

    def update(self, snapshot: Snapshot) -> None:
        """Take the Services of a new configuration."""
        self._snapshot = snapshot
        namespace = snapshot.provider.namespace or own_namespace()
        for name, model in snapshot.models.items():
            url = f"http://{model.upstream.service}.{namespace}:{model.upstream.port}"
            known = self._services.get(name)
            if known is None or known.url != url:
                self._services[name] = Endpoint(url, "")
        for name in self._services.keys() - snapshot.models.keys():
            del self._services[name]

    def take(self, ready: Mapping[str, Mapping[str, str]]) -> None:
        """Ready endpoints of all models, URL -> revision."""
        self._ready = {}
        for model, urls in ready.items():
            counts = self._ready.setdefault(model, {})
            for revision in urls.values():
                counts[revision] = counts.get(revision, 0) + 1
        self._changed()

    def brake(self, *, on: bool) -> None:
        """Send the stable pin with every request, or stop doing so."""
        if on != self._braked:
            self._braked = on
            self._changed()

    def pick(
        self, model: Model, *, conversation: bytes, pin: str | None, avoid: AbstractSet[Endpoint]
    ) -> Choice | None:
        """The model's Service, where any pod is ready. The mesh splits per request: ``conversation`` and ``avoid`` are not its terms."""
        del conversation, avoid
        service = self._services.get(model.name)
        if service is None or not self._ready.get(model.name):
            return None
        if service.in_flight == 0:
            service.progress = time.monotonic()
        service.in_flight += 1
        track = "stable" if self._braked else pin
        return Choice(service, track, {TRACK_HEADER: track} if track else {})

    def done(self, model: Model, choice: Choice, verdict: Verdict, ttft: float | None = None) -> None:
        """Count the attempt out; Envoy judges pods."""
        del model, verdict, ttft
        choice.endpoint.in_flight -= 1

    def ready(self, model: str) -> Mapping[str, int]:
        """Ready engines by revision."""
        return self._ready.get(model, {})

    def gateways(self) -> int:
        """Ready gateway pods."""
        return self.slices.gateways

    def weights(self, model: Model) -> Mapping[str, int]:
        """What the tracks say, or all to stable."""
        return {model.tracks.stable: PERCENT} if self._braked else model.weights()

    def tick(self, now: float) -> None:
        """Nothing: Envoy ejects, and the alert on hanging engines reads their own metrics."""

    def endpoints(self, model: str) -> Mapping[tuple[str, str], int]:
        """Count of endpoints by (revision, state)."""
        return {(revision, "ready"): count for revision, count in self.ready(model).items()}
