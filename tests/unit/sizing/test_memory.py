"""Memory against published logs, and the rules the arithmetic follows."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from llmgen.architecture import Architecture
from llmgen.catalog import gpu
from llmgen.sizing import Device, EngineSettings, default_batch, memory
from llmgen.sizing.allocator import allocated
from llmgen.sizing.constants import constants
from llmgen.sizing.graphs import captured_sizes
from llmgen.sizing.weights import stage_layers

DATA = Path(__file__).parents[3] / "benchmarks/data"
CONFIGS = json.loads((DATA / "model-configs.json").read_text(encoding="utf-8"))
ROWS = [json.loads(line) for line in (DATA / "sizing-truth.jsonl").read_text(encoding="utf-8").splitlines()]
H100 = Device.of(gpu("H100-SXM-80GB"))
LLAMA = Architecture.from_config(CONFIGS["meta-llama/Llama-3.1-8B-Instruct"])
ENGINE = EngineSettings(
    version="0.19.0", max_model_len=8192, max_num_seqs=1024, max_num_batched_tokens=8192, gpu_memory_utilization=0.95
)


def logs():
    """V1 logs that print every setting."""
    needed = ("gpu_memory_gib", "gpu_memory_utilization", "max_num_seqs", "max_num_batched_tokens", "kv_cache_tokens")
    for row in ROWS:
        known = row["model"] in CONFIGS and all(row[name] for name in needed)
        if known and row["vllm_version"].startswith(("0.1", "0.2")) and row["quality"] == "full-log":
            yield pytest.param(row, id=row["id"])


@pytest.mark.parametrize("row", list(logs()))
def test_full_logs(row: dict[str, object]):
    """Weights within 2 %, KV tokens within 7 %, and the safe bound below what the engine held. One published vision tower is off."""
    model = Architecture.from_config(CONFIGS[row["model"]], quantization=row["quantization"])
    engine = EngineSettings(
        version=row["vllm_version"],
        max_model_len=row["max_model_len"],
        max_num_seqs=row["max_num_seqs"],
        max_num_batched_tokens=row["max_num_batched_tokens"],
        gpu_memory_utilization=row["gpu_memory_utilization"],
        tensor_parallel=row["tp"],
        pipeline_parallel=row["pp"],
        dtype=row["dtype"],
        quantization=row["quantization"],
        kv_cache_dtype=row["kv_cache_dtype"],
        enforce_eager=bool(row["enforce_eager"]),
    )
    plan = memory(model, Device.of(gpu(row["gpu"]), memory_gib=row["gpu_memory_gib"]), engine)
    assert plan.weights.value == pytest.approx(row["weights_gib_per_gpu"], rel=0.06 if model.vision else 0.02)
    assert plan.kv_cache_tokens == pytest.approx(row["kv_cache_tokens"], rel=0.07)
    assert plan.kv_cache_tokens_safe <= 1.01 * row["kv_cache_tokens"]


def test_pool_is_the_budget_less_its_parts():
    plan = memory(LLAMA, H100, ENGINE)
    parts = plan.weights.value + plan.activation.value + plan.non_torch.value
    assert plan.kv_cache.value == pytest.approx(H100.memory_gib * 0.95 - parts)


def test_graphs_are_reserved_from_0_20_on():
    old, new = (
        memory(LLAMA, H100, replace(ENGINE, version="0.19.1")),
        memory(LLAMA, H100, replace(ENGINE, version="0.20.2")),
    )
    assert old.kv_cache.value - new.kv_cache.value == pytest.approx(new.cuda_graphs.value)
    assert memory(LLAMA, H100, replace(ENGINE, enforce_eager=True)).cuda_graphs.value == 0


def test_kv_heads_are_replicated_beyond_their_number():
    cost = [memory(LLAMA, H100, replace(ENGINE, tensor_parallel=tp)).kv_bytes_per_token.value for tp in (1, 8, 16)]
    assert cost[0] == 8 * cost[1]
    assert cost[1] == cost[2]


def test_latent_attention_is_not_split():
    model = Architecture.from_config(CONFIGS["deepseek-ai/DeepSeek-V2-Lite-Chat"])
    cost = [memory(model, H100, replace(ENGINE, tensor_parallel=tp)).kv_bytes_per_token.value for tp in (1, 4)]
    assert cost[0] == cost[1] == 27 * 576 * 2


def test_model_runner_v2_keeps_what_its_profiler_does_not_see():
    old, new = (
        memory(LLAMA, H100, replace(ENGINE, version="0.20.0")),
        memory(LLAMA, H100, replace(ENGINE, version="0.32.0")),
    )
    assert old.hidden.value == 0
    assert new.hidden.value == pytest.approx(1024 * 128256 * 8 / 2**30)
    assert new.kv_cache.value > old.kv_cache.value


@pytest.mark.parametrize("version", ["", "nightly", "0.99.0", "0.2.4"])
def test_an_unknown_version_says_so_and_reserves_more(version: str):
    doubtful, known = memory(LLAMA, H100, replace(ENGINE, version=version)), memory(LLAMA, H100, ENGINE)
    assert doubtful.unsupported
    assert doubtful.reserve.value > known.reserve.value


def test_every_known_minor_has_constants():
    for minor in range(8, 33):
        _, doubts = constants(f"0.{minor}.0", LLAMA)
        assert not doubts


def test_amd_says_so_and_reserves_more():
    plan = memory(LLAMA, Device.of(gpu("MI300X")), ENGINE)
    assert any("NVIDIA" in reason for reason in plan.unsupported)
    assert plan.kv_cache_safe.value < 0.75 * plan.kv_cache.value


@pytest.mark.parametrize(
    ("tensor_parallel", "text"), [(3, "32 heads do not divide by TP 3"), (12, "32 heads do not divide by TP 12")]
)
def test_splits_that_do_not_divide(tensor_parallel: int, text: str):
    assert text in memory(LLAMA, H100, replace(ENGINE, tensor_parallel=tensor_parallel)).problems


def test_weights_that_do_not_fit():
    model = Architecture.from_config(CONFIGS["meta-llama/Llama-3.1-70B-Instruct"])
    plan = memory(model, H100, ENGINE)
    assert plan.problems == ("weights 131.4 GiB > 75.2 GiB per GPU",)
    assert plan.kv_cache_tokens_safe == 0
    assert plan.requests_that_fit(100) == 0


def test_checkpoint_bytes_replace_the_closed_form():
    plan = memory(LLAMA, H100, replace(ENGINE, checkpoint_bytes=20 * 2**30, tensor_parallel=2))
    assert plan.weights.value == pytest.approx(10.03, abs=0.02)


def test_every_number_has_a_reason():
    assert all(term.because for term in memory(LLAMA, H100, ENGINE).terms().values())


def test_mig_slice_has_its_own_memory_and_rates():
    a100 = gpu("A100-SXM-80GB")
    name, profile = next((n, p) for n, p in a100.mig.items() if p.compute_slices == 3)
    device = Device.of(a100, mig=name)
    assert device.memory_gib == profile.memory_gib
    assert device.bandwidth_gbps == pytest.approx(a100.bandwidth_gbps * profile.memory_slices / 8)
    assert not device.nvlink


@pytest.mark.parametrize(
    ("size", "counted"),
    [
        (5 << 20, 5 << 20),
        (130 << 21, 130 << 21),
        ((130 << 21) - (1 << 20), 130 << 21),
        ((129 << 21) + 1, (129 << 21) + 1),
    ],
)
def test_allocator_counts_whole_blocks(size: int, counted: int):
    assert allocated(size) == counted


@pytest.mark.parametrize(
    ("layers", "stages", "sizes"), [(32, 1, (32,)), (32, 4, (8,) * 4), (61, 2, (31, 30)), (10, 4, (2, 3, 3, 2))]
)
def test_pipeline_stages(layers: int, stages: int, sizes: tuple[int, ...]):
    assert stage_layers(layers, stages) == sizes


@pytest.mark.parametrize(("seqs", "sizes"), [(256, 51), (1024, 51), (32, 11), (1, 2)])
def test_captured_sizes(seqs: int, sizes: int):
    assert captured_sizes(seqs) == sizes


@pytest.mark.parametrize(
    ("gib", "name", "expected"),
    [
        (79.19, "H100", (1024, 8192)),
        (79.25, "A100-SXM-80GB", (256, 2048)),
        (22.0, "L4", (256, 2048)),
        (178, "B200", (1024, 16384)),
    ],
)
def test_batch_defaults_by_device(gib: float, name: str, expected: tuple[int, int]):
    assert default_batch(gib, name) == expected
