"""Slots and queue: never more than there are, fair by weight, priority by class and tier, left at once."""

from __future__ import annotations

import asyncio
import heapq
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.gateway.policy.conftest import identity, snapshot

from llm_gateway.admission import Capacity, Controller, RunningSlot, capacity
from llm_gateway.admission.pool import Pool, Waiter
from llm_gateway.types import Identity, Refusal, TrafficClass


def controller(slots: int, depth: int, **patch: Any) -> Controller:
    made = Controller(snapshot(patch))
    made.set_capacity("chat", slots, depth)
    return made


def running(answer: RunningSlot | Refusal) -> RunningSlot:
    assert isinstance(answer, RunningSlot), answer
    return answer


def refused(answer: RunningSlot | Refusal) -> Refusal:
    assert isinstance(answer, Refusal), answer
    return answer


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


class Simulation:
    """Closed-loop clients against one pool on a clock of its own: each has a request waiting or running at any time."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.now = 0.0
        self.held: Counter[str] = Counter()
        self.served: Counter[str] = Counter()
        self._ends: list[tuple[float, int, Any]] = []
        self._count = 0

    def run(self, clients: list[tuple[Identity, int, float]], until: float, rank: tuple[int, int] = (0, 0)) -> None:
        """clients: identity, requests kept in the queue, seconds each takes."""
        durations = {who.tenant.name: seconds for who, _, seconds in clients}
        for who, requests, _ in clients:
            for _ in range(requests):
                self.pool.join(Waiter(who.tenant, rank, self.now, None))  # type: ignore[arg-type]
        while self.now < until:
            while (waiter := self.pool.take()) is not None:
                charged = self.pool.start(waiter.tenant, waiter.rank)
                seconds = durations[waiter.tenant.name]
                self._count += 1
                heapq.heappush(self._ends, (self.now + seconds, self._count, (waiter, charged, seconds)))
            assert self.pool.running <= self.pool.slots
            self.now, _, (waiter, charged, seconds) = heapq.heappop(self._ends)
            self.pool.end(waiter.tenant, waiter.rank, charged, seconds)
            self.held[waiter.tenant.name] += seconds
            self.served[waiter.tenant.name] += 1
            self.pool.join(Waiter(waiter.tenant, waiter.rank, self.now, None))  # type: ignore[arg-type]


@settings(max_examples=40, deadline=None)
@given(
    weights=st.lists(st.integers(1, 20), min_size=2, max_size=6),
    seconds=st.lists(st.sampled_from([0.2, 0.5, 1.0, 3.0, 8.0]), min_size=6, max_size=6),
    slots=st.integers(1, 12),
)
def test_busy_tenants_share_slot_time_by_weight(weights: list[int], seconds: list[float], slots: int) -> None:
    """Whatever their requests take: within 10 % (and a few requests) of the share that the weights say."""
    pool = Pool("interactive", 75)
    pool.slots = slots
    clients = [
        (identity(f"t{index}", priority=weight), slots + 3, seconds[index]) for index, weight in enumerate(weights)
    ]
    simulation = Simulation(pool)
    horizon = 2000.0
    simulation.run(clients, horizon)
    total = sum(simulation.held.values())
    for who, _, duration in clients:
        share = who.tenant.priority / sum(weights)
        grain = 4 * max(seconds[: len(weights)]) * slots / total
        assert simulation.held[who.tenant.name] / total == pytest.approx(
            share, rel=0.1, abs=grain + 4 * duration / total
        )


def test_nobody_saves_up_while_away_nor_pays_for_having_been_alone() -> None:
    pool = Pool("interactive", 75)
    pool.slots = 4
    simulation = Simulation(pool)
    simulation.run([(identity("early"), 8, 1.0)], 500.0)
    alone = simulation.held["early"]
    simulation.run([(identity("early"), 0, 1.0), (identity("late"), 8, 1.0)], 1000.0)
    early, late = simulation.held["early"] - alone, simulation.held["late"]
    assert early / (early + late) == pytest.approx(0.5, abs=0.02)


class World:
    """A controller, requests that wait, and slots that are held."""

    def __init__(self, slots: int, depth: int) -> None:
        self.control = controller(slots, depth)
        self.slots, self.depth = slots, depth
        self.tasks: list[asyncio.Task[RunningSlot | Refusal]] = []
        self.held: list[RunningSlot] = []

    async def step(self, action: str, number: int, klass: TrafficClass) -> None:
        before = len(self.held)
        if action == "acquire":
            self.tasks.append(asyncio.create_task(self.control.acquire("chat", identity(f"t{number % 4}"), klass)))
        elif action == "release" and self.held:
            self.held.pop(number % len(self.held)).release()
        elif action == "cancel" and self.tasks:
            self.tasks.pop(number % len(self.tasks)).cancel()
        elif action == "capacity":
            self.slots = number % 5
            self.control.set_capacity("chat", self.slots, self.depth)
        await settle()
        for task in [task for task in self.tasks if task.done()]:
            self.tasks.remove(task)
            if isinstance(slot := task.result(), RunningSlot):
                self.held.append(slot)
        self.check(before)

    def check(self, before: int) -> None:
        stats = self.control.stats("chat")
        assert stats.running == len(self.held)
        assert len(self.held) <= max(self.slots, before), "a slot was given beyond those there are"
        assert stats.waiting == len(self.tasks) <= self.depth
        if self.tasks and stats.running < self.slots:
            # Somebody waits beside a free slot: only those who must leave it to interactive requests.
            assert all(rank[0] > 0 for rank, band in self.control._pools["chat"]._bands.items() if band.waiting)

    async def end(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        for slot in self.held:
            slot.release()
            slot.release()
        stats = self.control.stats("chat")
        assert (stats.running, stats.waiting) == (0, 0)
        lines = [line for band in self.control._pools["chat"]._bands.values() for line in band.lines.values()]
        assert not any(line.waiters or line.running for line in lines)


@settings(max_examples=100, deadline=None)
@given(
    slots=st.integers(1, 5),
    depth=st.integers(0, 6),
    steps=st.lists(
        st.tuples(
            st.sampled_from(["acquire", "acquire", "release", "cancel", "capacity"]),
            st.integers(0, 30),
            st.sampled_from(["interactive", "batch", "experimental"]),
        ),
        max_size=60,
    ),
)
def test_never_more_than_slots_and_depth(slots: int, depth: int, steps: list[tuple[str, int, TrafficClass]]) -> None:
    """Under any mix of arrivals, ends, departures and changing capacity; and at the end nothing is left."""

    async def main() -> None:
        world = World(slots, depth)
        for step in steps:
            await world.step(*step)
        await world.end()

    asyncio.run(main())


def test_a_client_that_leaves_is_out_of_the_queue_at_once() -> None:
    async def main() -> None:
        control = controller(1, 10)
        slot = running(await control.acquire("chat", identity(), "interactive"))
        gone = asyncio.create_task(control.acquire("chat", identity(), "interactive"))
        stays = asyncio.create_task(control.acquire("chat", identity(), "interactive"))
        await settle()
        assert control.stats("chat").waiting == 2
        gone.cancel()
        await settle()
        assert control.stats("chat").waiting == 1
        slot.release()
        running(await stays).release()
        assert control.stats("chat").running == 0

    asyncio.run(main())


def test_a_slot_given_to_a_client_that_just_left_goes_to_the_next() -> None:
    async def main() -> None:
        control = controller(1, 10)
        slot = running(await control.acquire("chat", identity(), "interactive"))
        gone = asyncio.create_task(control.acquire("chat", identity(), "interactive"))
        stays = asyncio.create_task(control.acquire("chat", identity(), "interactive"))
        await settle()
        slot.release()  # gives the slot to `gone`, which has not woken up yet
        gone.cancel()
        running(await asyncio.wait_for(stays, 1)).release()
        assert gone.cancelled()
        assert control.stats("chat").running == 0

    asyncio.run(main())


def test_classes_and_tiers_go_first() -> None:
    async def main() -> None:
        control = controller(4, 20, admission={"tierOrder": ["gold"], "batchSlotsPercent": 100})
        slots = [running(await control.acquire("chat", identity(), "interactive")) for _ in range(4)]
        order: list[str] = []

        async def ask(name: str, tier: str, klass: TrafficClass) -> None:
            slot = running(await control.acquire("chat", identity(name, tier=tier), klass))
            order.append(name)
            await settle()
            slot.release()

        asked = [
            ("experiment", "gold", "experimental"), ("batch", "standard", "batch"), ("gold-batch", "gold", "batch"),
            ("standard", "standard", "interactive"), ("gold", "gold", "interactive"),
        ]  # fmt: skip
        tasks = [asyncio.create_task(ask(*who)) for who in asked]  # type: ignore[arg-type]
        await settle()
        slots[0].release()
        await asyncio.gather(*tasks)
        assert order == ["gold", "standard", "gold-batch", "batch", "experiment"]

    asyncio.run(main())


def test_batch_leaves_slots_to_interactive() -> None:
    """However much batch waits, an interactive request finds a slot at once; a batch model keeps nothing back from batch."""

    async def main() -> None:
        control = controller(8, 100)
        flood = [asyncio.create_task(control.acquire("chat", identity("bulk"), "batch")) for _ in range(50)]
        await settle()
        assert control.stats("chat").running == 6
        slots = [running(await control.acquire("chat", identity("user"), "interactive")) for _ in range(2)]
        assert [slot.waited for slot in slots] == [0.0, 0.0]
        waiting = asyncio.create_task(control.acquire("chat", identity("user"), "interactive"))
        await settle()
        running(flood[0].result()).release()
        assert running(await waiting)
        for task in flood:
            task.cancel()

        alone = controller(8, 100, models={"chat": {"class": "batch"}})
        for _ in range(8):
            running(await alone.acquire("chat", identity("bulk"), "batch"))

    asyncio.run(main())


def test_a_model_that_is_never_idle_changes_its_class_with_the_configuration() -> None:
    async def main() -> None:
        control = controller(8, 10)
        people, nightly = identity("people"), identity("nightly")
        held = [running(await control.acquire("chat", nightly, "batch")) for _ in range(6)]
        refused(await control.acquire("chat", nightly, "batch", 0.0))
        control.update(snapshot({"models": {"chat": {"class": "batch"}}}))
        held += [running(await control.acquire("chat", nightly, "batch", 0.0)) for _ in range(2)]
        control.update(snapshot())
        held.pop().release()
        held.pop().release()
        refused(await control.acquire("chat", nightly, "batch", 0.0))
        held.append(running(await control.acquire("chat", people, "interactive", 0.0)))
        for slot in held:
            slot.release()
        running(await control.acquire("chat", nightly, "batch", 0.0))

    asyncio.run(main())


def test_a_full_queue_says_when_to_come_back() -> None:
    async def main() -> None:
        control = controller(2, 3)
        held = [running(await control.acquire("chat", identity(), "interactive")) for _ in range(2)]
        waiting = [asyncio.create_task(control.acquire("chat", identity(), "interactive")) for _ in range(3)]
        await settle()
        control._pools["chat"].service_s = 12.0
        refusal = refused(await control.acquire("chat", identity(), "interactive"))
        assert (refusal.status, refusal.code, refusal.outcome) == (429, "queue_full", "queue_full")
        assert refusal.retry_after is not None
        assert (3 + 1) * 12 / 2 <= refusal.retry_after <= 1.2 * (3 + 1) * 12 / 2
        for slot in held:
            slot.release()
        answers = await asyncio.gather(*waiting[:2])
        assert all(isinstance(answer, RunningSlot) for answer in answers)

    asyncio.run(main())


def test_a_greedy_tenant_cannot_keep_others_out_of_the_queue() -> None:
    async def main() -> None:
        control = controller(1, 6)
        running(await control.acquire("chat", identity("greedy"), "interactive"))
        greedy = [asyncio.create_task(control.acquire("chat", identity("greedy"), "interactive")) for _ in range(6)]
        await settle()
        modest = [asyncio.create_task(control.acquire("chat", identity("modest"), "interactive")) for _ in range(4)]
        await settle()
        assert sum(task.done() for task in greedy) == 3
        assert refused(greedy[-1].result()).outcome == "queue_full"
        assert not greedy[0].done()
        assert sum(task.done() for task in modest) == 1
        lower = asyncio.create_task(control.acquire("chat", identity("batcher"), "batch"))
        await settle()
        assert refused(lower.result()).outcome == "queue_full"
        for task in [*greedy, *modest]:
            task.cancel()

    asyncio.run(main())


def test_waiting_has_an_end() -> None:
    async def main() -> None:
        control = controller(1, 3)
        running(await control.acquire("chat", identity(), "interactive"))
        refusal = refused(await control.acquire("chat", identity(), "interactive", control.clock() + 0.05))
        assert (refusal.status, refusal.outcome) == (429, "queue_timeout")
        assert refusal.retry_after is not None
        assert control.stats("chat").waiting == 0
        now = refused(await control.acquire("chat", identity(), "interactive", control.clock()))
        assert now.outcome == "queue_full"

    asyncio.run(main())


def test_no_ready_pod_is_503_at_once_and_for_those_who_wait() -> None:
    async def main() -> None:
        control = controller(1, 3)
        running(await control.acquire("chat", identity(), "interactive"))
        waiting = asyncio.create_task(control.acquire("chat", identity(), "interactive"))
        await settle()
        control.set_capacity("chat", 0, 0)
        for answer in (await waiting, await control.acquire("chat", identity(), "interactive")):
            refusal = refused(answer)
            assert (refusal.status, refusal.code, refusal.retry_after) == (503, "no_backend", 60)
        control.set_capacity("chat", 2, 3)
        assert running(await control.acquire("chat", identity(), "interactive"))

    asyncio.run(main())


def test_a_model_that_goes_away_takes_its_queue_along() -> None:
    async def main() -> None:
        control = controller(1, 3)
        slot = running(await control.acquire("chat", identity(), "interactive"))
        waiting = asyncio.create_task(control.acquire("chat", identity(), "interactive"))
        await settle()
        control.update(snapshot({"models": {"chat": None}, "routing": {"default": "small"}}))
        assert refused(await waiting).code == "no_backend"
        slot.release()
        assert refused(await control.acquire("chat", identity(), "interactive")).code == "no_backend"

    asyncio.run(main())


@pytest.mark.parametrize(
    ("ready", "gateways", "weights", "expected"),
    [
        ({"v1": 3}, 1, None, Capacity(24, 96)),  # the canary has no pod: traffic goes to stable
        ({"v1": 3, "v2": 1}, 1, None, Capacity(27, 128)),  # 3 × 8 ÷ 0.9 = 26.7 binds, not 1 × 4 ÷ 0.1 = 40
        ({"v1": 6, "v2": 1}, 1, None, Capacity(40, 224)),  # now the canary binds
        ({"v1": 6, "v2": 1}, 3, None, Capacity(14, 75)),
        ({"v1": 6, "v2": 1}, 1, {"v1": 1.0}, Capacity(48, 192)),
        ({}, 2, None, Capacity(0, 0)),
        ({"v1": 0, "v2": 0}, 0, None, Capacity(0, 0)),
        ({"v1": 1}, 0, None, Capacity(8, 32)),
    ],
)
def test_capacity(ready: dict[str, int], gateways: int, weights: dict[str, float] | None, expected: Capacity) -> None:
    assert capacity(snapshot().models["chat"], ready, gateways, weights) == expected


CHAT = snapshot().models["chat"]  # read once: a hundred examples ask for it


@settings(deadline=None)
@given(
    stable=st.integers(0, 20),
    canary=st.integers(0, 5),
    weight=st.integers(0, 100),
    gateways=st.integers(1, 12),
)
def test_gateways_share_what_the_engines_run(stable: int, canary: int, weight: int, gateways: int) -> None:
    """Together they admit all that runs and less than one request each above it; and no revision gets more than it can run."""
    model = CHAT
    ready, weights = {"v1": stable, "v2": canary}, {"v1": 100 - weight, "v2": weight}
    whole, share = (capacity(model, ready, count, weights).slots for count in (1, gateways))
    assert whole <= share * gateways < whole + gateways
    live = {name: weights[name] for name in weights if weights[name] and ready[name]}
    for name, part in live.items():
        runs = ready[name] * model.revisions[name].concurrency
        assert (whole - 1) * part / sum(live.values()) < runs + 1e-6
    assert (whole > 0) == bool(live)
