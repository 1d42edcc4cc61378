"""Limits counted in Redis or Valkey, for every gateway at once: one atomic script over all limits of a tenant."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, cast

import msgspec
from redis.asyncio import BlockingConnectionPool, Connection, Redis, SSLConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from llm_gateway.config.snapshot import LimitStore
from llm_gateway.limits import answers
from llm_gateway.limits.batch import ERRORS, Batch, Script
from llm_gateway.limits.entries import DAY_MS, Entries, Entry
from llm_gateway.limits.memory import MemoryStore, Stats
from llm_gateway.types import Grant, Identity, Refusal

LEASE_MS = 30_000
"""A gateway that died counts its requests in flight for so long."""
RENEW_S = 10.0
PROBE_S = 0.5
_CONNECTIONS = 4
_KINDS = {"requestsPerMinute": "g", "tokensPerMinute": "g", "tokensPerDay": "d", "concurrentRequests": "c"}
_RESERVE, _SETTLE, _RENEW = Script("reserve"), Script("settle"), Script("renew")


class RedisStore:
    """See `types.Store`. While the store is unreachable nobody waits for it: a probe in the background says when it is back."""

    def __init__(self, settings: LimitStore, *, clock: Callable[[], float] = time.time) -> None:
        self.stats = Stats()
        self.healthy = True
        self._settings = settings
        self._local = MemoryStore(settings.replicas, clock=clock, stands_in=True)
        self._entries = Entries()
        self._open: dict[str, Grant] = {}
        self._used: dict[str, dict[str, tuple[Entry, int]]] = {}  # by tenant and limit
        self._tasks: set[asyncio.Task[Any]] = set()
        self._client = _client(settings)
        self._batch = Batch(self._client.connection_pool, timeout_s=settings.timeout_s)

    async def start(self) -> None:
        """Try the store once, and keep the leases of requests in flight alive from now on."""
        self._background(self._renew_forever())
        try:
            await self._ping()
        except ERRORS:
            self._lost()

    async def close(self) -> None:
        """Drop connections; leases end by themselves."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._batch.close()
        with suppress(*ERRORS):
            await self._client.aclose()

    def set_replicas(self, count: int) -> None:
        """How many gateways share each limit while the store is unreachable."""
        self._local.set_replicas(count)

    def usage(self, tenant: str) -> Mapping[str, float]:
        """Used share of each limit of the tenant, as last seen."""
        if not self.healthy:
            return self._local.usage(tenant)
        return {name: answers.share(*seen) for name, seen in self._used.get(tenant, {}).items()}

    async def reserve(self, identity: Identity, model: str, cost: int, *, request_id: str) -> Grant | Refusal:
        """See `types.Store`."""
        entries = self._entries.of(identity, model)
        refusal = answers.too_large(entries, cost)
        if refusal is not None:
            return refusal
        if not entries:
            return Grant(id=request_id, tenant=identity.tenant.name, tokens=cost)
        if not self.healthy:
            return self._without_store(identity, model, cost, request_id)
        tenant = identity.tenant.name
        arguments: list[Any] = [request_id, LEASE_MS]
        for entry in entries:
            arguments += (_KINDS[entry.measure], entry.limit, entry.cost(cost))
        reply = self._batch.call(_RESERVE, self._keys(tenant, entries), arguments)
        grant = partial(self._granted, tenant, entries, cost, request_id)
        try:
            return grant(await asyncio.shield(reply))
        except asyncio.CancelledError:
            # A client that left meanwhile must not leave a reservation behind that nobody knows of.
            reply.add_done_callback(lambda done: self._give_back(done, grant))
            raise
        except ERRORS:
            self._lost()
            return self._without_store(identity, model, cost, request_id)

    async def settle(self, grant: Grant, used: int) -> None:
        """See `types.Store`."""
        if grant.degraded:
            await self._local.settle(grant, used)
            return
        if self._open.pop(grant.id, None) is None or not self.healthy:
            return
        day, entries = grant.entries
        kept = [entry for entry in entries if entry.measure != "requestsPerMinute"]
        if not kept:
            return
        unused = grant.tokens - used
        arguments: list[Any] = [grant.id, day]
        for entry in kept:
            arguments += (_KINDS[entry.measure], entry.limit, unused)
        try:
            await asyncio.shield(self._batch.call(_SETTLE, self._keys(grant.tenant, kept), arguments))
        except ERRORS:
            self._lost()  # what was not given back drains by itself within a minute, or a lease

    def _granted(
        self, tenant: str, entries: Sequence[Entry], cost: int, request_id: str, reply: list[int]
    ) -> Grant | Refusal:
        """What the script's reply means."""
        if not reply[0]:
            return answers.exceeded(entries[reply[2] - 1], reply[3], answers.headers(entries, reply[4:]))
        levels = reply[2:]
        used = self._used.setdefault(tenant, {})
        for entry, level in zip(entries, levels, strict=True):
            used[entry.name] = (entry, level)
        grant = Grant(
            id=request_id,
            tenant=tenant,
            tokens=cost,
            entries=(reply[1] // DAY_MS, entries),
            lines=answers.headers(entries, levels),
        )
        self._open[request_id] = grant
        return grant

    def _give_back(self, reply: asyncio.Future[Any], grant: Callable[[list[int]], Grant | Refusal]) -> None:
        if not reply.cancelled() and reply.exception() is None and isinstance(granted := grant(reply.result()), Grant):
            self._background(self.settle(granted, 0))

    def _without_store(self, identity: Identity, model: str, cost: int, request_id: str) -> Grant | Refusal:
        self.stats.degraded += 1
        if self._settings.when_down == "closed":
            return Refusal(
                status=503, code="limit_store_unavailable", message="Limits cannot be counted at the moment.",
                outcome="rate_limited", retry_after=1.0,
            )  # fmt: skip
        if self._settings.when_down == "open":
            return Grant(id=request_id, tenant=identity.tenant.name, tokens=cost, degraded=True)
        granted = self._local.reserve_now(identity, model, cost, request_id=request_id)
        return granted if isinstance(granted, Refusal) else msgspec.structs.replace(granted, degraded=True)

    def _keys(self, tenant: str, entries: Sequence[Entry]) -> list[str]:
        start = f"{self._settings.prefix}:{{{tenant}}}:"
        return [start + entry.key for entry in entries]

    def _lost(self) -> None:
        self.stats.errors += 1
        if self.healthy:
            self.healthy = False
            self._background(self._probe())

    async def _probe(self) -> None:
        while not self.healthy:
            await asyncio.sleep(PROBE_S)
            with suppress(*ERRORS):
                await self._ping()
                self.healthy = True

    async def _ping(self) -> None:
        async with asyncio.timeout(self._settings.timeout_s):
            await cast(Awaitable[Any], self._client.ping())

    async def _renew_forever(self) -> None:
        while True:
            await asyncio.sleep(RENEW_S)
            if self.healthy:
                try:
                    await self.renew()
                except ERRORS:
                    self._lost()

    async def renew(self) -> None:
        """Lengthen the leases of all requests in flight."""
        running: dict[str, list[str]] = defaultdict(list)
        for grant in self._open.values():
            for entry in grant.entries[1]:
                if entry.measure == "concurrentRequests":
                    running[self._keys(grant.tenant, [entry])[0]].append(grant.id)
        for key, ids in running.items():
            await asyncio.shield(self._batch.call(_RENEW, [key], [LEASE_MS, *ids]))

    def _background(self, coroutine: Any) -> asyncio.Task[Any]:  # noqa: ANN401 -- any coroutine
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # looked at, so that asyncio does not complain where the waiter is gone


def _client(settings: LimitStore) -> Redis:
    if settings.address is None:
        raise ValueError("a Redis store needs an address")
    host, port = settings.address
    pool = BlockingConnectionPool(
        host=host,
        port=port,
        password=settings.password.reveal() if settings.password else None,
        max_connections=_CONNECTIONS,  # waits for a free one; the default pool raises, which users would see as errors
        timeout=settings.timeout_s,
        socket_timeout=None,  # see `Batch`
        socket_connect_timeout=settings.timeout_s,
        retry=Retry(NoBackoff(), 0),  # a script that timed out may have run; running it again would charge twice
        decode_responses=False,
        connection_class=SSLConnection if settings.tls else Connection,
    )
    return Redis(connection_pool=pool)
