"""Architectures read from config.json: parameter counts against the published names, dialects, doubts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from llmgen.architecture import Architecture, AttentionKind
from llmgen.architecture.checkpoint import CheckpointError, checkpoint_bytes
from llmgen.architecture.schemes import FP8_BLOCK, FP8_CHANNEL, MXFP4, NVFP4

CONFIGS = json.loads((Path(__file__).parents[3] / "benchmarks/data/model-configs.json").read_text(encoding="utf-8"))
LLAMA = CONFIGS["meta-llama/Llama-3.1-8B-Instruct"]

# Parameters in billions as published on the model cards.
PUBLISHED = {
    "meta-llama/Llama-3.1-8B-Instruct": 8.03,
    "meta-llama/Llama-3.1-70B-Instruct": 70.55,
    "meta-llama/Llama-4-Scout-17B-16E-Instruct": 108.6,
    "mistralai/Mixtral-8x7B-Instruct-v0.1": 46.7,
    "Qwen/Qwen3-235B-A22B-Instruct-2507-FP8": 235.1,
    "deepseek-ai/DeepSeek-R1": 671.0,
    "openai/gpt-oss-120b": 116.8,
    "deepseek-ai/DeepSeek-V2-Lite-Chat": 15.71,
    "google/gemma-2-27b-it": 27.2,
    "google/gemma-3-4b-it": 4.3,
    "microsoft/phi-2": 2.78,
    "Qwen/Qwen2.5-0.5B": 0.494,
    "Qwen/Qwen3-Next-80B-A3B-Instruct": 79.7,
}


@pytest.mark.parametrize(("name", "billions"), PUBLISHED.items())
def test_parameters_are_the_published_ones(name: str, billions: float):
    assert Architecture.from_config(CONFIGS[name]).parameters / 1e9 == pytest.approx(billions, rel=0.003)


@pytest.mark.parametrize(
    ("name", "billions"),
    [("Qwen/Qwen3-235B-A22B-Instruct-2507-FP8", 22), ("deepseek-ai/DeepSeek-R1", 37), ("openai/gpt-oss-120b", 5.1)],
)
def test_active_parameters_are_the_published_ones(name: str, billions: float):
    assert Architecture.from_config(CONFIGS[name]).active_parameters / 1e9 == pytest.approx(billions, rel=0.03)


def test_language_model_is_found_inside_a_multimodal_config():
    nested = {
        "model_type": "mistral3",
        "text_config": {**LLAMA, "model_type": "llama"},
        "vision_config": {"hidden_size": 1024},
    }
    assert Architecture.from_config(nested).layers == 32


def test_class_defaults_fill_what_gemma3_leaves_out():
    config = {
        "model_type": "gemma3",
        "text_config": {
            "hidden_size": 2560,
            "intermediate_size": 10240,
            "model_type": "gemma3_text",
            "num_hidden_layers": 34,
            "sliding_window": 1024,
        },
    }
    model = Architecture.from_config(config)
    assert (model.attention.heads, model.attention.kv_heads, model.vocabulary, model.tied) == (8, 4, 262208, True)


@pytest.mark.parametrize(
    ("patch", "sliding"),
    [
        ({"layer_types": ["sliding_attention", "full_attention"] * 16, "sliding_window": 512}, 16),
        ({"layer_types_count": {"sliding_attention": 16, "full_attention": 16}, "sliding_window": 512}, 16),
        ({"sliding_window_pattern": 4, "sliding_window": 512}, 24),
        ({"sliding_window": 512, "model_type": "mistral"}, 32),
        ({"sliding_window": 512, "model_type": "qwen2"}, 0),
        ({"sliding_window": 512, "model_type": "qwen2", "use_sliding_window": True, "max_window_layers": 28}, 4),
        ({"sliding_window": None}, 0),
    ],
)
def test_window_patterns(patch: dict[str, object], sliding: int):
    model = Architecture.from_config({**LLAMA, **patch})
    counted = sum(
        n for n, s in zip(model.counts, model.blocks, strict=True) if s.block.attention.kind is AttentionKind.SLIDING
    )
    assert counted == sliding


def test_unknown_family_says_so():
    reasons = Architecture.from_config({**LLAMA, "model_type": "hyena9"}).unsupported
    assert any("hyena9" in reason for reason in reasons)


def test_unknown_layer_kind_says_so():
    reasons = Architecture.from_config({**LLAMA, "layer_types": ["rwkv"] * 32}).unsupported
    assert any("rwkv" in reason for reason in reasons)


def test_empty_config_says_what_is_missing_and_does_not_raise():
    reasons = Architecture.from_config({}).unsupported
    assert any("hidden_size" in reason for reason in reasons)


def schemes(config: dict[str, object], flag: str | None = None) -> dict[str, object]:
    """Scheme by module of the first layer."""
    model = Architecture.from_config(config, quantization=flag)
    stored = model.blocks[0]
    return dict(zip((m.module for m in stored.block.matrices), stored.schemes, strict=True))


def test_fp8_blocks():
    found = schemes({**LLAMA, "quantization_config": {"quant_method": "fp8", "weight_block_size": [128, 128]}})
    assert set(found.values()) == {FP8_BLOCK}


def test_compressed_tensors_groups_and_ignore_list():
    group = {"targets": ["Linear"], "weights": {"num_bits": 8, "type": "float", "strategy": "channel"}}
    config = {
        "quant_method": "compressed-tensors",
        "config_groups": {"group_0": group},
        "ignore": ["lm_head", "re:.*self_attn.*"],
    }
    found = schemes({**LLAMA, "quantization_config": config})
    assert found["mlp.down_proj"] == FP8_CHANNEL
    assert found["self_attn.q_proj"] is None


def test_modelopt_nvfp4_with_excluded_layers():
    config = {"quant_method": "modelopt", "quant_algo": "NVFP4", "exclude_modules": ["lm_head", "model.layers.0*"]}
    model = Architecture.from_config({**LLAMA, "quantization_config": config})
    assert set(model.blocks[model.pattern[0]].schemes) == {None}
    assert set(model.blocks[model.pattern[1]].schemes) == {NVFP4}


def test_mxfp4_quantizes_experts_only():
    found = schemes(CONFIGS["openai/gpt-oss-120b"])
    assert found["mlp.experts.0.up_proj"] == MXFP4
    assert found["self_attn.q_proj"] is None


@pytest.mark.parametrize(("bits", "group"), [(4, 128), (4, 32), (8, 128), (3, 64)])
def test_gptq_and_awq_keep_their_own_width(bits: int, group: int):
    found = schemes({**LLAMA, "quantization_config": {"quant_method": "gptq", "bits": bits, "group_size": group}})
    scheme = found["mlp.up_proj"]
    assert scheme is not None
    assert scheme.bits == bits  # type: ignore[attr-defined]
    assert scheme.group == group  # type: ignore[attr-defined]


def test_unknown_quantization_counts_16_bits_and_says_so():
    model = Architecture.from_config({**LLAMA, "quantization_config": {"quant_method": "zippo"}})
    assert set(model.blocks[0].schemes) == {None}
    assert any("zippo" in reason for reason in model.unsupported)


def test_a_flag_that_contradicts_the_checkpoint_says_so():
    config = {**LLAMA, "quantization_config": {"quant_method": "awq", "bits": 4, "group_size": 128}}
    assert any("contradicts" in r for r in Architecture.from_config(config, quantization="gptq").unsupported)
    assert not Architecture.from_config(config, quantization="awq_marlin").unsupported


def test_checkpoint_bytes_of_index_and_of_headers(tmp_path: Path):
    header = json.dumps({"__metadata__": {}, "a": {"dtype": "BF16", "shape": [2, 3], "data_offsets": [0, 12]}}).encode()
    (tmp_path / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(12))
    assert checkpoint_bytes(tmp_path) == 12
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"metadata": {"total_size": 77}}))
    assert checkpoint_bytes(tmp_path) == 77


@pytest.mark.parametrize("content", [b"", b"\xff" * 16, (5).to_bytes(8, "little") + b"hello"])
def test_a_broken_checkpoint_is_refused(tmp_path: Path, content: bytes):
    (tmp_path / "model.safetensors").write_bytes(content)
    with pytest.raises(CheckpointError):
        checkpoint_bytes(tmp_path)


def test_no_checkpoint_is_refused(tmp_path: Path):
    with pytest.raises(CheckpointError, match=r"no model\.safetensors"):
        checkpoint_bytes(tmp_path)


def test_scaled_rotary_tables_reach_as_far_as_the_engine_builds_them():
    base = {**CONFIGS["meta-llama/Llama-3.1-8B-Instruct"], "max_position_embeddings": 4096, "head_dim": 128}
    plain = Architecture.from_config(base).rope_elements
    assert plain == 4096 * 128
    linear = {"rope_scaling": {"rope_type": "linear", "factor": 8.0}}
    assert Architecture.from_config(base | linear).rope_elements == 8 * plain
    # A second base for sliding layers has a table of its own, which is not stretched.
    assert Architecture.from_config(base | linear | {"rope_local_base_freq": 10000.0}).rope_elements == 9 * plain
    yarn = {"rope_scaling": {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 2048}}
    assert Architecture.from_config(base | yarn).rope_elements == 2 * plain


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({}, "auto"),
        ({"quant_method": "modelopt", "quant_algo": "NVFP4", "kv_cache_quant_algo": "FP8"}, "fp8"),
        ({"quant_method": "modelopt", "quantization": {"quant_algo": "FP8", "kv_cache_quant_algo": "FP8"}}, "fp8"),
        ({"quant_method": "compressed-tensors", "kv_cache_scheme": {"num_bits": 8, "type": "float"}}, "fp8"),
        ({"quant_method": "compressed-tensors", "kv_cache_scheme": None}, "auto"),
    ],
)
def test_the_checkpoint_says_how_its_cache_is_kept(config: dict[str, object], expected: str):
    base = CONFIGS["meta-llama/Llama-3.1-8B-Instruct"]
    assert Architecture.from_config({**base, "quantization_config": config}).quantization.kv_dtype == expected
