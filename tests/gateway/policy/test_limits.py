"""Limits on both stores: never exceeded by concurrent requests, given back to the unit, all or nothing."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.gateway.policy.conftest import RedisServer, identity, snapshot

from llm_gateway.limits import MemoryStore, gcra, open_store
from llm_gateway.limits.redis import RedisStore
from llm_gateway.types import Grant, Identity, Limits, Refusal, Store

NOW = 1_790_000_000.0
RELAXED = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


def redis_store(server: RedisServer, **more: object) -> RedisStore:
    store = {"kind": "redis", "address": f"127.0.0.1:{server.port}", "prefix": uuid.uuid4().hex, **more}
    opened = open_store(snapshot({"limitStore": store}))
    assert isinstance(opened, RedisStore)
    return opened


@pytest.fixture(params=["memory", "redis"])
def open_either(request: pytest.FixtureRequest) -> Callable[[], Store]:
    if request.param == "memory":
        return MemoryStore
    server = request.getfixturevalue("redis_server")
    return lambda: redis_store(server, timeoutMilliseconds=20_000)


def run(open_it: Callable[[], Store], test: Callable[[Store], Awaitable[None]]) -> None:
    async def main() -> None:
        store = open_it()
        await store.start()
        try:
            await test(store)
        finally:
            await store.close()

    asyncio.run(main())


def granted(answer: Grant | Refusal) -> Grant:
    assert isinstance(answer, Grant), answer
    return answer


def rates(answer: Grant | Refusal) -> dict[str, str]:
    """The `x-ratelimit-*` headers of an answer."""
    return dict(line.split(": ", 1) for line in answer.lines.decode().splitlines())


def refused(answer: Grant | Refusal) -> Refusal:
    assert isinstance(answer, Refusal), answer
    return answer


async def many(store: Store, who: Identity, costs: list[int]) -> list[Grant | Refusal]:
    return await asyncio.gather(
        *(store.reserve(who, "chat", cost, request_id=f"r{index}") for index, cost in enumerate(costs))
    )


@RELAXED
@given(limit=st.integers(1, 3000), costs=st.lists(st.integers(1, 500), min_size=1, max_size=80))
def test_tokens_per_minute_are_never_exceeded(open_either: Callable[[], Store], limit: int, costs: list[int]) -> None:
    who = identity(limits={"tokens_per_minute": limit})

    async def test(store: Store) -> None:
        started = time.monotonic()
        answers = await many(store, who, costs)
        elapsed = time.monotonic() - started + 0.01
        taken = sum(answer.tokens for answer in answers if isinstance(answer, Grant))
        assert taken <= limit * (1 + elapsed / 60)
        for answer, cost in zip(answers, costs, strict=True):
            if cost > limit:
                assert refused(answer).status == 400
            elif isinstance(answer, Refusal):
                assert (answer.status, answer.outcome) == (429, "rate_limited")
                assert answer.retry_after is not None
                assert 0 < answer.retry_after <= 60
        if sum(costs) <= limit:
            assert taken == sum(costs)

    run(open_either, test)


@RELAXED
@given(limit=st.integers(1, 40), requests=st.integers(1, 80))
def test_concurrent_requests_are_never_exceeded(open_either: Callable[[], Store], limit: int, requests: int) -> None:
    who = identity(limits={"concurrent_requests": limit})

    async def test(store: Store) -> None:
        answers = await many(store, who, [10] * requests)
        running = [answer for answer in answers if isinstance(answer, Grant)]
        assert len(running) == min(limit, requests)
        for answer in answers:
            if isinstance(answer, Refusal):
                assert answer.code == "concurrency_limit_exceeded"
        await asyncio.gather(*(store.settle(grant, 0) for grant in running))
        again = await asyncio.gather(
            *(store.reserve(who, "chat", 10, request_id=f"again{index}") for index in range(limit + 1))
        )
        assert sum(isinstance(answer, Grant) for answer in again) == limit

    run(open_either, test)


@RELAXED
@given(requests=st.lists(st.tuples(st.integers(1, 400), st.integers(0, 400)), min_size=1, max_size=30))
def test_what_is_given_back_is_exact_to_the_unit(
    open_either: Callable[[], Store], requests: list[tuple[int, int]]
) -> None:
    """A day's limit of exactly what was used plus one: one more unit fits, two do not."""
    used = sum(min(cost, spent) for cost, spent in requests)
    limit = max(used + 1, *(cost for cost, _ in requests))
    who = identity(limits={"tokens_per_day": limit})

    async def test(store: Store) -> None:
        for index, (cost, spent) in enumerate(requests):
            answer = await store.reserve(who, "chat", cost, request_id=f"r{index}")
            if isinstance(answer, Refusal):
                return  # the reservation did not fit while earlier requests' use stood in the way
            await store.settle(answer, min(cost, spent))
            await store.settle(answer, 0)  # a second time changes nothing
        left = limit - used
        assert refused(await store.reserve(who, "chat", left + 1, request_id="over")).status in (400, 429)
        granted(await store.reserve(who, "chat", left, request_id="fits"))

    run(open_either, test)


