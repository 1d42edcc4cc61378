"""Attention of each layer: its matrices, and what it caches."""

from __future__ import annotations

from dataclasses import dataclass

from llmgen.architecture.fields import Fields
from llmgen.architecture.layers import Attention, AttentionKind, Matrix, Shard

# Families whose config names no layer types: every n-th layer sees everything, the others a window.
_WINDOW_PERIOD = {
    "gemma2": 2,
    "gemma3": 6,
    "gemma3_text": 6,
    "gemma3n": 5,
    "gemma3n_text": 5,
    "gemma4": 6,
    "gemma4_text": 6,
    "gpt_oss": 2,
    "cohere2": 4,
}
# Families that write ``sliding_window`` but use it only on demand.
_WINDOW_ON_DEMAND = ("qwen2", "qwen3", "qwen2_moe", "qwen3_moe", "qwen2_vl", "qwen2_5_vl")
# Families with biases on query, key and value whatever their config says.
_QKV_BIAS = ("qwen2", "qwen2_moe", "qwen2_vl", "qwen2_5_vl", "qwen2_5_vl_text", "phi", "gpt2", "gpt_bigcode")
# Families whose query projection also makes the output gate.
_GATED_QUERY = ("qwen3_next", "qwen3_5", "qwen3_5_text", "qwen3_5_moe", "qwen3_5_moe_text")

_LINEAR_NAMES = ("linear_attention", "gated_delta", "gdn")
_MAMBA_NAMES = ("mamba", "mamba2")


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerPlan:
    """The kind of every layer, and what could not be read."""

    kinds: tuple[str, ...]
    problem: str = ""


def layer_kinds(fields: Fields, layers: int) -> LayerPlan:
    """``full``, ``sliding``, ``chunked``, ``linear``, ``mamba``, ``mlp`` or an unknown name for every layer."""
    named = fields.strings("layer_types", "layers_block_type")
    if named:
        return LayerPlan(kinds=tuple(_kind(name) for name in named[:layers]))
    pattern = fields.text_value("hybrid_override_pattern")
    if pattern:
        letters = {"M": "mamba", "*": "full", "-": "mlp", "E": "mlp"}
        return LayerPlan(kinds=tuple(letters.get(letter, letter) for letter in pattern[:layers]))
    counts = fields.mapping("layer_types_count")
    if counts:
        numbers = {_kind(str(kind)): number for kind, number in counts.items() if isinstance(number, int)}
        return LayerPlan(kinds=_interleave(numbers, layers) if numbers else ("full",) * layers)
    interval = fields.integer("full_attention_interval")
    if interval and fields.integer("linear_num_value_heads"):
        return LayerPlan(kinds=tuple("full" if (i + 1) % interval == 0 else "linear" for i in range(layers)))
    return _window_kinds(fields, layers)


def _window_kinds(fields: Fields, layers: int) -> LayerPlan:
    model = fields.model_type
    if fields.integer("attention_chunk_size") or model.startswith("llama4"):
        nope = fields.integers("no_rope_layers")
        period = fields.integer("nope_layer_interval", default=4)
        local = [bool(nope[i]) if nope and i < len(nope) else (i + 1) % period != 0 for i in range(layers)]
        return LayerPlan(kinds=tuple("chunked" if here else "full" for here in local))
    if not fields.integer("sliding_window"):
        return LayerPlan(kinds=("full",) * layers)
    period = fields.integer("sliding_window_pattern", "_sliding_window_pattern", "swa_full_every")
    period = period or _WINDOW_PERIOD.get(model, 0)
    if period:
        return LayerPlan(kinds=tuple("full" if (i + 1) % period == 0 else "sliding" for i in range(layers)))
    if model in _WINDOW_ON_DEMAND and not fields.flag("use_sliding_window"):
        return LayerPlan(kinds=("full",) * layers)
    if model in _WINDOW_ON_DEMAND:
        first = fields.integer("max_window_layers", default=layers)
        return LayerPlan(kinds=tuple("full" if i < first else "sliding" for i in range(layers)))
    return LayerPlan(kinds=("sliding",) * layers)


def _kind(name: str) -> str:
    lowered = name.lower()
    if lowered in {"full_attention", "attention", "global", "full"}:
        return "full"
    if "sliding" in lowered:
        return "sliding"
    if "chunked" in lowered:
        return "chunked"
    if any(lowered.startswith(item) for item in _LINEAR_NAMES):
        return "linear"
    return "mamba" if lowered in _MAMBA_NAMES else lowered


