"""The MLP of each layer, dense or mixture of experts, under its many spellings."""

from __future__ import annotations

from llmgen.architecture.fields import Fields
from llmgen.architecture.layers import Experts, Matrix, Shard

# Families whose MLP is up and down only; everything newer is gated (gate, up, down).
_UNGATED = (
    "phi",
    "gpt2",
    "gpt_bigcode",
    "gpt_neox",
    "gptj",
    "falcon",
    "opt",
    "bloom",
    "mpt",
    "starcoder2",
    "nemotron",
    "nemotron_h",
    "persimmon",
    "arcee",
)


def mlp_matrices(fields: Fields) -> int:
    """3 for a gated MLP, 2 for a plain one."""
    own = fields.integer("mlp_matrices")
    if own:
        return own
    return 2 if fields.model_type in _UNGATED else 3


def experts_of(fields: Fields) -> Experts:
    """The mixture every sparse layer of this model has; ``count`` 0 for a dense model."""
    count = fields.integer("num_experts", "n_routed_experts", "num_local_experts", "moe_num_experts")
    if count <= 1:
        return Experts()
    width = fields.integer("moe_intermediate_size", "expert_ffn_hidden_size", "moe_hidden_dim", "expert_hidden_size")
    width = width or fields.integer("intermediate_size", "ffn_hidden_size")
    shared = fields.integer(
        "shared_expert_intermediate_size", "moe_shared_expert_intermediate_size", "shared_intermediate_size"
    )
    number = fields.integer("n_shared_experts", "num_shared_experts", "moe_num_shared_experts", "num_shared_expert")
    if number and shared and fields.raw("shared_expert_intermediate_size") is None:
        shared *= number
    elif number:
        shared = max(shared, number * width)
    elif not shared and fields.model_type.startswith("llama4"):
        shared = fields.integer("intermediate_size")
    active = fields.integer(
        "num_experts_per_tok", "num_experts_per_token", "moe_top_k", "moe_topk", "moe_k", "top_k_experts", default=1
    )
    return Experts(count=count, active=max(active, 1), width=width, shared_width=shared)


def sparse_layers(fields: Fields, layers: int) -> frozenset[int]:
    """Indexes of the layers that have experts."""
    if not experts_of(fields).count:
        return frozenset()
    pattern = fields.text_value("hybrid_override_pattern")
    if pattern:
        return frozenset(i for i, letter in enumerate(pattern[:layers]) if letter == "E")
    listed = _listed_layers(fields)
    if listed is not None:
        return listed
    first = fields.integer("first_k_dense_replace", "num_dense_layers", "moe_layer_start_index")
    step = fields.integer("decoder_sparse_step", "interleave_moe_layer_step", "moe_layer_freq", default=1) or 1
    dense = set(fields.integers("mlp_only_layers") or ())
    if fields.raw("moe_layer_freq") is not None and fields.raw("decoder_sparse_step") is None:
        return frozenset(i for i in range(first, layers) if i % step == 0 and i not in dense)
    return frozenset(i for i in range(min(first, layers), layers) if (i + 1) % step == 0 and i not in dense)


def _listed_layers(fields: Fields) -> frozenset[int] | None:
    """Sparse layers where the config names each: Llama 4, Step 3, MiMo."""
    named = fields.integers("moe_layers")
    if named is not None:
        return frozenset(named)
    frequency = fields.integers("moe_layer_freq")
    if frequency is not None:
        return frozenset(i for i, here in enumerate(frequency) if here)
    listed = fields.text_value("moe_layers_enum")
    return frozenset(int(item) for item in listed.split(",") if item.strip().isdigit()) if listed else None


def read_mlp(fields: Fields, *, sparse: bool) -> tuple[Experts, int, tuple[Matrix, ...]]:
    """Experts, dense width and matrices of a sparse or a dense layer."""
    hidden = fields.integer("hidden_size", "n_embd", "d_model")
    matrices = mlp_matrices(fields)
    if not sparse:
        width = _dense_width(fields, hidden)
        return Experts(), width, _mlp("mlp", hidden, width, matrices)
    experts = experts_of(fields)
    rows = [Matrix(module="mlp.gate", inputs=hidden, outputs=experts.count, shard=Shard.REPLICATED, quantizable=False)]
    rows += _mlp(
        "mlp.experts.0", hidden, experts.width, matrices, count=experts.count, bias=fields.model_type == "gpt_oss"
    )
    if experts.shared_width:
        rows += _mlp("mlp.shared_expert", hidden, experts.shared_width, matrices)
    dense = 0
    if fields.model_type.startswith("gemma4"):
        # Gemma 4 runs its dense MLP beside the experts.
        dense = _dense_width(fields, hidden)
        rows += _mlp("mlp", hidden, dense, matrices)
    return experts, dense, tuple(rows)


def _dense_width(fields: Fields, hidden: int) -> int:
    if fields.model_type.startswith("llama4") and fields.integer("intermediate_size_mlp"):
        return fields.integer("intermediate_size_mlp")
    return fields.integer("intermediate_size", "ffn_hidden_size", "n_inner", "ffn_dim") or 4 * hidden


def _mlp(
    prefix: str, hidden: int, width: int, matrices: int, *, count: int = 1, bias: bool = False
) -> tuple[Matrix, ...]:
    if not width:
        return ()
    ups = ("gate_proj", "up_proj") if matrices == 3 else ("up_proj",)
    rows = [Matrix(module=f"{prefix}.{name}", inputs=hidden, outputs=width, count=count, bias=bias) for name in ups]
    rows.append(Matrix(module=f"{prefix}.down_proj", inputs=width, outputs=hidden, count=count, bias=bias))
    return tuple(rows)
