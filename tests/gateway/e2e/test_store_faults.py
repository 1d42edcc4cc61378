"""Redis under the whole gateway, with traffic of the real `openai` client: killed, frozen, flushed, and back each time."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import openai
import pytest
from tests.gateway.policy.conftest import RedisServer, redis_server  # noqa: F401 -- a fixture
from tests.gateway.process import Process, serving
from tests.gateway.wire.lab import KEY, Mock, either, settings

TIMEOUT_S = 0.25  # limitStore.timeoutMilliseconds
SLOWEST_S = 4.0  # TIMEOUT_S for whoever is caught by the fault, and a busy machine; the client's own patience is 10 s
CHANGING = "changing"
UP = "llm_gateway_limit_store_up"
QUESTION: list[Any] = [{"role": "user", "content": "Say something about rivers."}]


@dataclass
class Traffic:
    """Six clients that ask one after the other; what each got, by phase."""

    client: openai.AsyncOpenAI
    phase: str = "up"
    seen: dict[str, Counter[str]] = field(default_factory=dict)
    slowest: float = 0.0

    async def ask(self) -> str:
        began = time.monotonic()
        try:
            await self.client.chat.completions.create(model="chat", messages=QUESTION, max_tokens=8)
            outcome = "ok"
        except openai.APIStatusError as error:
            told = "" if error.response.headers.get("retry-after") else ", and nobody said when to come back"
            outcome = f"{error.status_code} {error.code}{told}"
        self.slowest = max(self.slowest, time.monotonic() - began)
        return outcome

    async def forever(self) -> None:
        while True:
            began = self.phase
            outcome = await self.ask()
            phase = began if began == self.phase else CHANGING
            self.seen.setdefault(phase, Counter())[outcome] += 1

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(self.forever()) for _ in range(6)]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            for result in await asyncio.gather(*tasks, return_exceptions=True):
                assert isinstance(result, asyncio.CancelledError), result


@contextlib.asynccontextmanager
async def gateway(
    server: RedisServer, folder: Path, when_down: str, **limits: int
) -> AsyncIterator[tuple[Process, Traffic]]:
    async with Mock(either) as engine:
        document = settings(engine.url, revisions={"v1": {"concurrency": 64}})
        document["tenants"]["acme"]["limits"] = limits
        document["limitStore"] = {
            "kind": "redis",
            "address": f"127.0.0.1:{server.port}",
            "whenDown": when_down,
            "replicas": 2,
            "timeoutMilliseconds": int(TIMEOUT_S * 1000),
        }
        # Started in a thread: the engine lives on this loop.
        process = serving(document, folder)
        running = await asyncio.to_thread(process.__enter__)
        try:
            url = f"http://127.0.0.1:{running.port}/v1"
            async with openai.AsyncOpenAI(base_url=url, api_key=KEY, max_retries=0, timeout=10) as client:
                yield running, Traffic(client)
        finally:
            await asyncio.to_thread(process.__exit__, None, None, None)


async def store_is(up: bool, process: Process, seconds: float = 5) -> None:  # noqa: FBT001 -- reads as a sentence
    end = time.monotonic() + seconds
    while (
        page := (await asyncio.to_thread(process.get, "/metrics"))[1].decode()
    ) and f"\n{UP} {float(up)}" not in page:
        assert time.monotonic() < end, f"{UP} did not become {up}"
        await asyncio.sleep(0.05)


def flush(server: RedisServer) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection:
        connection.sendall(b"FLUSHALL\r\nSCRIPT FLUSH\r\n")
        assert connection.recv(64).startswith(b"+OK")


REFUSED = "503 limit_store_unavailable"


@pytest.mark.parametrize(("when_down", "without"), [("share", {"ok"}), ("open", {"ok"}), ("closed", {"ok", REFUSED})])
def test_traffic_goes_on(
    redis_server: RedisServer,  # noqa: F811
    tmp_path: Path,
    when_down: str,
    without: set[str],
) -> None:
    """No error but the one that was asked for, nobody waits long, and everything is counted again once the store is back."""

    async def main() -> None:
        limits = {"requestsPerMinute": 1_000_000, "tokensPerMinute": 100_000_000, "concurrentRequests": 1000}
        async with gateway(redis_server, tmp_path, when_down, **limits) as (process, traffic), traffic.running():
            await asyncio.sleep(0.4)
            for fault, mend in ((redis_server.stop, redis_server.start), (freeze, thaw)):
                traffic.phase = f"down by {fault.__name__}"
                await asyncio.to_thread(fault)
                await store_is(False, process)
                await asyncio.sleep(0.5)
                traffic.phase = "coming back"
                await asyncio.to_thread(mend)
                await store_is(True, process)
                traffic.phase = f"up after {mend.__name__}"
                await asyncio.sleep(0.4)
            traffic.phase = "flushed"
            await asyncio.to_thread(flush, redis_server)
            await asyncio.sleep(0.4)
        for phase, outcomes in traffic.seen.items():
            down = phase.startswith("down") or phase in {"coming back", CHANGING}
            assert set(outcomes) <= (without if down else {"ok"}), (phase, outcomes)
            assert outcomes["ok"] or (down and when_down == "closed"), f"nobody was served while {phase}"
        assert traffic.slowest < SLOWEST_S
        if when_down == "closed":
            assert traffic.seen["down by stop"][REFUSED]

    def freeze() -> None:
        redis_server.signal(signal.SIGSTOP)

    def thaw() -> None:
        redis_server.signal(signal.SIGCONT)

    try:
        asyncio.run(main())
    finally:
        with contextlib.suppress(AssertionError):
            redis_server.signal(signal.SIGCONT)


def test_a_share_of_the_limit_holds_without_the_store(redis_server: RedisServer, tmp_path: Path) -> None:  # noqa: F811
    """Two gateways share 40 requests per minute: this one lets 20 through, and as they refill; with the store back it is 40 again."""

    async def main() -> None:
        async with gateway(redis_server, tmp_path, "share", requestsPerMinute=40) as (process, traffic):
            began = time.monotonic()
            redis_server.stop()
            outcomes = Counter(await asyncio.gather(*(traffic.ask() for _ in range(60))))
            refilled = 1 + int((time.monotonic() - began) * 40 / 60 / 2)
            assert set(outcomes) == {"ok", "429 rate_limit_exceeded"}, outcomes
            assert 20 <= outcomes["ok"] <= 20 + refilled
            redis_server.start()
            await store_is(True, process)
            outcomes = Counter(await asyncio.gather(*(traffic.ask() for _ in range(60))))
            assert 40 <= outcomes["ok"] <= 42, outcomes

    asyncio.run(main())