def _interleave(counts: dict[str, int], layers: int) -> tuple[str, ...]:
    """Spread the rarer kinds evenly: only counts are known, and only counts matter for one pipeline stage."""
    common = max(counts, key=lambda kind: counts[kind])
    result = [common] * layers
    for kind, number in counts.items():
        if kind == common:
            continue
        free = [place for place, here in enumerate(result) if here == common]
        number = max(min(number, len(free)), 0)  # noqa: PLW2901 - a config may count more layers than it has
        for index in range(number):
            result[free[(index + 1) * len(free) // number - 1]] = kind
    return tuple(result)


def read_attention(fields: Fields, kind: str) -> tuple[Attention, tuple[Matrix, ...]] | None:
    """Attention of a layer of ``kind`` with its matrices; None when the kind is unknown."""
    if kind == "linear":
        return _linear(fields)
    if kind == "mamba":
        return _mamba(fields)
    if kind == "mlp":
        return Attention(kind=AttentionKind.NONE), ()
    if kind not in {"full", "sliding", "chunked"}:
        return None
    return _latent(fields) if fields.integer("kv_lora_rank") else _grouped(fields, kind)


def _grouped(fields: Fields, kind: str) -> tuple[Attention, tuple[Matrix, ...]]:
    hidden = fields.integer("hidden_size", "n_embd", "d_model")
    heads = fields.integer("num_attention_heads", "n_head", "n_heads")
    kv_heads = fields.integer(
        "num_key_value_heads", "num_kv_heads", "n_head_kv", "multi_query_group_num", default=heads
    )
    if fields.flag("multi_query") and not fields.flag("new_decoder_architecture"):
        kv_heads = 1
    head_dim = fields.integer("head_dim", "attention_head_dim", "kv_channels") or hidden // max(heads, 1)
    window = {
        "sliding": fields.integer("sliding_window"),
        "chunked": fields.integer("attention_chunk_size", default=8192),
    }
    shares_kv = False
    if kind == "full" and fields.integer("global_head_dim"):
        head_dim = fields.integer("global_head_dim")
        shared = fields.integer("num_global_key_value_heads")
        shares_kv = bool(shared) and fields.flag("attention_k_eq_v", default=True)
        kv_heads = shared or kv_heads
    value_dim = fields.integer("v_head_dim", default=head_dim)
    bias = fields.model_type in _QKV_BIAS or fields.flag("attention_bias", "qkv_bias", "use_qkv_bias", "add_qkv_bias")
    gate = fields.model_type in _GATED_QUERY or fields.flag("attn_output_gate")
    query = heads * head_dim
    matrices = [
        Matrix(module="self_attn.q_proj", inputs=hidden, outputs=query * (2 if gate else 1), bias=bias, heads=heads),
        _key_value("self_attn.k_proj", hidden, kv_heads, head_dim, bias=bias),
        Matrix(module="self_attn.o_proj", inputs=heads * value_dim, outputs=hidden, heads=heads),
    ]
    if not shares_kv:
        matrices.append(_key_value("self_attn.v_proj", hidden, kv_heads, value_dim, bias=bias))
    attention = Attention(
        kind=AttentionKind(kind),
        heads=heads,
        kv_heads=kv_heads,
        head_dim=head_dim,
        value_dim=value_dim,
        query_dim=query,
        window=window.get(kind, 0),
        shares_kv=shares_kv,
    )
    return attention, tuple(matrices)


def _key_value(module: str, hidden: int, heads: int, width: int, *, bias: bool) -> Matrix:
    return Matrix(module=module, inputs=hidden, outputs=heads * width, shard=Shard.KV_HEADS, bias=bias, heads=heads)


def _latent(fields: Fields) -> tuple[Attention, tuple[Matrix, ...]]:
    """Multi-head latent attention (DeepSeek V2/V3, Kimi, GLM 5): one compressed row per token, on every GPU."""
    hidden = fields.integer("hidden_size")
    heads = fields.integer("num_attention_heads")
    rank, rope = fields.integer("kv_lora_rank"), fields.integer("qk_rope_head_dim")
    nope, value = fields.integer("qk_nope_head_dim"), fields.integer("v_head_dim")
    query = heads * (nope + rope)
    query_rank = fields.integer("q_lora_rank")
    rows = [Matrix(module="self_attn.q_proj", inputs=hidden, outputs=query, heads=heads)]
    if query_rank:
        rows = [
            Matrix(module="self_attn.q_a_proj", inputs=hidden, outputs=query_rank, shard=Shard.REPLICATED),
            Matrix(module="self_attn.q_b_proj", inputs=query_rank, outputs=query, heads=heads),
        ]
    rows += [
        Matrix(module="self_attn.kv_a_proj_with_mqa", inputs=hidden, outputs=rank + rope, shard=Shard.REPLICATED),
        Matrix(module="self_attn.kv_b_proj", inputs=rank, outputs=heads * (nope + value), heads=heads),
        Matrix(module="self_attn.o_proj", inputs=heads * value, outputs=hidden, heads=heads),
    ]
    index_dim, index_heads = fields.integer("index_head_dim"), fields.integer("index_n_heads")
    if index_dim and query_rank:
        one = Shard.REPLICATED
        rows += [
            Matrix(module="self_attn.indexer.wq_b", inputs=query_rank, outputs=index_heads * index_dim, shard=one),
            Matrix(module="self_attn.indexer.wk", inputs=hidden, outputs=index_dim, shard=one),
            Matrix(
                module="self_attn.indexer.weights_proj",
                inputs=hidden,
                outputs=index_heads,
                shard=one,
                quantizable=False,
            ),
        ]
    attention = Attention(
        kind=AttentionKind.MLA,
        heads=heads,
        kv_heads=1,
        head_dim=rank + rope,
        query_dim=query,
        value_dim=value,
        index_head_dim=index_dim,
        absorbed=heads * (nope + value) * rank,
    )
    return attention, tuple(rows)


def _linear(fields: Fields) -> tuple[Attention, tuple[Matrix, ...]] | None:
    """Gated delta net (Qwen3-Next, Qwen3.5+): a convolution and a matrix state per sequence."""
    hidden = fields.integer("hidden_size")
    key_heads, value_heads = fields.integer("linear_num_key_heads"), fields.integer("linear_num_value_heads")
    key_dim, value_dim = fields.integer("linear_key_head_dim"), fields.integer("linear_value_head_dim")
    if not (key_heads and value_heads and key_dim and value_dim):
        return None
    keys, values = key_heads * key_dim, value_heads * value_dim
    kernel = fields.integer("linear_conv_kernel_dim", default=4)
    matrices = (
        Matrix(module="linear_attn.in_proj_qkvz", inputs=hidden, outputs=2 * keys + 2 * values),
        Matrix(module="linear_attn.in_proj_ba", inputs=hidden, outputs=2 * value_heads),
        Matrix(module="linear_attn.conv1d", inputs=kernel, outputs=2 * keys + values, quantizable=False),
        Matrix(module="linear_attn.out_proj", inputs=values, outputs=hidden),
    )
    attention = Attention(
        kind=AttentionKind.STATE,
        heads=value_heads,
        conv_state=(kernel - 1) * (2 * keys + values),
        ssm_state=value_heads * key_dim * value_dim,
    )
    return attention, matrices


def _mamba(fields: Fields) -> tuple[Attention, tuple[Matrix, ...]] | None:
    """Mamba 2 mixer (Nemotron-H, Bamba, Granite 4, Falcon-H1)."""
    hidden = fields.integer("hidden_size")
    heads = fields.integer("mamba_num_heads", "mamba_n_heads")
    width = fields.integer("mamba_head_dim", "mamba_d_head")
    state = fields.integer("ssm_state_size", "mamba_d_state")
    if not width and heads:
        width = fields.integer("mamba_expand", default=2) * hidden // heads
    if not (heads and width and state):
        return None
    groups = fields.integer("n_groups", "mamba_n_groups", default=1)
    kernel = fields.integer("conv_kernel", "mamba_d_conv", default=4)
    inner, mixed = heads * width, heads * width + 2 * groups * state
    matrices = (
        Matrix(module="mixer.in_proj", inputs=hidden, outputs=inner + mixed + heads),
        Matrix(module="mixer.conv1d", inputs=kernel, outputs=mixed, quantizable=False),
        Matrix(module="mixer.out_proj", inputs=inner, outputs=hidden),
    )
    attention = Attention(
        kind=AttentionKind.STATE, heads=heads, conv_state=(kernel - 1) * mixed, ssm_state=inner * state
    )
    return attention, matrices
