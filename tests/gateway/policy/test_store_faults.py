"""Redis that is killed, slow, flushed or empty; clients that leave in the middle."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Iterator

import pytest
from tests.gateway.policy.conftest import RedisServer, identity
from tests.gateway.policy.test_limits import granted, redis_store, refused

from llm_gateway.limits import redis as redis_module
from llm_gateway.types import Grant

WHO = identity(limits={"requests_per_minute": 8, "concurrent_requests": 4, "tokens_per_minute": 1000})


@pytest.fixture
def server(redis_server: RedisServer) -> Iterator[RedisServer]:
    yield redis_server
    redis_server.stop()
    redis_server.start()


async def until(condition: object, seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline, "did not happen in time"
        await asyncio.sleep(0.02)


@pytest.mark.parametrize(("when_down", "passed"), [("share", 4), ("open", 20), ("closed", 0)])
def test_killed(server: RedisServer, when_down: str, passed: int) -> None:
    async def main() -> None:
        store = redis_store(server, whenDown=when_down, replicas=2)
        await store.start()
        before = granted(await store.reserve(WHO, "chat", 1, request_id="before"))
        server.stop()
        answers = [await store.reserve(WHO, "chat", 1, request_id=f"r{index}") for index in range(20)]
        grants = [answer for answer in answers if isinstance(answer, Grant)]
        # share: 8 requests per minute and 4 at once over 2 gateways: 2 at once here, until they are settled.
        assert len(grants) == (2 if when_down == "share" else passed)
        assert all(grant.degraded for grant in grants)
        for grant in grants:
            await store.settle(grant, 1)
        if when_down == "share":
            assert sum([await comes_through(store, f"s{index}") for index in range(10)]) == passed - 2
        if when_down == "closed":
            assert {refused(answer).status for answer in answers} == {503}
        assert not store.healthy
        assert store.stats.degraded >= 20
        await store.settle(before, 1)  # its store is gone: nothing happens, nothing is raised
        server.start()
        await until(lambda: store.healthy)
        assert not granted(await store.reserve(WHO, "chat", 1, request_id="after")).degraded
        await store.close()

    async def comes_through(store: object, name: str) -> bool:
        answer = await store.reserve(WHO, "chat", 1, request_id=name)  # type: ignore[attr-defined]
        if isinstance(answer, Grant):
            await store.settle(answer, 1)  # type: ignore[attr-defined]
        return isinstance(answer, Grant)

    asyncio.run(main())


def test_too_large_for_a_share_is_a_matter_of_time(server: RedisServer) -> None:
    async def main() -> None:
        store = redis_store(server, replicas=2)
        server.stop()
        await store.start()
        refusal = refused(await store.reserve(WHO, "chat", 900, request_id="a"))
        assert (refusal.status, refusal.outcome) == (429, "rate_limited")
        assert refused(await store.reserve(WHO, "chat", 1001, request_id="b")).status == 400
        await store.close()

    asyncio.run(main())


def test_slow_costs_one_timeout_and_not_one_per_request(server: RedisServer) -> None:
    async def main() -> None:
        store = redis_store(server, whenDown="open", timeoutMilliseconds=200)
        await store.start()
        granted(await store.reserve(WHO, "chat", 1, request_id="warm"))
        server.signal(signal.SIGSTOP)
        try:
            started = time.monotonic()
            answers = await asyncio.gather(
                *(store.reserve(WHO, "chat", 1, request_id=f"r{index}") for index in range(50))
            )
            first = time.monotonic() - started
            assert all(isinstance(answer, Grant) and answer.degraded for answer in answers)
            assert first < 3
            started = time.monotonic()
            for index in range(50):
                await store.reserve(WHO, "chat", 1, request_id=f"later{index}")
            assert time.monotonic() - started < 0.2
        finally:
            server.signal(signal.SIGCONT)
        await until(lambda: store.healthy)
        await store.close()

    asyncio.run(main())


def test_flushed_scripts_are_sent_again_and_limits_start_anew(redis_server: RedisServer) -> None:
    async def main() -> None:
        store = redis_store(redis_server, timeoutMilliseconds=20_000)
        await store.start()
        for index in range(4):
            granted(await store.reserve(WHO, "chat", 1, request_id=f"r{index}"))
        refused(await store.reserve(WHO, "chat", 1, request_id="full"))
        await store._client.flushall()
        await store._client.script_flush()
        assert store.healthy
        again = [granted(await store.reserve(WHO, "chat", 1, request_id=f"again{index}")) for index in range(4)]
        await store.renew()  # requests in flight before the flush count again
        assert refused(await store.reserve(WHO, "chat", 1, request_id="full")).limit == "tenant.concurrentRequests"
        for grant in again:
            await store.settle(grant, 1)
        await store.close()

    asyncio.run(main())


def test_a_gateway_that_died_gives_its_slots_back(redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis_module, "LEASE_MS", 400)

    async def main() -> None:
        dead = redis_store(redis_server, prefix="shared", timeoutMilliseconds=20_000)
        alive = redis_store(redis_server, prefix="shared", timeoutMilliseconds=20_000)
        for index in range(4):
            granted(await dead.reserve(WHO, "chat", 1, request_id=f"dead{index}"))
        assert refused(await alive.reserve(WHO, "chat", 1, request_id="a")).limit == "tenant.concurrentRequests"
        await dead.renew()
        await asyncio.sleep(0.45)
        granted(await alive.reserve(WHO, "chat", 1, request_id="b"))
        await dead.close()
        await alive.close()

    asyncio.run(main())


def test_a_live_gateway_keeps_its_slots(redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis_module, "LEASE_MS", 2000)
    monkeypatch.setattr(redis_module, "RENEW_S", 0.2)

    async def main() -> None:
        store = redis_store(redis_server, timeoutMilliseconds=20_000)
        await store.start()
        for index in range(4):
            granted(await store.reserve(WHO, "chat", 1, request_id=f"r{index}"))
        await asyncio.sleep(2.5)
        assert refused(await store.reserve(WHO, "chat", 1, request_id="x")).limit == "tenant.concurrentRequests"
        await store.close()

    asyncio.run(main())


def test_a_client_that_leaves_while_reserving_leaves_nothing_behind(redis_server: RedisServer) -> None:
    async def main() -> None:
        store = redis_store(redis_server, timeoutMilliseconds=20_000)
        who = identity("leaver", limits={"concurrent_requests": 200, "tokens_per_day": 10_000})
        for index in range(100):
            task = asyncio.create_task(store.reserve(who, "chat", 100, request_id=f"r{index}"))
            await asyncio.sleep(0 if index % 2 else 0.0005)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            if not task.cancelled():
                await store.settle(granted(task.result()), 0)
        await until(lambda: not store._open and not store._tasks and store._batch._flight is None)
        last = granted(await store.reserve(who, "chat", 10_000, request_id="all"))
        assert last.tokens == 10_000
        assert store.usage("leaver") == {"tenant.concurrentRequests": 1 / 200, "tenant.tokensPerDay": 1.0}
        await store.close()

    asyncio.run(main())


def test_redis_that_was_never_there(server: RedisServer) -> None:
    async def main() -> None:
        server.stop()
        store = redis_store(server, whenDown="share")
        await store.start()
        assert granted(await store.reserve(WHO, "chat", 1, request_id="a")).degraded
        server.start()
        await until(lambda: store.healthy)
        await store.close()

    asyncio.run(main())
