"""Model families whose layout is understood; any other is sized by its fields and says so."""

from __future__ import annotations

from llmgen.architecture.fields import Fields

# Decoders of the plain kind: attention + gated or plain MLP, dense or with experts, every field in the config.
_PLAIN = frozenset(
    """llama mistral mistral3 ministral ministral3 mixtral qwen2 qwen2_moe qwen3 qwen3_moe qwen2_vl qwen2_vl_text qwen2_5_vl
    qwen2_5_vl_text qwen3_vl qwen3_vl_text qwen3_vl_moe qwen3_vl_moe_text gemma gemma2 gemma3 gemma3_text phi phi3 phimoe
    granite granitemoe granitemoeshared llava llava_next pixtral starcoder2 olmo olmo2 olmo3 olmoe falcon gpt_neox gpt2
    gpt_bigcode cohere cohere2 stablelm internlm2 internlm3 internvl internvl_chat exaone exaone4 baichuan chatglm glm glm4
    glm4_moe glm4v glm4v_moe gpt_oss llama4 llama4_text smollm3 nemotron minimax_m2 seed_oss hunyuan_v1_dense
    hunyuan_v1_moe ernie4_5 ernie4_5_moe dots1 arcee apertus solar decilm_plain mimo opt""".split()  # noqa: SIM905
)
_LATENT = frozenset(
    "deepseek_v2 deepseek_v3 deepseek_v32 deepseek_vl_v2 kimi_k2 kimi_k25 kimi_vl glm_moe_dsa minicpm3".split()  # noqa: SIM905
)
# Recurrent or windowed hybrids whose cache pages the engine pads: sized, with a wider reserve.
_HYBRID = frozenset(
    """qwen3_next qwen3_5 qwen3_5_text qwen3_5_moe qwen3_5_moe_text nemotron_h bamba granitemoehybrid falcon_h1 gemma4
    gemma4_text""".split()  # noqa: SIM905
)
KNOWN = _PLAIN | _LATENT | _HYBRID

_ENCODERS = ("whisper", "t5", "bart", "bert", "roberta", "xlm-roberta", "modernbert")
# Fields that change the cache or the weights in ways the closed form does not have.
_FOREIGN_FIELDS = {
    "compress_ratios": "compressed sparse attention",
    "linear_attn_config": "Kimi delta attention",
    "attn_type_list": "lightning attention",
    "num_kv_shared_layers": "layers that share the KV cache of others",
    "block_configs": "a different shape for every layer",
    "altup_num_inputs": "AltUp streams",
    "hidden_size_per_layer_input": "per-layer embeddings",
    "moe_num_zero_experts": "zero-computation experts",
    "mamba_dt_rank": "Mamba 1 mixers",
}


POSITIONS = ("max_position_embeddings", "n_positions", "max_sequence_length", "seq_length")
"""Fields that hold the longest context, in tokens."""


def doubts(fields: Fields) -> tuple[str, ...]:
    """Reasons why the shape read from ``fields`` may not be the shape the engine builds."""
    reasons = []
    model = fields.model_type
    if model in _ENCODERS or fields.flag("is_encoder_decoder"):
        reasons.append(f"model_type '{model}' is not a decoder: its memory is not modelled")
    elif model not in KNOWN:
        reasons.append(
            f"model_type '{model or 'missing'}' is not among the understood families: sized by its fields alone"
        )
    for name, meaning in _FOREIGN_FIELDS.items():
        value = fields.text.get(name)
        if value and model not in {"granitemoehybrid", "bamba", "falcon_h1", "nemotron_h"}:
            reasons.append(f"{meaning} ('{name}') is not modelled")
    needed = (
        ("hidden_size", "n_embd", "d_model"),
        ("num_hidden_layers", "n_layer", "n_layers"),
        ("vocab_size",),
        POSITIONS,
    )
    reasons.extend(f"the config has no '{names[0]}'" for names in needed if not fields.integer(*names))
    return tuple(reasons)


def is_hybrid(model_type: str) -> bool:
    """Whether the engine pads recurrent states to attention pages for this family."""
    return model_type in _HYBRID


# ``tie_word_embeddings`` is left out of a config when it equals the default of its class.
TIED_BY_DEFAULT = frozenset(
    """gemma gemma2 gemma3 gemma3_text gemma3n gemma4 gemma4_text cohere cohere2 gpt2 gpt_bigcode falcon bloom mpt opt
    starcoder2""".split()  # noqa: SIM905
)
