"""Latency: the committed constants are what the fit makes, and the roofline keeps physics."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from llmgen.architecture import Architecture
from llmgen.catalog import gpu
from llmgen.sizing import Device, EngineSettings, latency, roofline
from llmgen.sizing.latency import costs, largest_batch, step_ms, step_parts

ROOT = Path(__file__).parents[3]
CONFIGS = json.loads((ROOT / "benchmarks/data/model-configs.json").read_text(encoding="utf-8"))
LLAMA = Architecture.from_config(CONFIGS["meta-llama/Llama-3.1-8B-Instruct"])
H100 = Device.of(gpu("H100"))
ENGINE = EngineSettings(
    version="0.32.0", max_model_len=8192, max_num_seqs=256, max_num_batched_tokens=8192, gpu_memory_utilization=0.9
)


def test_constants_are_what_the_fit_makes(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    fitting = __import__("fit_roofline")
    cases = list(fitting.latency_cases())
    found = fitting.fit(fitting.weighted(fitting.step_samples(cases)))
    first = fitting.fit(fitting.weighted(fitting.first_samples(cases)), fitting.FIRST_PHYSICAL)
    assert found == pytest.approx(roofline.STEP, rel=1e-3, abs=1e-4)
    assert first == pytest.approx(roofline.FIRST, rel=1e-3, abs=1e-4)
    sys.modules.pop("fit_roofline")


def test_no_constant_is_negative():
    assert all(value >= 0 for value in (*roofline.STEP.values(), *roofline.FIRST.values()))


def test_a_step_is_never_faster_than_its_bytes():
    cost = costs(LLAMA, H100, ENGINE)
    for batch in (1, 8, 64, 256):
        least = (cost.dense_bytes + batch * cost.kv_bytes * 1100) / cost.bandwidth * 1000
        assert step_ms(cost, 1000, 200, batch) > least


def test_llama_8b_on_an_h100_near_what_was_published():
    found = latency(LLAMA, H100, ENGINE, prompt_tokens=547, completion_tokens=248, concurrency=10)
    assert 5 < found.tpot_ms.value < 9
    assert "median" in found.error


def test_largest_batch_is_the_last_within_the_target():
    cost = costs(LLAMA, H100, ENGINE)
    target = step_ms(cost, 1000, 200, 100)
    assert largest_batch(cost, 1000, 200, target, 256) == 100
    assert largest_batch(cost, 1000, 200, 0.001, 256) == 0
    assert largest_batch(cost, 1000, 200, 1e9, 256) == 256


def test_experts_are_read_as_tokens_touch_them():
    cost = costs(
        Architecture.from_config(CONFIGS["Qwen/Qwen3-235B-A22B-Instruct-2507-FP8"]),
        H100,
        replace(ENGINE, tensor_parallel=8),
    )
    one, many = step_ms(cost, 100, 100, 1), step_ms(cost, 100, 100, 256)
    (size, count, active), *_ = cost.experts
    assert active / count < 0.1
    assert many - one > 0.8 * size / cost.bandwidth * 1000


def test_cached_prompts_are_read_but_not_computed():
    cost = costs(LLAMA, H100, ENGINE)
    cold, warm = (step_parts(cost, 4000, 200, 32, cached=cached) for cached in (0, 4000))
    assert warm["prefill"] == 0 < cold["prefill"]
    assert warm["cache"] == cold["cache"]


def test_prompts_longer_than_answers_slow_every_step():
    cost = costs(LLAMA, H100, ENGINE)
    assert step_parts(cost, 8192, 1024, 64)["prefill"] > 7 * step_parts(cost, 1024, 1024, 64)["prefill"]


@pytest.mark.parametrize(("version", "share"), [("0.12.0", 1.0), ("0.32.0", 0.5)])
def test_the_checkpoint_s_own_cache_format_halves_the_read(version: str, share: float):
    narrow = Architecture.from_config(
        {
            **CONFIGS["meta-llama/Llama-3.1-8B-Instruct"],
            "quantization_config": {"quant_method": "modelopt", "quant_algo": "FP8", "kv_cache_quant_algo": "FP8"},
        }
    )
    engine = replace(ENGINE, version=version)
    assert costs(narrow, H100, engine).kv_bytes == share * costs(LLAMA, H100, engine).kv_bytes


def test_more_prompts_under_way_delay_the_first_token():
    found = [
        latency(LLAMA, H100, ENGINE, prompt_tokens=4000, completion_tokens=100, concurrency=n).ttft_ms.value
        for n in (1, 8, 64)
    ]
    assert found == sorted(found)