def test_a_minute_gives_back_exactly_in_memory() -> None:
    """With the clock standing still, the bucket holds what was used and not a unit more or less."""
    clock = Clock()
    store = MemoryStore(clock=clock)
    who = identity(limits={"tokens_per_minute": 7000})
    grant = granted(store.reserve_now(who, "chat", 6999, request_id="a"))
    asyncio.run(store.settle(grant, 1234))
    assert rates(grant)["x-ratelimit-remaining-tokens"] == "1"
    probe = granted(store.reserve_now(who, "chat", 0, request_id="b"))
    assert rates(probe)["x-ratelimit-remaining-tokens"] == str(7000 - 1234)
    refused(store.reserve_now(who, "chat", 7000 - 1234 + 1, request_id="c"))
    granted(store.reserve_now(who, "chat", 7000 - 1234, request_id="d"))


def test_an_overrun_becomes_debt(open_either: Callable[[], Store]) -> None:
    who = identity(limits={"tokens_per_minute": 60, "tokens_per_day": 10_000})

    async def test(store: Store) -> None:
        grant = granted(await store.reserve(who, "chat", 50, request_id="a"))
        await store.settle(grant, 180)
        refusal = refused(await store.reserve(who, "chat", 1, request_id="b"))
        assert refusal.retry_after is not None
        assert refusal.retry_after == pytest.approx(121, abs=1.5)

    run(open_either, test)


def test_all_limits_or_none(open_either: Callable[[], Store]) -> None:
    """The last limit refuses, so the first ones must not have moved."""
    who = identity(
        limits={"requests_per_minute": 10, "tokens_per_minute": 1000, "concurrent_requests": 5, "tokens_per_day": 5000},
        model_limits={"chat": Limits(tokens_per_day=100)},
    )

    async def test(store: Store) -> None:
        granted(await store.reserve(who, "chat", 100, request_id="a"))
        for index in range(50):
            refusal = refused(await store.reserve(who, "chat", 50, request_id=f"r{index}"))
            assert (refusal.limit, refusal.code) == ("model.tokensPerDay", "quota_exceeded")
        other = granted(await store.reserve(who, "small", 100, request_id="b"))
        assert rates(other)["x-ratelimit-remaining-requests"] == "8"
        assert 800 <= int(rates(other)["x-ratelimit-remaining-tokens"]) <= 1000

    run(open_either, test)


def test_tenant_key_and_model_have_limits_of_their_own(open_either: Callable[[], Store]) -> None:
    base = identity(limits={"requests_per_minute": 3})
    first = Identity(
        tenant=base.tenant, key=type(base.key)(name="one", digest=b"1", limits=Limits(requests_per_minute=1))
    )
    second = Identity(tenant=base.tenant, key=type(base.key)(name="two", digest=b"2"))
    stranger = identity("stranger", limits={"requests_per_minute": 1})

    async def test(store: Store) -> None:
        granted(await store.reserve(first, "chat", 1, request_id="a"))
        assert refused(await store.reserve(first, "chat", 1, request_id="b")).limit == "key.requestsPerMinute"
        granted(await store.reserve(second, "chat", 1, request_id="c"))
        granted(await store.reserve(second, "chat", 1, request_id="d"))
        assert refused(await store.reserve(second, "chat", 1, request_id="e")).limit == "tenant.requestsPerMinute"
        granted(await store.reserve(stranger, "chat", 1, request_id="f"))

    run(open_either, test)


def test_a_cost_above_the_limit_is_a_mistake_and_not_a_matter_of_time(open_either: Callable[[], Store]) -> None:
    who = identity(limits={"tokens_per_minute": 100})

    async def test(store: Store) -> None:
        refusal = refused(await store.reserve(who, "chat", 101, request_id="a"))
        assert (refusal.status, refusal.code, refusal.retry_after) == (400, "request_exceeds_limit", None)
        granted(await store.reserve(who, "chat", 100, request_id="b"))

    run(open_either, test)


def test_retry_after_is_when_it_works(redis_server: RedisServer) -> None:
    """Told to wait a little over a second, it works after that on a real clock."""
    who = identity(limits={"tokens_per_minute": 600})

    async def test(store: Store) -> None:
        granted(await store.reserve(who, "chat", 600, request_id="a"))
        refusal = refused(await store.reserve(who, "chat", 5, request_id="b"))
        assert refusal.retry_after is not None
        await asyncio.sleep(refusal.retry_after + 0.005)
        granted(await store.reserve(who, "chat", 5, request_id="c"))

    run(lambda: redis_store(redis_server, timeoutMilliseconds=20_000), test)


