"""Every fault is seen by a client, at the rate that was asked for, and ends when it is switched off."""

from __future__ import annotations

import asyncio
import http.client
import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from fake_engine.faults import Faults
from tests.fakes.harness import JSON_FORMAT, TOOLS, together

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def engine(start: Callable[..., Any]) -> Any:
    return start("--enable-auto-tool-choice", "--tool-call-parser=hermes", itl_base_ms=1, itl_per_sequence_ms=0)


def test_refuses_connections_and_comes_back(engine: Any):
    engine.faults(refuse=True)
    with pytest.raises(ConnectionRefusedError):
        engine.get("/health")
    engine.faults(refuse=False)
    assert engine.get("/health")[0] == 200


def test_hangs_with_requests_running_and_no_progress(engine: Any):
    async def scene() -> None:
        engine.faults(hang=True)
        asked = asyncio.create_task(asyncio.to_thread(engine.chat, max_tokens=5))
        await asyncio.to_thread(engine.until, "vllm:num_requests_running", 1)
        await asyncio.sleep(0.5)
        assert not asked.done()
        assert engine.metric("vllm:prompt_tokens_total") == 0
        assert engine.get("/health")[0] == 200
        engine.faults(hang=False)
        assert (await asked)[0] == 200

    asyncio.run(scene())


def test_a_dead_core_fails_health_and_requests(engine: Any):
    engine.faults(dead=True)
    assert engine.get("/health")[0] == 503
    assert engine.get("/metrics")[0] == 200
    status, reply = engine.chat()
    assert (status, reply["error"]["type"]) == (500, "InternalServerError")


def test_dies_in_the_middle_of_a_stream(engine: Any):
    engine.faults(die_mid_stream=1)
    with pytest.raises((http.client.IncompleteRead, ConnectionResetError)) as caught:
        engine.stream(max_tokens=20, ignore_eos=True)
    if isinstance(caught.value, http.client.IncompleteRead):
        assert b"data: " in caught.value.partial
    assert engine.metric("vllm:num_requests_running") == 0


def test_answers_garbage(engine: Any):
    engine.faults(garbage=1)
    with pytest.raises(http.client.BadStatusLine):
        engine.chat()


def test_runs_out_of_memory_at_a_request(engine: Any):
    engine.faults(oom=True)
    with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
        engine.chat()
    code, log = engine.end(seconds=3)
    assert code == 1
    assert "torch.OutOfMemoryError: CUDA out of memory" in log


def test_runs_out_of_memory_at_load(start: Callable[..., Any]):
    code, log = start(ready=False, oom_at_load=True).end(seconds=5)
    assert code == 1
    assert "torch.OutOfMemoryError: CUDA out of memory" in log


def test_refusals_errors_and_truncation(engine: Any):
    engine.faults(refusal=1)
    assert "can't help" in engine.chat()[1]["choices"][0]["message"]["content"]
    engine.faults(refusal=0, truncation=1)
    reply = engine.chat()[1]
    assert reply["choices"][0]["finish_reason"] == "length"
    assert reply["usage"]["completion_tokens"] <= 48
    assert engine.metric('vllm:request_success_total{engine="0",finished_reason="length"') == 1
    engine.faults(error=1)
    assert engine.chat()[0] == 500


def test_broken_json_and_tool_calls(engine: Any):
    engine.faults(broken_json=1, broken_tool_call=1)
    texts = [
        engine.chat(response_format=JSON_FORMAT)[1]["choices"][0]["message"]["content"],
        engine.chat(tools=TOOLS)[1]["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"],
    ]
    for text in texts:
        with pytest.raises(json.JSONDecodeError):
            json.loads(text)
    assert engine.chat()[1]["choices"][0]["finish_reason"] == "stop"


def test_slow_load_is_a_setting_and_faults_are_read_at_start(start: Callable[..., Any]):
    began = time.monotonic()
    engine = start(load_seconds=0.5, faults="error=1,slow=2")
    assert time.monotonic() - began >= 0.5
    assert engine.chat()[0] == 500


def test_rates_hold_and_repeat_with_the_seed(start: Callable[..., Any]):
    def run(seed: int) -> list[bool]:
        engine = start(faults="refusal=0.3", seed=seed, itl_base_ms=0, itl_per_sequence_ms=0)
        return ["can't" in engine.chat(max_tokens=12)[1]["choices"][0]["message"]["content"] for _ in range(60)]

    first = run(1)
    assert 8 <= sum(first) <= 30
    assert run(1) == first
    assert run(2) != first


def test_one_fault_does_not_move_another():
    alone, both = Faults(refusal=0.2), Faults(refusal=0.2, broken_json=0.5)
    assert [alone.hits("refusal", n) for n in range(500)] == [both.hits("refusal", n) for n in range(500)]
    assert 60 <= sum(alone.hits("refusal", n) for n in range(500)) <= 140


def test_reset_and_unknown_faults(engine: Any):
    assert engine.request("POST", "/", {"hnag": 1}, port=engine.control_port)[0] == 400
    assert engine.request("POST", "/", {"hang": "perhaps"}, port=engine.control_port)[0] == 400
    engine.faults(dead=True, slow=9)
    assert engine.request("DELETE", "/", port=engine.control_port)[0] == 200
    assert engine.get("/health")[0] == 200
    assert engine.get("/faults")[0] == 404  # nothing of this on the served port


def test_many_clients_at_once(engine: Any):
    replies = asyncio.run(together(30, lambda: engine.chat(max_tokens=5)))
    assert {status for status, _ in replies} == {200}
