"""Slots for requests: at once where one is free, in the queue where one will be, a refusal where none will be in time."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from llm_gateway.admission.pool import CLASS_RANK, Pool, Rank, Waiter
from llm_gateway.types import Identity, Refusal, Tenant, TrafficClass

if TYPE_CHECKING:
    from llm_gateway.config.snapshot import Model, Snapshot

_JITTER = 0.2
_LEAST_RETRY_S = 1.0
_MOST_RETRY_S = 300.0


class PoolStats(msgspec.Struct, frozen=True):
    """One model's queue. service_s: how long a request holds a slot, smoothed."""

    slots: int
    running: int
    waiting: int
    depth: int
    service_s: float


class RunningSlot:
    """See `types.Slot`."""

    __slots__ = ("_charged", "_controller", "_pool", "_rank", "_since", "_tenant", "waited")

    def __init__(self, controller: Controller, pool: Pool, tenant: Tenant, rank: Rank, waited: float) -> None:
        self.waited = waited
        self._controller: Controller | None = controller
        self._pool = pool
        self._tenant = tenant
        self._rank = rank
        self._since = controller.clock()
        self._charged = pool.start(tenant, rank)

    def release(self) -> None:
        """Give the slot to who is next."""
        controller = self._controller
        if controller is None:
            return
        self._controller = None
        self._pool.end(self._tenant, self._rank, self._charged, max(0.0, controller.clock() - self._since))
        controller.serve(self._pool)


class Controller:
    """The queues of all models. ``clock``: seconds, monotonic."""

    def __init__(self, snapshot: Snapshot, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self._pools: dict[str, Pool] = {}
        self.update(snapshot)

    def update(self, snapshot: Snapshot) -> None:
        """Follow a new configuration. Requests that wait for a model that is gone are refused; running ones end as they may."""
        self._snapshot = snapshot
        for name, model in snapshot.models.items():
            pool = self._pools.get(name)
            if pool is None:
                self._pools[name] = Pool(model.klass, snapshot.admission.batch_slots_percent)
            else:
                pool.class_rank = CLASS_RANK[model.klass]
                pool.batch_percent = snapshot.admission.batch_slots_percent
        for name in self._pools.keys() - snapshot.models.keys():
            self._dismiss(self._pools.pop(name), "no_backend")

    def set_capacity(self, model: str, slots: int, depth: int) -> None:
        """How many requests may run and wait; 0 slots is no backend, and nobody waits for that."""
        pool = self._pools.get(model)
        if pool is None:
            return
        pool.slots, pool.depth = slots, depth
        if slots == 0:
            self._dismiss(pool, "no_backend")
        self.serve(pool)

    async def acquire(
        self, model: str, identity: Identity, klass: TrafficClass, deadline: float | None = None
    ) -> RunningSlot | Refusal:
        """A slot, or why there is none. ``deadline``: on the clock, by default the model's queue timeout from now.

        One that is not in the future means: now or not at all. Cancelling the caller takes the request out of the queue at once.
        """
        pool = self._pools.get(model)
        settings = self._snapshot.models.get(model)
        if pool is None or settings is None or pool.slots == 0:
            return _no_backend(settings)
        tenant = identity.tenant
        rank = (CLASS_RANK[klass], self._snapshot.admission.rank(tenant.tier))
        if pool.fits(rank) and pool.first(rank):
            return RunningSlot(self, pool, tenant, rank, 0.0)
        now = self.clock()
        patience = settings.queue_timeout_s if deadline is None else deadline - now
        if patience <= 0 or not self._place(pool, tenant, rank):
            return _full(pool)
        return await self._wait(
            pool, Waiter(tenant, rank, now, asyncio.get_running_loop().create_future()), settings, patience
        )

    def serve(self, pool: Pool) -> None:
        """Start who is next, as long as slots are free."""
        while pool.waiting and (waiter := pool.take()) is not None:
            if not waiter.future.done():
                # The slot is taken here, not when the waiter wakes up: until then nobody else may get it.
                slot = RunningSlot(self, pool, waiter.tenant, waiter.rank, self.clock() - waiter.since)
                waiter.future.set_result(slot)

    def stats(self, model: str) -> PoolStats:
        """Figures for metrics; zeros for a model that is not there."""
        pool = self._pools.get(model)
        if pool is None:
            return PoolStats(0, 0, 0, 0, 0.0)
        return PoolStats(pool.slots, pool.running, pool.waiting, pool.depth, pool.service_s)

    async def _wait(self, pool: Pool, waiter: Waiter, model: Model, patience: float) -> RunningSlot | Refusal:
        pool.join(waiter)
        timer = asyncio.get_running_loop().call_later(patience, _expire, waiter)
        try:
            answer = await waiter.future
        except asyncio.CancelledError:
            pool.leave(waiter)
            if waiter.future.done() and not waiter.future.cancelled():
                given = waiter.future.result()
                if isinstance(given, RunningSlot):
                    given.release()
            raise
        finally:
            timer.cancel()
        if isinstance(answer, RunningSlot):
            return answer
        pool.leave(waiter)
        if answer == "queue_timeout":
            return Refusal(
                status=429, code="queue_timeout", message=f"No engine was free within {patience:g} s.",
                outcome="queue_timeout", retry_after=_retry(pool),
            )  # fmt: skip
        return _no_backend(model) if answer == "no_backend" else _full(pool)

    def _place(self, pool: Pool, tenant: Tenant, rank: Rank) -> bool:
        """Make sure that a place in the queue is free, by sending away who holds one unfairly."""
        if pool.waiting < pool.depth:
            return True
        displaced = pool.displaced(tenant, rank) if pool.depth else None
        if displaced is None:
            return False
        if not displaced.future.done():
            displaced.future.set_result("queue_full")
        return True

    def _dismiss(self, pool: Pool, why: str) -> None:
        for waiter in pool.everyone():
            pool.leave(waiter)
            if not waiter.future.done():
                waiter.future.set_result(why)


def _expire(waiter: Waiter) -> None:
    if not waiter.future.done():
        waiter.future.set_result("queue_timeout")


def _retry(pool: Pool) -> float:
    """When it is worth coming back; spread, so that those who were sent away together do not come back together."""
    return min(_MOST_RETRY_S, max(_LEAST_RETRY_S, pool.wait_s())) * random.uniform(1, 1 + _JITTER)  # noqa: S311 -- no secret


def _full(pool: Pool) -> Refusal:
    return Refusal(
        status=429,
        code="queue_full",
        message="The queue of this model is full.",
        outcome="queue_full",
        retry_after=_retry(pool),
    )


def _no_backend(model: Model | None) -> Refusal:
    return Refusal(
        status=503, code="no_backend", message="No engine of this model is ready.", outcome="no_backend",
        retry_after=model.cold_start_s if model is not None else None,
    )  # fmt: skip
