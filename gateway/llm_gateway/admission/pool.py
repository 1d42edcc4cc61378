"""The queue in front of one model: who waits, and who is next.

Order: class (interactive, batch, experimental), then tier, then fair between the tenants of one class and tier. Fair is measured in
slot time: each tenant's account grows by what its requests hold, divided by its weight, and the smallest account is next. A
request is charged the usual time when it starts and the difference when it ends, so that long requests count as long. A tenant that comes
back from idleness starts at the account of those served now: nothing is saved up.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import Any

from llm_gateway.types import Tenant, TrafficClass

Rank = tuple[int, int]
"""Class, then tier; smaller goes first."""

CLASS_RANK: dict[TrafficClass, int] = {"interactive": 0, "batch": 1, "experimental": 2}
_SMOOTHING = 0.1
FIRST_GUESS_S = 1.0
"""Service time until one was measured."""


class Waiter:
    """One request in the queue. future: its slot, or why there is none."""

    __slots__ = ("future", "rank", "since", "tenant")

    def __init__(self, tenant: Tenant, rank: Rank, since: float, future: asyncio.Future[Any]) -> None:
        self.tenant = tenant
        self.rank = rank
        self.since = since
        self.future = future


class Line:
    """Waiting requests of one tenant in one band, oldest first; any of them leaves at once."""

    __slots__ = ("account", "running", "waiters", "weight")

    def __init__(self, weight: int) -> None:
        self.weight = weight
        self.account = 0.0
        self.running = 0
        self.waiters: OrderedDict[Waiter, None] = OrderedDict()


class Band:
    """Tenants of one class and tier."""

    __slots__ = ("lines", "now", "waiting")

    def __init__(self) -> None:
        self.lines: dict[str, Line] = {}
        self.now = 0.0
        self.waiting = 0

    def line(self, tenant: Tenant) -> Line:
        """The tenant's line; one in which nobody waits is owed nothing, so it moves up to the account of those served now."""
        line = self.lines.get(tenant.name)
        if line is None:
            line = self.lines[tenant.name] = Line(tenant.priority)
        if not line.waiters:
            line.account = max(line.account, self.now)
        line.weight = tenant.priority
        return line

    def next(self) -> Line | None:
        """The waiting line with the smallest account."""
        if not self.waiting:
            return None
        return min((line for line in self.lines.values() if line.waiters), key=_account)

    def forget_idle(self, name: str) -> None:
        """Drop a line without requests whose account is not ahead. The rest stay, at most one per tenant."""
        line = self.lines.get(name)
        if line is not None and not line.waiters and not line.running and line.account <= self.now:
            del self.lines[name]


class Pool:
    """Slots and queue of one model. Nothing here waits; `Controller` does. Not thread-safe: one event loop."""

    def __init__(self, klass: TrafficClass, batch_percent: int) -> None:
        self.class_rank = CLASS_RANK[klass]
        self.batch_percent = batch_percent
        self.slots = 0
        self.depth = 0
        self.running = 0
        self.waiting = 0
        self.service_s = FIRST_GUESS_S
        self._measured = False
        self._bands: dict[Rank, Band] = {}
        self._by_class = [0] * len(CLASS_RANK)  # running requests

    def fits(self, rank: Rank) -> bool:
        """Whether a slot is free for a request of this rank; lower classes than the model's leave some to the others."""
        if self.running >= self.slots:
            return False
        if rank[0] <= self.class_rank:
            return True
        return sum(self._by_class[self.class_rank + 1 :]) < max(1, self.slots * self.batch_percent // 100)

    def first(self, rank: Rank) -> bool:
        """Whether nobody waits who would go before a new request of this rank."""
        if not self.waiting:
            return True
        return not any(band.waiting for waiting, band in self._bands.items() if waiting <= rank)

    def start(self, tenant: Tenant, rank: Rank) -> float:
        """Take a slot; return what the tenant was charged, for `end`."""
        band = self._band(rank)
        line = band.line(tenant)
        band.now = max(band.now, line.account)
        charge = self.service_s
        line.account += charge / line.weight
        line.running += 1
        self.running += 1
        self._by_class[rank[0]] += 1
        return charge

    def end(self, tenant: Tenant, rank: Rank, charged: float, held: float) -> None:
        """Give a slot back and settle the account; ``held`` in seconds."""
        band = self._band(rank)
        line = band.lines.get(tenant.name)
        if line is not None:
            line.running -= 1
            line.account += (held - charged) / line.weight
        self.running -= 1
        self._by_class[rank[0]] -= 1
        self.service_s = self.service_s + _SMOOTHING * (held - self.service_s) if self._measured else held
        self._measured = True
        band.forget_idle(tenant.name)

    def join(self, waiter: Waiter) -> None:
        """Put a request at the end of its tenant's line."""
        band = self._band(waiter.rank)
        band.line(waiter.tenant).waiters[waiter] = None
        band.waiting += 1
        self.waiting += 1

    def leave(self, waiter: Waiter) -> None:
        """Take a request out of the queue, wherever it stands; one that is not in it is left alone."""
        band = self._band(waiter.rank)
        line = band.lines.get(waiter.tenant.name)
        if line is None or waiter not in line.waiters:
            return
        del line.waiters[waiter]
        band.waiting -= 1
        self.waiting -= 1
        band.forget_idle(waiter.tenant.name)

    def take(self) -> Waiter | None:
        """Take out who is next, if a slot is free for it."""
        for rank in sorted(rank for rank, band in self._bands.items() if band.waiting):
            if not self.fits(rank):
                continue
            line = self._bands[rank].next()
            if line is not None:
                waiter = next(iter(line.waiters))
                self.leave(waiter)
                return waiter
        return None

    def displaced(self, tenant: Tenant, rank: Rank) -> Waiter | None:
        """Who gives up its place in a full queue for a new request: the newest of the last in order, if that is fair.

        A lower band always does. Within a band, the tenant that holds the most places for its weight does, if it would still hold
        more than the new one. Otherwise None: the new request is turned away.
        """
        last = max((rank for rank, band in self._bands.items() if band.waiting), default=None)
        if last is None or last < rank:
            return None
        lines = self._bands[last].lines
        name, line = max(
            ((name, line) for name, line in lines.items() if line.waiters), key=lambda item: _places(item[1])
        )
        if last == rank:
            mine = lines.get(tenant.name)
            places = ((len(mine.waiters) if mine else 0) + 1) / tenant.priority
            if name == tenant.name or places > (len(line.waiters) - 1) / line.weight:
                return None
        waiter = next(reversed(line.waiters))
        self.leave(waiter)
        return waiter

    def wait_s(self) -> float:
        """Seconds until a place in the queue is likely to be served: the queue times the service time over the slots."""
        return (self.waiting + 1) * self.service_s / max(1, self.slots)

    def everyone(self) -> list[Waiter]:
        """All who wait."""
        return [waiter for band in self._bands.values() for line in band.lines.values() for waiter in line.waiters]

    def _band(self, rank: Rank) -> Band:
        band = self._bands.get(rank)
        if band is None:
            band = self._bands[rank] = Band()
        return band


def _account(line: Line) -> float:
    return line.account


def _places(line: Line) -> float:
    return len(line.waiters) / line.weight