def test_the_day_ends_at_midnight_utc() -> None:
    clock = Clock()
    store = MemoryStore(clock=clock)
    who = identity(limits={"tokens_per_day": 100})
    yesterday = granted(store.reserve_now(who, "chat", 100, request_id="a"))
    refusal = refused(store.reserve_now(who, "chat", 1, request_id="b"))
    assert refusal.retry_after == pytest.approx(86400 - NOW % 86400, abs=0.01)
    clock.now += refusal.retry_after or 0
    granted(store.reserve_now(who, "chat", 60, request_id="c"))
    asyncio.run(store.settle(yesterday, 0))  # yesterday's unused tokens are not today's
    refused(store.reserve_now(who, "chat", 41, request_id="d"))
    granted(store.reserve_now(who, "chat", 40, request_id="e"))


def test_memory_shares_a_limit_between_replicas() -> None:
    store = MemoryStore(4, clock=Clock())
    who = identity(limits={"requests_per_minute": 10})
    answers = [store.reserve_now(who, "chat", 1, request_id=str(index)) for index in range(10)]
    assert sum(isinstance(answer, Grant) for answer in answers) == 2
    store.set_replicas(1)
    assert isinstance(store.reserve_now(who, "chat", 1, request_id="x"), Grant)


def test_memory_forgets_what_is_paid() -> None:
    clock = Clock()
    store = MemoryStore(clock=clock)
    for index in range(50):
        who = identity(f"t{index}", limits={"requests_per_minute": 60, "tokens_per_day": 1000})
        asyncio.run(store.settle(granted(store.reserve_now(who, "chat", 1, request_id=str(index))), 1))
    clock.now += 2 * 86400
    granted(store.reserve_now(identity("last", limits={"requests_per_minute": 60}), "chat", 1, request_id="z"))
    assert len(store._states) == 1
    assert len(store._open) == 1


def test_both_stores_agree_with_the_arithmetic(redis_server: RedisServer) -> None:
    """What the script leaves in Redis is the debt that gcra.py computes."""
    who = identity(limits={"tokens_per_minute": 6000})

    async def test(store: Store) -> None:
        assert isinstance(store, RedisStore)
        grant = granted(await store.reserve(who, "chat", 5000, request_id="a"))
        key = store._keys("acme", grant.entries[1])[0]
        debt, at = map(int, (await store._client.get(key)).split())
        assert debt == 5000 * gcra.MINUTE_MS
        await store.settle(grant, 1000)
        after, then = map(int, (await store._client.get(key)).split())
        assert after == gcra.paid(debt, at, then, 6000) - 4000 * gcra.MINUTE_MS

    run(lambda: redis_store(redis_server, timeoutMilliseconds=20_000), test)


def test_one_script_call_for_all_limits(redis_server: RedisServer) -> None:
    """Twelve limits cost one round trip to reserve and one to settle, all under one hash tag."""
    everything = Limits(requests_per_minute=100, tokens_per_minute=10_000, concurrent_requests=9, tokens_per_day=10_000)
    base = identity(model_limits={"chat": everything})
    who = Identity(
        tenant=type(base.tenant)(name="acme", limits=everything, model_limits={"chat": everything}),
        key=type(base.key)(name="k", digest=b"", limits=everything),
    )

    async def test(store: Store) -> None:
        assert isinstance(store, RedisStore)
        await store.settle(granted(await store.reserve(who, "chat", 1, request_id="warm")), 1)
        before = await store._client.info("commandstats")
        grant = granted(await store.reserve(who, "chat", 10, request_id="a"))
        await store.settle(grant, 5)
        after = await store._client.info("commandstats")
        assert after["cmdstat_evalsha"]["calls"] - before["cmdstat_evalsha"]["calls"] == 2
        keys = [key.decode() for key in await store._client.keys(f"{store._settings.prefix}*")]
        assert len(keys) >= 9
        assert all(key.split(":")[1] == "{acme}" for key in keys)

    run(lambda: redis_store(redis_server, timeoutMilliseconds=20_000), test)


def test_headers_name_the_tightest_limit() -> None:
    store = MemoryStore(clock=Clock())
    who = identity(limits={"requests_per_minute": 60}, model_limits={"chat": Limits(requests_per_minute=2)})
    headers = rates(granted(store.reserve_now(who, "chat", 1, request_id="a")))
    assert headers == {
        "x-ratelimit-limit-requests": "2", "x-ratelimit-remaining-requests": "1", "x-ratelimit-reset-requests": "30s",
    }  # fmt: skip


def test_usage_is_what_was_last_seen() -> None:
    store = MemoryStore(clock=Clock())
    who = identity(limits={"tokens_per_minute": 1000, "concurrent_requests": 4})
    granted(store.reserve_now(who, "chat", 250, request_id="a"))
    assert store.usage("acme") == {"tenant.tokensPerMinute": 0.25, "tenant.concurrentRequests": 0.25}
    assert store.usage("nobody") == {}
