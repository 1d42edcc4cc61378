"""Shadow traffic: copies that nobody waits for, nobody pays for, and nothing depends on."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.gateway.wire.lab import Lab, Mock, either, hang, prompt, raw, whole
from tests.gateway.wire.test_kubernetes import ApiServer, cluster, slice_of, until

from llm_gateway.upstream.mirror import MAX_BYTES

TRACKS = {"stable": {"revision": "v1"}, "shadow": {"revision": "v2", "mirrorPercent": 100}}
MIRRORED = 'llm_gateway_mirrored_requests_total{model="chat",outcome="%s",revision="v2"}'
DROPPED = 'llm_gateway_mirror_dropped_total{model="chat",reason="%s"}'
TOKENS = 'llm_gateway_mirrored_tokens_total{kind="%s",model="chat",revision="v2"}'


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log"


@contextlib.asynccontextmanager
async def shadowed(
    log: Path, stable: Mock, shadow: Mock, *, kind: str = "gateway", percent: int = 100, slots: int = 16, **model: Any
) -> AsyncIterator[tuple[Lab, ApiServer]]:
    """A gateway that knows one engine of the stable revision and one of the shadow."""
    tracks = {**TRACKS, "shadow": {"revision": "v2", "mirrorPercent": percent}}
    revisions = {"v1": {"concurrency": 64}, "v2": {"concurrency": slots}}
    async with cluster(log, kind, tracks=tracks, revisions=revisions, **model) as (lab, api):
        api.set("endpointslices", "a", slice_of("v1", stable))
        api.set("endpointslices", "b", slice_of("v2", shadow))
        await until(lambda: lab.gateway.provider.ready("chat") == {"v1": 1, "v2": 1})
        yield lab, api


def test_a_copy_is_the_request_marked_and_billed_to_nobody(log: Path) -> None:
    async def main() -> None:
        async with Mock(either) as stable, Mock(either) as shadow, shadowed(log, stable, shadow) as (lab, _):
            for stream in (False, True):
                assert (await lab.ask(prompt(stream=stream), traceparent="00-1-2-01")).status == 200
            await until(lambda: lab.metric(MIRRORED % "ok") == 2)
            assert [seen.body for seen in shadow.seen] == [seen.body for seen in stable.seen]
            assert {seen.headers["x-llm-shadow"] for seen in shadow.seen} == {"true"}
            assert {seen.headers["x-llm-track"] for seen in shadow.seen} == {"shadow"}
            assert {seen.headers["x-request-id"] for seen in shadow.seen} == {
                f"{end['request_id']}-shadow" for end in await lab.finished(2)
            }
            assert not any("traceparent" in seen.headers for seen in shadow.seen)
            assert not any("x-llm-shadow" in seen.headers for seen in stable.seen)
            assert lab.metric(TOKENS % "completion") == 6
            assert lab.metric(TOKENS % "prompt") == 14
            assert lab.metric('llm_gateway_completion_tokens_total{model="chat",tenant="acme"}') == 6, "the originals'"
            assert {one["outcome"] for one in lab.events("request_mirrored")} == {"ok"}
            assert "launch code" not in lab.log

    asyncio.run(main())


@pytest.mark.parametrize(
    ("script", "outcome"),
    [
        (raw(b"", abort=True), "failed"),
        (raw(b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{", abort=True), "failed"),
        (raw(b"garbage\r\n\r\n"), "failed"),
        (whole(500), "failed"),
        (whole(400), "refused"),
        (whole(503, {"error": "server is currently busy"}), "refused"),
    ],
)
def test_whatever_the_shadow_does_the_answer_is_the_same(log: Path, script: Any, outcome: str) -> None:
    async def main() -> None:
        async with Mock(either) as stable, Mock(script) as shadow, shadowed(log, stable, shadow) as (lab, _):
            got = await lab.ask(prompt(stream=True))
            assert got.status == 200
            assert got.whole
            await until(lambda: lab.metric(MIRRORED % outcome) == 1)
            (end,) = await lab.finished()
            assert (end["outcome"], end["attempts"], end["revision"]) == ("ok", 1, "v1")

    asyncio.run(main())


def test_a_shadow_that_hangs_holds_its_slots_and_delays_nobody(log: Path) -> None:
    async def main() -> None:
        async with Mock(either) as stable, Mock(hang) as shadow, shadowed(log, stable, shadow, slots=3) as (lab, _):
            began = time.perf_counter()
            for number in range(20):
                assert (await lab.ask(prompt(f"conversation {number}"))).status == 200
            assert time.perf_counter() - began < 2
            assert lab.metric(DROPPED % "full") == 17
            assert lab.gateway.mirror.running("chat") == 3
            assert lab.gateway.controller.stats("chat").running == 0
            closing = time.perf_counter()
        assert time.perf_counter() - closing < 2, "copies that run are cut"

    asyncio.run(main())


def test_a_copy_ends_with_the_request_timeout(log: Path) -> None:
    async def main() -> None:
        limits = {"maxPromptTokens": 4096, "maxCompletionTokens": 256, "requestTimeoutSeconds": 0.3}
        async with (
            Mock(either) as stable,
            Mock(hang) as shadow,
            shadowed(log, stable, shadow, limits=limits) as (lab, _),
        ):
            assert (await lab.ask()).status == 200
            await until(lambda: lab.metric(MIRRORED % "timeout") == 1)
            await asyncio.wait_for(shadow.seen[0].gone.wait(), 2)

    asyncio.run(main())


def test_what_is_not_copied(log: Path) -> None:
    """Requests above the size, pinned ones, and all of them under the brake."""

    async def main() -> None:
        limits = {"maxPromptTokens": 4_000_000, "maxCompletionTokens": 256}
        async with (
            Mock(either) as stable,
            Mock(either) as shadow,
            shadowed(log, stable, shadow, limits=limits) as (lab, api),
        ):
            assert (await lab.ask(prompt("x" * (MAX_BYTES + 1)))).status == 200
            assert lab.metric(DROPPED % "too_large") == 1
            api.set("configmaps", "rel-brake", {})
            await until(lambda: lab.metric("llm_gateway_brake") == 1)
            assert (await lab.ask()).status == 200
            api.set("configmaps", "rel-brake", None)
            await until(lambda: lab.metric("llm_gateway_brake") == 0)
            assert shadow.seen == []
            assert (await lab.ask()).status == 200
            await until(lambda: len(shadow.seen) == 1)
            api.set("endpointslices", "b", None)
            await until(lambda: lab.gateway.provider.ready("chat") == {"v1": 1})
            assert (await lab.ask()).status == 200
            assert lab.metric(DROPPED % "no_backend") == 1

    asyncio.run(main())


def test_the_mesh_copies_for_itself(log: Path) -> None:
    async def main() -> None:
        async with Mock(either) as mesh, Mock(either) as shadow, shadowed(log, mesh, shadow, kind="istio") as (lab, _):
            lab.gateway.provider._services["chat"].url = mesh.url  # type: ignore[attr-defined] -- there is no mesh here
            assert (await lab.ask()).status == 200
            await lab.finished()
            assert (len(mesh.seen), len(shadow.seen)) == (1, 0)

    asyncio.run(main())


def test_a_share_of_conversations_is_copied_and_stays_the_same(log: Path) -> None:
    async def main() -> None:
        async with (
            Mock(either) as stable,
            Mock(either) as shadow,
            shadowed(log, stable, shadow, percent=30) as (lab, _),
        ):

            async def round_of(count: int) -> set[str]:
                before = len(shadow.seen)
                for number in range(count):
                    await lab.ask(prompt(f"conversation {number}"))
                await until(lambda: lab.gateway.mirror.running("chat") == 0)
                return {seen.body["messages"][0]["content"] for seen in shadow.seen[before:]}

            first = await round_of(150)
            assert 25 <= len(first) <= 65  # 45 expected; four standard deviations of 150 draws
            assert await round_of(150) == first

    asyncio.run(main())
