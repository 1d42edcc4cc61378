"""Engines that fail, each in every way we know."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from pathlib import Path
from typing import Any

import pytest
from tests.gateway.wire.lab import (
    CHAT,
    DONE,
    SSE_HEAD,
    Mock,
    Script,
    Seen,
    chunk,
    either,
    hang,
    prompt,
    raw,
    running,
    settings,
    stream,
    token,
    tokens,
    whole,
)  # fmt: skip

from llm_gateway.fallback import BURST
from llm_gateway.server import errors

GARBAGE = bytes(range(128, 256)) * 4
BUSY = {
    "error": {
        "message": "The engine is currently busy and cannot accept new requests.",
        "type": "ServiceUnavailable",
        "code": 503,
    }
}


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log"


def closed_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@pytest.mark.parametrize("partial", [b"", b'data: {"id":"x","cho'], ids=["between events", "within an event"])
@pytest.mark.parametrize("abort", [True, False], ids=["reset", "half-closed"])
def test_an_engine_that_dies_mid_stream_is_said_in_band_and_never_looks_done(
    partial: bytes, *, abort: bool, log: Path
) -> None:
    async def main() -> None:
        two = [token("a"), token("b")]
        script = raw(
            SSE_HEAD + b"".join(map(chunk, two)) + (chunk(partial) if partial else b""), abort=abort, pause=0.05
        )
        async with Mock(script) as engine, running(settings(engine.url), log) as lab:
            got = await lab.ask(prompt(stream=True))
            assert got.body == b"".join(two) + errors.event(errors.BROKEN)
            assert got.whole
            assert b"[DONE]" not in got.body
            assert json.loads(got.body.split(b"data: ")[-1])["error"]["code"] == "upstream_error"
            (end,) = await lab.finished()
            assert (end["outcome"], end["status"], end["attempts"]) == ("upstream_error", 200, 1)

    asyncio.run(main())


def test_a_stream_that_ends_cleanly_without_having_ended_is_an_error(log: Path) -> None:
    async def main() -> None:
        async with (
            Mock(raw(SSE_HEAD + chunk(token("a")) + b"0\r\n\r\n")) as engine,
            running(settings(engine.url), log) as lab,
        ):
            got = await lab.ask(prompt(stream=True))
            assert got.body == token("a") + errors.event(errors.BROKEN)

    asyncio.run(main())


def test_an_answer_cut_by_an_engines_shutdown_is_no_success(log: Path) -> None:
    async def main() -> None:
        script = raw(SSE_HEAD + chunk(token("a")) + chunk(token("", "abort")) + chunk(DONE) + b"0\r\n\r\n")
        async with Mock(script) as engine, running(settings(engine.url), log) as lab:
            await lab.ask(prompt(stream=True))
            (end,) = await lab.finished()
            assert (end["outcome"], end["error_code"], end["finish_reason"]) == ("upstream_error", "aborted", "abort")

    asyncio.run(main())


BEFORE_THE_FIRST_BYTE: dict[str, tuple[Script, int, str]] = {
    "garbage": (raw(GARBAGE), 502, "upstream_error"),
    "reset": (raw(b"", abort=True), 502, "upstream_error"),
    "half-close": (raw(b""), 502, "upstream_error"),
    "head only": (raw(SSE_HEAD), 502, "upstream_error"),
    "broken head": (raw(b"HTTP/1.1 200 OK\r\ncontent-le"), 502, "upstream_error"),
    "500": (whole(500), 502, "upstream_error"),
    "502": (whole(502), 502, "upstream_error"),
    "503": (whole(503), 502, "upstream_error"),
    "504": (whole(504), 502, "upstream_error"),
    "redirect": (whole(302, headers="location: http://127.0.0.1:1/\r\n"), 502, "upstream_error"),
    "first token": (stream(first=5), 504, "timeout_ttft"),
    "hang": (hang, 504, "timeout_ttft"),
}
RETRIED = {"garbage", "reset", "half-close", "head only", "broken head", "502", "503", "504", "first token", "hang"}


@pytest.mark.parametrize("fault", BEFORE_THE_FIRST_BYTE)
def test_a_fault_before_the_first_byte_is_retried_once_pinned_to_stable_and_else_said_plainly(
    fault: str, log: Path
) -> None:
    async def main() -> None:
        script, status, code = BEFORE_THE_FIRST_BYTE[fault]
        async with Mock(script) as engine:
            document = settings(engine.url, limits={"ttftTimeoutSeconds": 0.15, "requestTimeoutSeconds": 5})
            async with running(document, log) as lab:
                got = await lab.ask(prompt(stream=True))
                assert (got.status, got.error["code"]) == (status, code)
                (end,) = await lab.finished()
                assert end["attempts"] == (2 if fault in RETRIED else 1)
                assert end["outcome"] == ("timeout_ttft" if code == "timeout_ttft" else "upstream_error")
                assert [seen.headers["x-llm-track"] for seen in engine.seen] == ["stable"] * len(engine.seen)
                assert lab.gateway.controller.stats("chat").running == 0

    asyncio.run(main())


@pytest.mark.parametrize("fault", sorted(RETRIED))
def test_a_second_engine_saves_the_request(fault: str, log: Path) -> None:
    async def main() -> None:
        async with Mock(BEFORE_THE_FIRST_BYTE[fault][0]) as bad, Mock(stream(2)) as good:
            document = settings(bad.url, good.url, limits={"ttftTimeoutSeconds": 0.15})
            async with running(document, log) as lab:
                for _ in range(60):  # which of the two comes first is chance
                    got = await lab.ask(prompt(stream=True))
                    assert got.body == b"".join(tokens(2)) + DONE
                    if bad.seen:
                        break
                assert bad.seen  # it was tried

    asyncio.run(main())


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:{port}", "http://no-such-host.invalid:8000"], ids=["refused", "no name"]
)
def test_an_engine_that_cannot_be_reached_is_a_503_that_asks_to_come_back(url: str, log: Path) -> None:
    async def main() -> None:
        async with running(settings(url.format(port=closed_port())), log) as lab:
            got = await lab.ask()
            assert (got.status, got.error["code"], got.headers["retry-after"]) == (503, "upstream_unavailable", "1")
            (end,) = await lab.finished()
            assert end["attempts"] == 2

    asyncio.run(main())


def test_nothing_is_retried_after_the_first_byte(log: Path) -> None:
    async def main() -> None:
        async with Mock(raw(SSE_HEAD + chunk(token("a")), abort=True, pause=0.05)) as bad, Mock(stream(2)) as good:
            document = settings(bad.url)
            document["models"]["small"] = settings(good.url)["models"]["chat"]
            document["routing"] = {"fallback": {"chat": ["small"]}}
            async with running(document, log) as lab:
                assert b"upstream_error" in (await lab.ask(prompt(stream=True))).body
                assert (len(bad.seen), len(good.seen)) == (1, 0)

    asyncio.run(main())


def test_the_fallback_chain_answers_where_stable_cannot(log: Path) -> None:
    async def main() -> None:
        async with Mock(whole(503)) as bad, Mock(whole(502)) as worse, Mock(either) as good:
            document = settings(bad.url)
            document["models"]["mid"] = settings(worse.url)["models"]["chat"]
            document["models"]["small"] = settings(
                good.url, servedName="org/small", limits={"maxCompletionTokens": 16}
            )["models"]["chat"]
            document["routing"] = {"fallback": {"chat": ["mid", "small"]}}
            async with running(document, log) as lab:
                got = await lab.ask(prompt(stream=True, max_tokens=200))
                assert (got.status, got.headers["x-llm-fallback"]) == (200, "small")
                assert (len(bad.seen), len(worse.seen)) == (2, 1)
                asked = good.seen[0].body
                assert (asked["model"], asked["max_tokens"]) == ("org/small", 16)  # rendered and clamped anew
                (end,) = await lab.finished()
                assert (end["model"], end["fallback_from"], end["attempts"], end["outcome"]) == (
                    "small",
                    "chat",
                    4,
                    "ok",
                )
                assert lab.metric('llm_gateway_fallbacks_total{model="chat",reason="status",to="small"}') == 1
                for name in ("chat", "mid", "small"):
                    assert lab.gateway.controller.stats(name).running == 0

    asyncio.run(main())


def test_a_model_without_engines_falls_back_or_says_503(log: Path) -> None:
    async def main() -> None:
        async with Mock(either) as good:
            document = settings("http://127.0.0.1:9", coldStartSeconds=42)
            document["models"]["small"] = settings(good.url)["models"]["chat"]
            async with running(document, log) as lab:
                lab.gateway.provider.put("chat", {})  # type: ignore[attr-defined]
                got = await lab.ask()
                assert (got.status, got.error["code"], got.headers["retry-after"]) == (503, "no_backend", "42")
            document["routing"] = {"fallback": {"chat": ["small"]}}
            async with running(document, log) as lab:
                lab.gateway.provider.put("chat", {})  # type: ignore[attr-defined]
                for _ in range(int(BURST) + 5):  # a first attempt, so the retry budget has no say
                    assert (await lab.ask()).headers["x-llm-fallback"] == "small"

    asyncio.run(main())


def test_an_engine_that_sheds_is_asked_once_more_and_never_falls_back(log: Path) -> None:
    async def main() -> None:
        async with Mock(whole(503, BUSY)) as full, Mock(either) as other:
            document = settings(full.url)
            document["models"]["small"] = settings(other.url)["models"]["chat"]
            document["routing"] = {"fallback": {"chat": ["small"]}}
            async with running(document, log) as lab:
                got = await lab.ask()
                assert (got.status, got.error["code"]) == (429, "queue_full")
                assert int(got.headers["retry-after"]) >= 1
                assert (len(full.seen), len(other.seen)) == (2, 0)
                (end,) = await lab.finished()
                assert end["outcome"] == "queue_full"
            shed = 0

            async def once(seen: Seen, writer: asyncio.StreamWriter) -> None:
                nonlocal shed
                shed += 1
                await (whole(503, BUSY) if shed == 1 else whole())(seen, writer)

            full.script = once
            async with running(document, log) as lab:
                assert (await lab.ask()).status == 200

    asyncio.run(main())


def test_retries_stay_within_the_budget(log: Path) -> None:
    async def main() -> None:
        requests = 60
        async with Mock(whole(503)) as bad:
            document = settings(bad.url) | {"requests": {"retryBudgetPercent": 20}}
            async with running(document, log) as lab:
                for _ in range(requests):
                    assert (await lab.ask()).status == 502
                retries = len(bad.seen) - requests
                assert retries <= BURST + 0.2 * requests
                assert retries >= BURST
                assert lab.metric('llm_gateway_retry_budget_exhausted_total{model="chat"}') >= 30
            bad.seen.clear()
            document["requests"]["retryBudgetPercent"] = 0
            async with running(document, log) as lab:
                await lab.ask()
                assert len(bad.seen) == 1

    asyncio.run(main())


@pytest.mark.parametrize(
    ("limits", "body", "code"),
    [
        ({"requestTimeoutSeconds": 0.3}, {"stream": True}, "timeout_total"),
        ({"idleTimeoutSeconds": 0.2}, {"stream": True}, "timeout_idle"),
    ],
)
def test_deadlines_within_a_stream_are_said_in_band(
    limits: dict[str, float], body: dict[str, Any], code: str, log: Path
) -> None:
    async def main() -> None:
        async with Mock(stream(3, every=2)) as engine, running(settings(engine.url, limits=limits), log) as lab:
            began = time.perf_counter()
            got = await lab.ask(prompt(**body))
            assert time.perf_counter() - began < 1
            assert got.body.startswith(token("t0 "))
            assert json.loads(got.body.split(b"data: ")[-1])["error"]["code"] == code
            assert b"[DONE]" not in got.body
            (end,) = await lab.finished()
            assert end["outcome"] == "timeout_total"
            await asyncio.wait_for(engine.seen[0].gone.wait(), 1)

    asyncio.run(main())


def test_the_total_deadline_of_an_answer_in_one_piece_is_a_504(log: Path) -> None:
    async def main() -> None:
        async with (
            Mock(hang) as engine,
            running(settings(engine.url, limits={"requestTimeoutSeconds": 0.2}), log) as lab,
        ):
            got = await lab.ask()
            assert (got.status, got.error["code"]) == (504, "timeout_total")
            await asyncio.wait_for(engine.seen[0].gone.wait(), 1)

    asyncio.run(main())


def test_a_body_that_breaks_within_an_answer_in_one_piece_is_a_clean_error(log: Path) -> None:
    async def main() -> None:
        cut = raw(
            b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{", abort=True, pause=0.02
        )
        async with Mock(cut) as engine, running(settings(engine.url), log) as lab:
            got = await lab.ask()
            assert (got.status, got.error["code"]) == (502, "upstream_error")
            assert len(engine.seen) == 1
            size = 3_000_000
            head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {size}\r\n\r\n".encode()
            engine.script = raw(head + b"x" * (size - 5), pause=0.02)
            assert not (await lab.ask()).whole  # too long to collect: the client sees that bytes are missing

    asyncio.run(main())


def test_a_full_queue_is_a_429_with_an_honest_time(log: Path) -> None:
    async def main() -> None:
        async with Mock(stream(50, every=0.02)) as engine:
            document = settings(
                engine.url, revisions={"v1": {"concurrency": 1}}, limits={"queueDepth": 1, "queueTimeoutSeconds": 0.2}
            )
            async with running(document, log) as lab:
                answers = await asyncio.gather(*(lab.ask(prompt(stream=True), path=CHAT) for _ in range(4)))
                assert sorted(got.status for got in answers) == [200, 429, 429, 429]
                outcomes = sorted(end["outcome"] for end in await lab.finished(4))
                assert outcomes == ["ok", "queue_full", "queue_full", "queue_timeout"]
                assert all("retry-after" in got.headers for got in answers if got.status == 429)
                assert len(engine.seen) == 1

    asyncio.run(main())


def test_a_failure_counts_for_the_model_that_was_asked_where_its_fallback_fails_too(log: Path) -> None:
    async def main() -> None:
        async with Mock(whole(502)) as bad, Mock(whole(500)) as worse:
            document = settings(bad.url)
            document["models"]["small"] = settings(worse.url)["models"]["chat"]
            document["routing"] = {"fallback": {"chat": ["small"]}}
            async with running(document, log) as lab:
                got = await lab.ask()
                assert (got.status, got.error["code"]) == (502, "upstream_error")
                assert "x-llm-fallback" not in got.headers
                assert worse.seen
                (end,) = await lab.finished()
                assert (end["model"], end["fallback_from"], end["attempts"]) == ("chat", None, 3)
                assert "small" not in next(
                    line
                    for line in lab.gateway.scrape().decode().splitlines()
                    if line.startswith("llm_gateway_requests_total{")
                )

    asyncio.run(main())
