"""Loading, draining and cutting, with real processes and real signals, against what was measured on vLLM 0.32."""

from __future__ import annotations

import asyncio
import http.client
import signal
import time
from typing import TYPE_CHECKING, Any

import pytest
from tests.fakes.harness import together

if TYPE_CHECKING:
    from collections.abc import Callable

LONG = {"max_tokens": 40, "ignore_eos": True}


def test_the_port_is_closed_until_the_load_is_over(start: Callable[..., Any]):
    engine = start(ready=False, load_seconds=0.8)
    began = time.monotonic()
    with pytest.raises(ConnectionRefusedError):
        engine.get("/health")
    engine.wait()
    assert time.monotonic() - began >= 0.6


def test_a_load_beyond_the_ready_timeout_gives_up(start: Callable[..., Any], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("VLLM_ENGINE_READY_TIMEOUT_S", "1")
    code, log = start(ready=False, load_seconds=60).end()
    assert code == 1
    assert "TimeoutError: Timed out waiting for engine core processes to start" in log


def test_an_idle_connection_is_closed_after_the_keep_alive(start: Callable[..., Any], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("VLLM_HTTP_TIMEOUT_KEEP_ALIVE", "0.3")
    connection = http.client.HTTPConnection("127.0.0.1", start().port, timeout=5)
    for _ in range(2):
        connection.request("GET", "/health")
        assert connection.getresponse().read() == b""
    began = time.monotonic()
    assert connection.sock.recv(1) == b""
    assert 0.2 <= time.monotonic() - began < 3
    connection.close()


def test_sigterm_while_loading_ends_it(start: Callable[..., Any]):
    engine = start(ready=False, load_seconds=60).controlled()
    engine.process.send_signal(signal.SIGTERM)
    assert engine.end(seconds=10)[0] == 0


def test_sigterm_without_a_timeout_cuts_answers_as_http_200(start: Callable[..., Any]):
    async def scene() -> None:
        engine = start("--max-num-seqs=1", itl_base_ms=20)
        whole = asyncio.create_task(asyncio.to_thread(engine.chat, **{**LONG, "max_tokens": 400}))
        await asyncio.to_thread(engine.until, "vllm:generation_tokens_total", 5)
        queued = asyncio.create_task(asyncio.to_thread(engine.stream, **{**LONG, "max_tokens": 400}))
        await asyncio.to_thread(engine.until, "vllm:num_requests_waiting{", 1)
        engine.process.send_signal(signal.SIGTERM)
        status, reply = await whole
        assert (status, reply["choices"][0]["finish_reason"]) == (200, "abort")
        assert 5 <= reply["usage"]["completion_tokens"] < 400
        role, done = await queued
        assert role["choices"][0]["delta"]["role"] == "assistant"
        assert role["choices"][0]["finish_reason"] is None
        assert done == "[DONE]"
        assert engine.end(seconds=3)[0] == 0

    asyncio.run(scene())


def test_sigterm_with_a_timeout_completes_what_was_admitted_and_refuses_the_rest(start: Callable[..., Any]):
    async def scene() -> None:
        engine = start("--max-num-seqs=2", "--shutdown-timeout=30", itl_base_ms=20)
        asked = asyncio.create_task(together(4, lambda: engine.chat(**{**LONG, "max_tokens": 100})))
        await asyncio.to_thread(engine.until, "vllm:num_requests_waiting{", 2)
        engine.process.send_signal(signal.SIGTERM)
        await asyncio.sleep(0.1)
        assert engine.get("/health")[0] == 200
        assert engine.get("/metrics")[0] == 200
        assert engine.get("/v1/models")[0] == 200
        status, refused = engine.chat()
        assert (status, refused["error"]["message"]) == (500, "cannot schedule new futures after shutdown")
        ended = {
            (s, reply["choices"][0]["finish_reason"], reply["usage"]["completion_tokens"]) for s, reply in await asked
        }
        assert ended == {(200, "length", 100)}
        last = time.monotonic()
        assert engine.end(seconds=5)[0] == 0
        assert time.monotonic() - last < 3

    asyncio.run(scene())


def test_a_drain_that_takes_too_long_is_cut(start: Callable[..., Any]):
    async def scene() -> None:
        engine = start("--shutdown-timeout=1", itl_base_ms=50)
        asked = asyncio.create_task(asyncio.to_thread(engine.chat, max_tokens=500, ignore_eos=True))
        await asyncio.to_thread(engine.until, "vllm:num_requests_running", 1)
        engine.process.send_signal(signal.SIGTERM)
        assert (await asked)[1]["choices"][0]["finish_reason"] == "abort"
        assert engine.end(seconds=5)[0] == 0

    asyncio.run(scene())


def test_an_idle_engine_stops_at_once(start: Callable[..., Any]):
    engine = start("--shutdown-timeout=120")
    engine.process.send_signal(signal.SIGTERM)
    assert engine.end(seconds=3)[0] == 0
