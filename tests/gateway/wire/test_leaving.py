"""Clients that leave: gone from the engine at once, out of the queue at once, and billed for what they used."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.gateway.wire.lab import Client, Mock, Script, hang, prompt, running, settings, stream

GONE_WITHIN = 0.05  # seconds from the client's hang-up to the engine seeing its own


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log"


@pytest.mark.parametrize(
    ("script", "streamed", "wait"),
    [(stream(1000, every=0.02), True, 2), (hang, True, 0), (hang, False, 0)],
    ids=["mid-stream", "before the first token", "not streamed"],
)
def test_a_client_that_leaves_is_gone_from_the_engine_at_once(
    script: Script, *, streamed: bool, wait: int, log: Path
) -> None:
    async def main() -> None:
        async with Mock(script) as engine, running(settings(engine.url), log) as lab:
            delays = []
            for _ in range(5):
                engine.arrived.clear()
                client = await Client.open(lab.port)
                await client.send(prompt(stream=streamed))
                await asyncio.wait_for(engine.arrived.wait(), 2)
                if wait:
                    await client.head()
                for _ in range(wait):
                    await client.chunk()
                await asyncio.sleep(0.02)
                left = client.leave()
                seen = engine.seen[-1]
                await asyncio.wait_for(seen.gone.wait(), 2)
                assert seen.left is not None
                delays.append(seen.left - left)
            assert sorted(delays)[2] < GONE_WITHIN, delays
            ends = await lab.finished(5)
            assert {(end["outcome"], end["status"]) for end in ends} == {("client_cancel", 200 if wait else 499)}
            assert lab.gateway.open == 0
            assert lab.gateway.controller.stats("chat").running == 0

    asyncio.run(main())


def test_a_client_that_leaves_the_queue_frees_its_place_at_once(log: Path) -> None:
    async def main() -> None:
        async with Mock(stream(200, every=0.02)) as engine:
            document = settings(engine.url, revisions={"v1": {"concurrency": 1}})
            async with running(document, log) as lab:
                first, second = await Client.open(lab.port), await Client.open(lab.port)
                await first.send(prompt(stream=True))
                await engine.arrived.wait()
                await second.send(prompt(stream=True))
                while lab.gateway.controller.stats("chat").waiting != 1:  # noqa: ASYNC110 -- it has no event
                    await asyncio.sleep(0.005)
                second.leave()
                await asyncio.sleep(GONE_WITHIN)
                assert lab.gateway.controller.stats("chat").waiting == 0
                first.leave()
                await lab.finished(2)
                assert len(engine.seen) == 1

    asyncio.run(main())


def test_what_a_client_that_left_has_used_is_billed(log: Path) -> None:
    async def main() -> None:
        async with Mock(stream(1000, every=0.005)) as engine, running(settings(engine.url), log) as lab:
            client = await Client.open(lab.port)
            await client.send(prompt(stream=True))
            await client.head()
            for _ in range(20):
                await client.chunk()
            client.leave()
            (end,) = await lab.finished()
            assert 15 <= end["completion_tokens"] <= 60

    asyncio.run(main())
