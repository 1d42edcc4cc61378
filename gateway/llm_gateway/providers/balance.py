"""The gateway as the balancer: weights by revision, sticky per conversation, then power of two choices over ready endpoints."""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet

from llm_gateway import metrics as names
from llm_gateway.config import Model, Snapshot
from llm_gateway.metrics import Metrics
from llm_gateway.providers.base import TRACK_HEADER, Choice, Endpoint, Verdict
from llm_gateway.providers.health import Health, HealthSettings

PERCENT = 100
_GRAIN = 1 << 32


class Balancer:
    """A provider that knows every endpoint. Who finds the endpoints calls ``put``: a list of URLs, or a watch."""

    def __init__(
        self,
        snapshot: Snapshot,
        metrics: Metrics,
        *,
        health: HealthSettings | None = None,
        clock: Callable[[], float] = time.monotonic,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self._snapshot = snapshot
        self._metrics = metrics
        self._settings = health or HealthSettings()
        self._clock = clock
        self._changed = changed
        self._braked = False
        self._endpoints: dict[str, dict[str, Endpoint]] = {}  # model -> url -> endpoint
        self._serving: dict[tuple[str, str], list[Endpoint]] = {}  # the same by model and revision
        self._health: dict[str, Health] = {}
        self._random = random.Random()  # noqa: S311 -- spreads load, hides nothing

    async def start(self) -> None:
        """Nothing to follow: see ``put``."""

    async def close(self) -> None:
        """Nothing was opened."""

    def update(self, snapshot: Snapshot) -> None:
        """Take a new configuration; what is known about endpoints stays."""
        self._snapshot = snapshot
        for model in self._endpoints.keys() - snapshot.models.keys():
            self.put(model, {})
            del self._endpoints[model]
            self._health.pop(model, None)

    def brake(self, *, on: bool) -> None:
        """Pin all traffic to stable, or stop doing so."""
        if on != self._braked:
            self._braked = on
            self._changed()

    def put(self, model: str, ready: Mapping[str, str]) -> None:
        """Replace a model's ready endpoints: URL -> revision. Known ones keep their counts."""
        known = self._endpoints.get(model, {})
        now: dict[str, Endpoint] = {}
        for url, revision in ready.items():
            kept = known.get(url)
            now[url] = kept if kept is not None and kept.revision == revision else Endpoint(url, revision)
        self._endpoints[model] = now
        for revision in {endpoint.revision for endpoint in (*known.values(), *now.values())}:
            self._serving[model, revision] = [endpoint for endpoint in now.values() if endpoint.revision == revision]
            if not self._serving[model, revision]:
                del self._serving[model, revision]
        if now.keys() != known.keys():
            self._changed()

    def pick(
        self, model: Model, *, conversation: bytes, pin: str | None, avoid: AbstractSet[Endpoint]
    ) -> Choice | None:
        """By track, then the less loaded of two. An endpoint to avoid, or one set aside, is taken only when no other is left."""
        for track, revision in self._order(model, conversation, pin):
            endpoint = self._endpoint(model.name, revision, avoid)
            if endpoint is not None:
                if endpoint.in_flight == 0:
                    endpoint.progress = self._clock()
                endpoint.in_flight += 1
                return Choice(endpoint, track, {TRACK_HEADER: track})
        return None

    def done(self, model: Model, choice: Choice, verdict: Verdict, ttft: float | None = None) -> None:
        """Count the attempt out and judge its endpoint."""
        endpoint = choice.endpoint
        endpoint.in_flight -= 1
        peers = self._endpoints.get(model.name, {}).values()
        if self._judge(model.name).record(endpoint, verdict, ttft, peers, self._clock()):
            self._metrics.inc(names.EJECTIONS, model.name, "failures")

    def ready(self, model: str) -> Mapping[str, int]:
        """Ready endpoints by revision, those set aside included: Kubernetes says they are ready, and they come back."""
        counts: dict[str, int] = {}
        for endpoint in self._endpoints.get(model, {}).values():
            counts[endpoint.revision] = counts.get(endpoint.revision, 0) + 1
        return counts

    def gateways(self) -> int:
        """Alone, unless a watch knows better."""
        return 1

    def weights(self, model: Model) -> Mapping[str, int]:
        """What the tracks say, or all to stable."""
        return {model.tracks.stable: PERCENT} if self._braked else model.weights()

    def tick(self, now: float) -> None:
        """Set aside what hangs."""
        for model, endpoints in self._endpoints.items():
            for _ in self._judge(model).hangs(list(endpoints.values()), now):
                self._metrics.inc(names.EJECTIONS, model, "hang")

    def endpoints(self, model: str) -> Mapping[tuple[str, str], int]:
        """Count of endpoints by (revision, state)."""
        now = self._clock()
        counts: dict[tuple[str, str], int] = {}
        for endpoint in self._endpoints.get(model, {}).values():
            key = (endpoint.revision, "ejected" if endpoint.ejected(now) else "ready")
            counts[key] = counts.get(key, 0) + 1
        return counts

    def _judge(self, model: str) -> Health:
        health = self._health.get(model)
        if health is None:
            health = self._health[model] = Health(self._settings)
        return health

    def _order(self, model: Model, conversation: bytes, pin: str | None) -> Sequence[tuple[str, str]]:
        """Tracks to try, (name, revision), first choice first. A pin is kept to; else stable can answer for canary."""
        tracks = model.tracks
        stable = ("stable", tracks.stable)
        if self._braked or pin == "stable":
            return (stable,)
        if pin is not None:
            revision = {"canary": tracks.canary, "previous": tracks.previous, "shadow": tracks.shadow}.get(pin)
            return ((pin, revision),) if revision else (stable,)
        if not tracks.canary or not tracks.canary_weight:
            return (stable,)
        canary = ("canary", tracks.canary)
        if self._share(model.name, conversation) * PERCENT < tracks.canary_weight:
            return (canary, stable)
        return (stable, canary)

    def _share(self, model: str, conversation: bytes) -> float:
        """A number in [0, 1) that a conversation keeps, so that raising the weight moves conversations one way only."""
        if not conversation:
            return self._random.random()
        digest = hashlib.blake2b(conversation, digest_size=4, key=model.encode()[:64]).digest()
        return int.from_bytes(digest) / _GRAIN

    def _endpoint(self, model: str, revision: str, avoid: AbstractSet[Endpoint]) -> Endpoint | None:
        known = self._serving.get((model, revision), [])
        if len(known) < 2:  # noqa: PLR2004 -- nothing to choose
            return known[0] if known else None
        now = self._clock()
        good = [endpoint for endpoint in known if endpoint not in avoid and not endpoint.ejected(now)]
        candidates = good or [endpoint for endpoint in known if endpoint not in avoid] or known
        if len(candidates) < 2:  # noqa: PLR2004 -- two choices need two
            return candidates[0] if candidates else None
        first, second = self._random.sample(candidates, 2)
        return first if first.in_flight <= second.in_flight else second
