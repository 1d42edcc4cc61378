"""Limits counted in this process: exact for one gateway, a share each for several."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence

import msgspec

from llm_gateway.limits import answers, gcra
from llm_gateway.limits.entries import DAY_MS, MINUTE, Entries, Entry
from llm_gateway.types import Grant, Identity, Refusal

_PRUNE_EVERY_MS = 60_000


class Stats(msgspec.Struct):
    """What a store counts for metrics: grants made without the configured store, and errors of that store."""

    degraded: int = 0
    errors: int = 0


class MemoryStore:
    """See `types.Store`. ``stands_in``: for another store that is down, so that too large for a share is a matter of time."""

    def __init__(self, replicas: int = 1, *, clock: Callable[[], float] = time.time, stands_in: bool = False) -> None:
        self.stats = Stats()
        self.healthy = True
        self._clock = clock
        self._replicas = max(1, replicas)
        self._stands_in = stands_in
        self._entries = Entries()
        self._minutes: dict[tuple[str, str], tuple[int, int, int]] = {}  # debt, at (ms), limit
        self._days: dict[tuple[str, str], tuple[int, int]] = {}  # day, used
        self._running: dict[tuple[str, str], int] = {}
        self._open: OrderedDict[str, None] = OrderedDict()
        self._used: dict[str, dict[str, float]] = {}
        self._pruned_at = 0

    async def start(self) -> None:
        """Nothing to open."""

    async def close(self) -> None:
        """Nothing to close."""

    def set_replicas(self, count: int) -> None:
        """How many gateways share each limit."""
        self._replicas = max(1, count)

    def usage(self, tenant: str) -> Mapping[str, float]:
        """Used share of each limit of the tenant, as last seen."""
        return self._used.get(tenant, {})

    async def reserve(self, identity: Identity, model: str, cost: int, *, request_id: str) -> Grant | Refusal:
        """See `types.Store`."""
        return self.reserve_now(identity, model, cost, request_id=request_id)

    def reserve_now(self, identity: Identity, model: str, cost: int, *, request_id: str) -> Grant | Refusal:
        """`reserve`, which needs no waiting here: between its checks and its entries nothing else runs."""
        tenant = identity.tenant.name
        entries = self._shares(self._entries.of(identity, model))
        refusal = answers.too_large(entries, cost)
        if refusal is not None:
            return self._too_large_for_now(refusal) if self._stands_in else refusal
        now = int(self._clock() * 1000)
        self._prune(now)
        levels = [self._level(tenant, entry, now) for entry in entries]
        waits = [_wait(entry, level, entry.cost(cost), now) for entry, level in zip(entries, levels, strict=True)]
        longest = max(waits, default=0)
        if longest:
            return answers.exceeded(entries[waits.index(longest)], longest, answers.headers(entries, levels))
        after = [
            self._take(tenant, entry, level, entry.cost(cost), now)
            for entry, level in zip(entries, levels, strict=True)
        ]
        self._open[request_id] = None
        answers.note_usage(self._used.setdefault(tenant, {}), entries, after)
        return Grant(
            id=request_id,
            tenant=tenant,
            tokens=cost,
            entries=(now // DAY_MS, entries),
            headers=answers.headers(entries, after),
        )

    async def settle(self, grant: Grant, used: int) -> None:
        """See `types.Store`."""
        if grant.id not in self._open:
            return
        del self._open[grant.id]
        now = int(self._clock() * 1000)
        day, entries = grant.entries
        unused = grant.tokens - used
        for entry in entries:
            place = (grant.tenant, entry.key)
            if entry.measure == "concurrentRequests":
                left = self._running.get(place, 0) - 1
                if left > 0:
                    self._running[place] = left
                else:
                    self._running.pop(place, None)
            elif entry.measure == "tokensPerMinute":
                debt, at, limit = self._minutes.get(place, (0, now, entry.limit))
                owed = gcra.paid(debt, at, now, limit)
                self._minutes[place] = (max(0, owed - unused * gcra.MINUTE_MS), now, limit)
            elif entry.measure == "tokensPerDay":
                counted, so_far = self._days.get(place, (day, 0))
                if counted == day:
                    self._days[place] = (day, max(0, so_far - unused))

    def _shares(self, entries: Sequence[Entry]) -> Sequence[Entry]:
        if self._replicas == 1:
            return entries
        return [msgspec.structs.replace(entry, limit=max(1, entry.limit // self._replicas)) for entry in entries]

    def _level(self, tenant: str, entry: Entry, now: int) -> int:
        """What the limit counts at present: debt, tokens of the day, or requests in flight."""
        place = (tenant, entry.key)
        if entry.measure in MINUTE:
            debt, at, _ = self._minutes.get(place, (0, now, 0))
            return gcra.paid(debt, at, now, entry.limit)
        if entry.measure == "tokensPerDay":
            day, used = self._days.get(place, (0, 0))
            return used if day == now // DAY_MS else 0
        return self._running.get(place, 0)

    def _take(self, tenant: str, entry: Entry, level: int, cost: int, now: int) -> int:
        place = (tenant, entry.key)
        if entry.measure in MINUTE:
            level += cost * gcra.MINUTE_MS
            self._minutes[place] = (level, now, entry.limit)
        elif entry.measure == "tokensPerDay":
            level += cost
            self._days[place] = (now // DAY_MS, level)
        else:
            level += 1
            self._running[place] = level
        return level

    def _prune(self, now: int) -> None:
        """Forget what is paid: tenants and keys come and go with the configuration."""
        if now - self._pruned_at < _PRUNE_EVERY_MS:
            return
        self._pruned_at = now
        self._minutes = {
            place: state for place, state in self._minutes.items() if gcra.paid(state[0], state[1], now, state[2])
        }
        self._days = {place: state for place, state in self._days.items() if state[0] == now // DAY_MS}

    def _too_large_for_now(self, refusal: Refusal) -> Refusal:
        return msgspec.structs.replace(
            refusal, status=429, code="rate_limit_exceeded", outcome="rate_limited", retry_after=5.0, param=None,
            message="The request is larger than what this gateway may grant while the limit store is unreachable.",
        )  # fmt: skip


def _wait(entry: Entry, level: int, cost: int, now: int) -> int:
    """Milliseconds until the limit lets ``cost`` pass; 0 is now."""
    if entry.measure in MINUTE:
        return gcra.wait_ms(level, cost, entry.limit)
    if level + cost <= entry.limit:
        return 0
    return answers.until_tomorrow(now) if entry.measure == "tokensPerDay" else answers.CONCURRENCY_RETRY_MS
