"""The fake's /metrics against the exposition captured from vLLM 0.32."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

CAPTURE = Path(__file__).parents[2] / "fixtures" / "vllm-0.32-metrics.txt"
OWN_VALUES = {"python_info", "vllm:cache_config_info"}  # label values that are the process's own


def surface(text: str) -> tuple[dict[str, str], set[str]]:
    """Families with their types, and every series without its value; label values included, but for info gauges."""
    types = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, flags=re.MULTILINE))
    series = {line.rsplit(" ", 1)[0] for line in text.splitlines() if line and not line.startswith("#")}
    return types, {re.sub(r'="[^"]*"', "", one) if one.split("{")[0] in OWN_VALUES else one for one in series}


def exercise(engine: Any) -> str:
    """The same kinds of requests that the capture saw."""
    assert engine.get("/v1/models")[0] == 200
    assert engine.chat(max_tokens=3)[0] == 200
    assert engine.chat(model="other")[0] == 404
    engine.faults(error=1)
    assert engine.chat()[0] == 500
    assert engine.post("/v1/completions", prompt="Hi", max_tokens=9999)[0] == 400
    return str(engine.get("/metrics")[1])


def test_equals_the_capture(start: Callable[..., Any]):
    types, series = surface(exercise(start()))
    wanted_types, wanted_series = surface(CAPTURE.read_text(encoding="utf-8"))
    assert types == wanted_types
    assert series == wanted_series


def test_order_and_help_equal_the_capture(start: Callable[..., Any]):
    def helps(text: str) -> list[str]:
        return re.findall(r"^# HELP .*$", text, flags=re.MULTILINE)

    assert helps(exercise(start())) == helps(CAPTURE.read_text(encoding="utf-8"))


def test_created_series_go_with_the_variable_of_the_client_library(start: Callable[..., Any], monkeypatch: Any):
    monkeypatch.setenv("PROMETHEUS_DISABLE_CREATED_SERIES", "True")
    types, series = surface(exercise(start()))
    wanted_types, wanted_series = surface(CAPTURE.read_text(encoding="utf-8"))
    assert types == {name: kind for name, kind in wanted_types.items() if not name.endswith("_created")}
    assert series == {one for one in wanted_series if not one.split("{")[0].endswith("_created")}


def test_histogram_buckets_can_be_set(start: Callable[..., Any]):
    text = start('--custom-histogram-buckets={"time_to_first_token":[2],"request_latency":[7,9]}').get("/metrics")[1]
    assert re.findall(r'time_to_first_token_seconds_bucket.*le="([^"]+)"', text) == ["2.0", "+Inf"]
    assert re.findall(r'e2e_request_latency_seconds_bucket.*le="([^"]+)"', text) == ["7.0", "9.0", "+Inf"]


def test_values_follow_the_requests(start: Callable[..., Any]):
    engine = start()
    for _ in range(3):
        status, reply = engine.chat(max_tokens=4, ignore_eos=True)
        assert status == 200
    prompt = reply["usage"]["prompt_tokens"]
    assert engine.metric("vllm:prompt_tokens_total") == 3 * prompt
    assert engine.metric("vllm:generation_tokens_total") == 12
    assert engine.metric('vllm:request_success_total{engine="0",finished_reason="length"') == 3
    assert engine.metric("vllm:time_to_first_token_seconds_count") == 3
    assert engine.metric("vllm:inter_token_latency_seconds_count") == 9
    assert engine.metric('http_requests_total{handler="/v1/chat/completions",method="POST",status="2xx"}') == 3
    assert engine.metric("vllm:num_requests_running") == 0
    assert engine.metric("vllm:kv_cache_usage_perc") == 0


def test_prefix_cache_counts_tokens(start: Callable[..., Any]):
    engine = start("--enable-prompt-tokens-details")
    text = " ".join(f"word{n}" for n in range(40))
    first, second = (engine.chat(text, max_tokens=1)[1]["usage"] for _ in range(2))
    assert first["prompt_tokens_details"]["cached_tokens"] == 0
    cached = second["prompt_tokens_details"]["cached_tokens"]
    assert 0 < cached <= second["prompt_tokens"]
    assert engine.metric("vllm:prefix_cache_hits_total") == cached


def test_the_capacity_is_in_the_info_gauge(start: Callable[..., Any]):
    text = start("--gpu-memory-utilization=0.5", kv_tokens=32_000).get("/metrics")[1]
    info = next(line for line in text.splitlines() if line.startswith("vllm:cache_config_info{"))
    assert 'kv_cache_size_tokens="32000"' in info
    assert 'num_gpu_blocks="2000"' in info
    assert 'gpu_memory_utilization="0.5"' in info
