"""All that one gateway process holds, and what happens when a part of it changes."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from llm_gateway import metrics as names
from llm_gateway import quality, tokens
from llm_gateway.admission import Controller, capacity
from llm_gateway.brake import Brake
from llm_gateway.config import Snapshot
from llm_gateway.fallback import RetryBudgets
from llm_gateway.jwt import Verifier
from llm_gateway.limits import MemoryStore, open_store
from llm_gateway.logs import Events
from llm_gateway.metrics import Metrics
from llm_gateway.providers import Provider, open_provider
from llm_gateway.providers.kubernetes import KubernetesApi, own_namespace
from llm_gateway.upstream import client
from llm_gateway.upstream.mirror import Mirror
from llm_gateway.upstream.pool import Pool

if TYPE_CHECKING:
    from collections.abc import Callable

    from llm_gateway.limits.redis import RedisStore
    from llm_gateway.server.exchange import Exchange

TICK = 1.0  # seconds
JWKS_SECONDS = 5.0


class Gateway:
    """One process. Everything runs on one event loop, so nothing here needs a lock."""

    def __init__(
        self,
        snapshot: Snapshot,
        *,
        events: Events | None = None,
        kubernetes: Callable[[], KubernetesApi] = KubernetesApi,
    ) -> None:
        self.snapshot = snapshot
        server = snapshot.server
        self.metrics = Metrics(max_tenants=server.tenant_label_limit, latency_bounds=server.latency_bounds)
        self.events = events or Events()
        self.budgets = RetryBudgets(snapshot.retry_budget_percent)
        self.controller = Controller(snapshot)
        self.mirror = Mirror(self)
        self.draining = False
        self.open = 0
        self.started = False
        self.pool = Pool()
        self.store: MemoryStore | RedisStore
        self.provider: Provider
        self.counters: tokens.Counters
        self.verifier: Verifier | None = None
        self._kubernetes = kubernetes
        self._brake: Brake | None = None
        self._ticker: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Load tokenizers, open the store and find the engines. A store or an API server that is away does not stop it."""
        snapshot = self.snapshot
        self.counters = await asyncio.to_thread(tokens.build, snapshot)
        for note in self.counters.notes():
            self.events.say("tokenizer", note=note)
        self.store = open_store(snapshot)
        await self.store.start()
        self._open_verifier()
        self.provider = open_provider(
            snapshot, self.metrics, self.events, kubernetes=self._kubernetes, changed=self.refresh
        )
        await self.provider.start()
        settings = snapshot.provider
        if settings.brake_config_map:
            namespace = settings.namespace or own_namespace()
            self._brake = Brake(self._kubernetes(), namespace, settings.brake_config_map, self.events, self._braked)
            self._brake.start()
        self.started = True
        self.refresh()
        self._ticker = asyncio.create_task(self._tick())

    async def close(self) -> None:
        """Close everything; requests have ended by now."""
        if self._ticker is not None:
            self._ticker.cancel()
        if self._brake is not None:
            await self._brake.close()
        await self.mirror.close()
        await self.provider.close()
        await self.store.close()
        self.pool.close()
        self.counters.close()
        self.events.flush()

    async def apply(self, snapshot: Snapshot) -> None:
        """Swap the configuration. What can fail comes first; requests in flight keep the snapshot that they began with."""
        counters = await asyncio.to_thread(tokens.build, snapshot, (self.snapshot, self.counters))
        old, self.snapshot, self.counters = self.snapshot, snapshot, counters
        self.controller.update(snapshot)
        self.provider.update(snapshot)
        if snapshot.limit_store != old.limit_store:
            store, self.store = self.store, open_store(snapshot)
            await self.store.start()
            await store.close()
        if snapshot.retry_budget_percent != old.retry_budget_percent:
            self.budgets = RetryBudgets(snapshot.retry_budget_percent)
        if snapshot.jwt != old.jwt:
            self._open_verifier()
        self.refresh()

    def refresh(self) -> None:
        """Bring slots and track metrics up to date: after a change of engines, gateways, weights or the brake."""
        if not self.started:
            return
        gateways = self.provider.gateways()
        self.store.set_replicas(gateways)
        tracks: dict[tuple[str, ...], float] = {}
        shares: dict[tuple[str, ...], float] = {}
        for name, model in self.snapshot.models.items():
            weights = self.provider.weights(model)
            size = capacity(model, self.provider.ready(name), gateways, weights)
            self.controller.set_capacity(name, size.slots, size.depth)
            pointers = (("stable", model.tracks.stable), ("canary", model.tracks.canary), ("shadow", model.tracks.shadow),
                        ("previous", model.tracks.previous))  # fmt: skip
            for track, revision in pointers:
                if revision:
                    tracks[name, track, revision] = 1
                    if model.kind == "generate":
                        quality.prepare(self.metrics, name, revision)
            shares[name, "stable"] = weights.get(model.tracks.stable, 0)
            if model.tracks.canary and model.tracks.canary != model.tracks.stable:
                shares[name, "canary"] = weights.get(model.tracks.canary, 0)
        self.metrics.replace(names.TRACK, tracks)
        self.metrics.replace(names.TRACK_WEIGHT, shares)

    def count(self, x: Exchange, *, answered: bool) -> None:
        """Count one request that ended."""
        record, metrics = x.record, self.metrics
        tenant, model, cls = metrics.tenant(record.tenant), record.model or names.NONE, record.cls or names.NONE
        metrics.inc(names.REQUESTS, tenant, model, cls, record.outcome, str(record.status))
        if record.attempts:
            metrics.observe(names.DURATION, record.duration, model, cls)
        if answered and x.plan is not None:
            usage = x.summary.prompt_tokens if x.summary is not None else None
            prompt, source = (x.plan.tokens.tokens, x.plan.tokens.source) if usage is None else (usage, "usage")
            metrics.inc(names.PROMPT_TOKENS, tenant, model, source, by=prompt)
            if record.completion_tokens:
                metrics.inc(names.COMPLETION_TOKENS, tenant, model, by=record.completion_tokens)
        if answered and record.outcome == "ok":
            refused = x.summary is not None and x.summary.refused
            quality.count(metrics, model, record.revision, refused=refused, judged=x.judged)

    def scrape(self) -> bytes:
        """The metrics page; gauges that are cheap to read are read now."""
        metrics = self.metrics
        metrics.set(names.OPEN, self.open)
        metrics.set(names.DRAINING, float(self.draining))
        metrics.set(names.LIMIT_STORE_UP, float(self.store.healthy))
        endpoints: dict[tuple[str, ...], float] = {}
        for name in self.snapshot.models:
            pool = self.controller.stats(name)
            metrics.set(names.QUEUE_DEPTH, pool.waiting, name)
            metrics.set(names.IN_FLIGHT, pool.running, name)
            metrics.set(names.SLOTS, pool.slots, name)
            # A counter that appears with its first request has no rate until the second; a model at zero would sleep through it.
            metrics.inc(names.DEMAND, name, by=0)
            for (revision, state), count in self.provider.endpoints(name).items():
                endpoints[name, revision, state] = count
        metrics.replace(names.ENDPOINTS, endpoints)
        used: dict[tuple[str, ...], float] = {}
        for tenant in self.snapshot.tenants:
            label = metrics.tenant(tenant)
            if label != names.OTHER:
                used |= {(label, limit): share for limit, share in self.store.usage(tenant).items()}
        metrics.replace(names.LIMIT_USED, used)
        return metrics.render()

    def _braked(self, on: bool) -> None:  # noqa: FBT001 -- a callback with one meaning
        self.metrics.set(names.BRAKE, float(on))
        self.provider.brake(on=on)
        self.mirror.braked = on
        self.refresh()

    def _open_verifier(self) -> None:
        settings = self.snapshot.jwt
        self.verifier = Verifier(settings, self._fetch) if settings is not None else None

    async def _fetch(self, url: str) -> bytes:
        """GET, bounded: what an issuer sends is not trusted to be small or quick."""
        return await client.get(self.pool, url, seconds=JWKS_SECONDS)

    async def _tick(self) -> None:
        while True:
            due = time.monotonic() + TICK
            await asyncio.sleep(TICK)
            now = time.monotonic()
            self.metrics.set(names.LOOP_LAG, max(0.0, now - due))
            self.provider.tick(now)
