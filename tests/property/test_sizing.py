"""Monotonicity of sizing: more memory never holds less, longer requests never fit more often, and nothing raises."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from llmgen.architecture import Architecture
from llmgen.catalog import gpu
from llmgen.sizing import Device, EngineSettings, LoadSource, load_budget, memory, storage_kinds
from llmgen.sizing.latency import costs, step_ms

CONFIGS = json.loads((Path(__file__).parents[2] / "benchmarks/data/model-configs.json").read_text(encoding="utf-8"))
MODELS = [Architecture.from_config(config) for config in CONFIGS.values()]
H100 = Device.of(gpu("H100"))

models = st.sampled_from(MODELS)
engines = st.builds(
    EngineSettings,
    version=st.sampled_from(["0.10.2", "0.15.1", "0.19.0", "0.25.0", "0.32.0", "main"]),
    max_model_len=st.integers(64, 262144),
    max_num_seqs=st.integers(1, 1024),
    max_num_batched_tokens=st.sampled_from([512, 2048, 8192, 16384]),
    gpu_memory_utilization=st.floats(0.5, 0.98),
    tensor_parallel=st.sampled_from([1, 2, 4, 8]),
    kv_cache_dtype=st.sampled_from(["auto", "fp8"]),
    enforce_eager=st.booleans(),
)


@settings(deadline=None)
@given(models, engines)
def test_the_safe_bound_is_below_the_point_and_never_negative(model: Architecture, engine: EngineSettings):
    plan = memory(model, H100, engine)
    assert 0 <= plan.kv_cache_tokens_safe <= plan.kv_cache_tokens
    assert plan.kv_cache_safe.value < plan.kv_cache.value


@settings(deadline=None)
@given(models, engines, st.floats(20, 100), st.floats(0.1, 100))
def test_more_memory_never_holds_less(model: Architecture, engine: EngineSettings, gib: float, more: float):
    small, large = (memory(model, replace(H100, memory_gib=size), engine) for size in (gib, gib + more))
    assert small.kv_cache_tokens <= large.kv_cache_tokens
    assert small.kv_cache_tokens_safe <= large.kv_cache_tokens_safe


@settings(deadline=None)
@given(models, engines, st.integers(1, 100_000), st.integers(0, 100_000))
def test_longer_requests_never_fit_more_often(model: Architecture, engine: EngineSettings, tokens: int, more: int):
    plan = memory(model, H100, engine)
    assert plan.requests_that_fit(tokens) >= plan.requests_that_fit(tokens + more)


@settings(deadline=None)
@given(models, engines)
def test_more_gpus_never_hold_more_weights_each(model: Architecture, engine: EngineSettings):
    one = memory(model, H100, replace(engine, tensor_parallel=1)).weights.value
    assert memory(model, H100, replace(engine, tensor_parallel=2)).weights.value <= one


@settings(deadline=None)
@given(models, engines, st.integers(1, 512), st.integers(1, 512))
def test_more_sequences_never_make_a_step_faster(model: Architecture, engine: EngineSettings, batch: int, more: int):
    cost = costs(model, H100, engine)
    assert step_ms(cost, 1000, 200, batch) <= step_ms(cost, 1000, 200, batch + more) * (1 + 1e-9)


@settings(deadline=None)
@given(
    st.floats(1e8, 2e12),
    st.floats(0, 1e12),
    st.sampled_from(sorted(storage_kinds())),
    engines,
    st.integers(1, 128),
)
def test_load_budget_is_above_expected_and_grows_with_size(
    size: float, more: float, kind: str, engine: EngineSettings, layers: int
):
    source = LoadSource(kind=kind)
    small, large = (load_budget(weight, source, engine, layers=layers) for weight in (size, size + more))
    assert small.expected_seconds.value < small.budget_seconds.value
    assert small.budget_seconds.value <= large.budget_seconds.value


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**6), 10**6)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
KEYS = sorted(
    {key for config in CONFIGS.values() for key in config} | {"quantization_config", "text_config", "vision_config"}
)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(sorted(CONFIGS)), st.dictionaries(st.sampled_from(KEYS), json_values, max_size=4))
def test_no_config_raises(name: str, patch: dict[str, object]):
    config = {**CONFIGS[name], **patch}
    for key in ("num_hidden_layers", "num_experts"):
        if isinstance(config.get(key), int):
            config[key] = min(config[key], 256)
    model = Architecture.from_config(config)
    memory(
        model,
        H100,
        EngineSettings(
            version="0.32.0",
            max_model_len=8192,
            max_num_seqs=8,
            max_num_batched_tokens=2048,
            gpu_memory_utilization=0.9,
        ),
    )
