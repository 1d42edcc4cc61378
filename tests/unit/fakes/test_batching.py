"""Latency has the shape of continuous batching; queues, admission and the KV cache count as vLLM does."""

from __future__ import annotations

import asyncio
import http.client
import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from fake_engine.kv import KvCache
from tests.fakes.harness import CHAT, together

if TYPE_CHECKING:
    from collections.abc import Callable

BATCH = {"itl_base_ms": 10, "itl_per_sequence_ms": 5, "prefill_tokens_per_second": 1e6}


def mean_itl(engine: Any, before: tuple[float, float] = (0, 0)) -> float:
    total = engine.metric("vllm:inter_token_latency_seconds_sum") - before[0]
    return total / (engine.metric("vllm:inter_token_latency_seconds_count") - before[1])


@pytest.mark.parametrize(("batch", "expected"), [(1, 0.015), (8, 0.050)])
def test_a_token_takes_base_plus_share_of_the_batch(start: Callable[..., Any], batch: int, expected: float):
    engine = start(**BATCH)
    asyncio.run(together(batch, lambda: engine.chat(max_tokens=20, ignore_eos=True)))
    assert expected * 0.9 <= mean_itl(engine) <= expected * 1.5


def test_a_long_prompt_delays_the_first_token(start: Callable[..., Any]):
    engine = start(itl_base_ms=1, prefill_tokens_per_second=2000)
    began = time.monotonic()
    usage = engine.chat("long " * 600, max_tokens=1)[1]["usage"]
    assert time.monotonic() - began >= usage["prompt_tokens"] / 2000


def test_a_slower_engine_is_slower(start: Callable[..., Any]):
    engine = start(**BATCH)
    engine.faults(slow=4)
    engine.chat(max_tokens=10, ignore_eos=True)
    assert mean_itl(engine) >= 0.06


def test_beyond_max_num_seqs_requests_wait(start: Callable[..., Any]):
    async def scene() -> None:
        engine = start("--max-num-seqs=2", itl_base_ms=20)
        asked = asyncio.create_task(together(5, lambda: engine.chat(max_tokens=40, ignore_eos=True)))
        await asyncio.to_thread(engine.until, "vllm:num_requests_waiting{", 3)
        assert engine.metric("vllm:num_requests_running") == 2
        assert engine.metric('vllm:num_requests_waiting_by_reason{engine="0",model_name="tiny",reason="capacity"') == 3
        assert engine.metric("vllm:kv_cache_usage_perc") > 0
        assert {status for status, _ in await asked} == {200}

    asyncio.run(scene())


def test_sheds_at_once_what_the_queue_cannot_hold(start: Callable[..., Any]):
    """The measured case: 2 running, 4 waiting, 6 refused; the limit counts running requests too."""
    engine = start("--max-num-seqs=2", "--max-num-queued-reqs=6", itl_base_ms=20)
    times: list[float] = []

    def ask() -> tuple[int, Any]:
        began = time.monotonic()
        reply = engine.chat(max_tokens=20, ignore_eos=True)
        if reply[0] == 503:
            times.append(time.monotonic() - began)
        return reply

    replies = asyncio.run(together(12, ask))
    assert sorted(status for status, _ in replies) == [200] * 6 + [503] * 6
    refused = next(reply for status, reply in replies if status == 503)
    assert refused["error"]["type"] == "Service Unavailable"
    assert refused["error"]["message"].startswith("The engine is currently busy and cannot accept new requests.")
    assert max(times) < 0.3
    assert engine.metric('vllm:admission_rejections_total{model_name="tiny",reason="max_num_queued_reqs"}') == 6
    assert engine.metric('http_requests_total{handler="/v1/chat/completions",method="POST",status="5xx"}') == 6


def test_sheds_by_prompt_tokens_in_the_queue(start: Callable[..., Any]):
    async def scene() -> None:
        engine = start("--max-num-seqs=1", "--max-num-queued-tokens=300", itl_base_ms=20)

        def ask() -> tuple[int, Any]:
            return engine.chat("word " * 200, max_tokens=50, ignore_eos=True)

        first = asyncio.create_task(together(1, ask))
        await asyncio.to_thread(engine.until, "vllm:time_to_first_token_seconds_count", 1)
        others = asyncio.create_task(together(2, ask))
        await asyncio.to_thread(engine.until, "vllm:num_requests_waiting{", 2)
        assert engine.chat()[0] == 503
        assert engine.metric('vllm:admission_rejections_total{model_name="tiny",reason="max_num_queued_tokens"}') == 1
        assert {status for status, _ in (*await first, *await others)} == {200}

    asyncio.run(scene())


def test_a_full_cache_preempts_and_everything_completes(start: Callable[..., Any]):
    engine = start("--max-model-len=256", kv_tokens=512, itl_base_ms=1)
    replies = asyncio.run(together(6, lambda: engine.chat(max_tokens=150, ignore_eos=True)))
    assert {(status, reply["usage"]["completion_tokens"]) for status, reply in replies} == {(200, 150)}
    assert engine.metric("vllm:num_preemptions_total") > 0
    assert engine.metric("vllm:kv_cache_usage_perc") == 0


def test_a_client_that_leaves_frees_its_place_and_is_counted_nowhere(start: Callable[..., Any]):
    engine = start("--max-num-seqs=1", itl_base_ms=20)
    connection = http.client.HTTPConnection("127.0.0.1", engine.port)
    body = {"messages": [{"role": "user", "content": "a"}], "max_tokens": 1000, "ignore_eos": True}
    connection.request("POST", CHAT, json.dumps(body))
    engine.until("vllm:num_requests_running", 1)
    connection.close()
    engine.until("vllm:num_requests_running", 0)
    finished = [
        line for line in engine.get("/metrics")[1].splitlines() if line.startswith("vllm:request_success_total")
    ]
    assert {line.rsplit(" ", 1)[1] for line in finished} == {"0.0"}
    assert engine.metric('http_requests_total{handler="/v1/chat/completions",method="POST",status="2xx"}') == 1


def test_the_cache_counts_whole_blocks():
    kv = KvCache(tokens=100, block_tokens=16, prefix_caching=True)
    assert kv.blocks == 6
    assert kv.need(17) == 2
    assert kv.take(5)
    assert not kv.take(2)
    assert kv.usage == 5 / 6
    prompt = list(range(40))
    assert [kv.cached(prompt), kv.cached(prompt), kv.cached([1, *prompt])] == [0, 32, 0]
