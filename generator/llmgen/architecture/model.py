"""The architecture of a model: its layers as stored, and the matrices around them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from llmgen.architecture.attention import layer_kinds, read_attention
from llmgen.architecture.families import POSITIONS, TIED_BY_DEFAULT, doubts, is_hybrid
from llmgen.architecture.feedforward import read_mlp, sparse_layers
from llmgen.architecture.fields import Fields
from llmgen.architecture.layers import Attention, AttentionKind, Block, Experts, Matrix
from llmgen.architecture.quantization import Quantization, read_quantization
from llmgen.architecture.schemes import Scheme
from llmgen.architecture.vision import vision_parameters

# Token positions reach 10 million; a bound for the same reason as that of the layers.
_MOST_POSITIONS = 1 << 40
# More layers than any model has; a bound so that a wrong config cannot ask for unbounded work.
_MOST_LAYERS = 1024


@dataclass(frozen=True, slots=True)
class StoredBlock:
    """A block with the weight scheme of each of its matrices (None: the model's own 16 or 32 bits)."""

    block: Block
    schemes: tuple[Scheme | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """A decoder-only model.

    ``pattern[i]`` is the index in ``blocks`` of layer ``i``, ``counts[k]`` how many layers are block ``k``.
    ``rope_elements`` counts the precomputed cosine and sine values every GPU keeps. ``unsupported`` lists what the reader
    did not understand: sizes are then not to be trusted.
    """

    name: str
    model_type: str
    blocks: tuple[StoredBlock, ...]
    pattern: tuple[int, ...]
    counts: tuple[int, ...]
    hidden: int
    vocabulary: int
    tied: bool
    vision: int
    rope_elements: int
    max_position: int
    dtype: str
    wide_state: bool
    quantization: Quantization
    head_scheme: Scheme | None
    hybrid: bool
    unsupported: tuple[str, ...]
    asked_quantization: str | None
    config: Mapping[str, Any]

    @classmethod
    def from_config(cls, config: Mapping[str, Any], *, quantization: str | None = None) -> Architecture:
        """Read a Hugging Face ``config.json``, or facts under the same keys.

        ``quantization`` is the engine's flag of that name. Never raises on a strange config: see ``unsupported``.
        """
        fields = Fields.of(config)
        return _build(cls, fields, config, quantization)

    def requantized(self, quantization: str | None) -> Architecture:
        """The same model under another ``--quantization`` flag."""
        if quantization == self.asked_quantization:
            return self
        return Architecture.from_config(self.config, quantization=quantization)

    @property
    def layers(self) -> int:
        """Number of decoder layers."""
        return len(self.pattern)

    @property
    def attention(self) -> Attention:
        """The attention that sees everything, or else the first one."""
        found = [stored.block.attention for stored in self.blocks]
        order = (AttentionKind.FULL, AttentionKind.MLA, AttentionKind.SLIDING, AttentionKind.CHUNKED)
        for kind in order:
            for attention in found:
                if attention.kind is kind:
                    return attention
        return found[0]

    @property
    def experts(self) -> Experts:
        """The mixture of the sparse layers; count 0 for a dense model."""
        return max((stored.block.experts for stored in self.blocks), key=lambda experts: experts.count)

    @property
    def parameters(self) -> int:
        """Weights over all layers, embeddings and vision tower."""
        tables = self.vocabulary * self.hidden * (1 if self.tied else 2)
        return tables + self.vision + sum(n * s.block.parameters for n, s in zip(self.counts, self.blocks, strict=True))

    @property
    def active_parameters(self) -> int:
        """Weights one token is multiplied with (the embedding look-up is not a product)."""
        layers = sum(n * s.block.active_parameters for n, s in zip(self.counts, self.blocks, strict=True))
        return self.vocabulary * self.hidden + layers


def _build(cls: type[Architecture], fields: Fields, config: Mapping[str, Any], flag: str | None) -> Architecture:
    reasons = list(doubts(fields))
    layers = min(fields.integer("num_hidden_layers", "n_layer", "n_layers"), _MOST_LAYERS)
    hidden = fields.integer("hidden_size", "n_embd", "d_model")
    quantization = read_quantization(fields, flag)
    if quantization.problem:
        reasons.append(quantization.problem)
    kinds = layer_kinds(fields, layers).kinds
    blocks, pattern, unknown = _stored(fields, kinds, quantization)
    if unknown:
        reasons.append(f"layers of kind {', '.join(sorted(unknown))} are not modelled")
    last = layers - 1
    return cls(
        name=fields.text_value("_name_or_path") or next(iter(fields.architectures), fields.model_type),
        model_type=fields.model_type,
        blocks=blocks,
        pattern=pattern,
        counts=tuple(pattern.count(index) for index in range(len(blocks))),
        hidden=hidden,
        vocabulary=fields.integer("vocab_size"),
        tied=fields.flag("tie_word_embeddings", default=fields.model_type in TIED_BY_DEFAULT),
        vision=vision_parameters(fields, hidden),
        rope_elements=_rope(fields, blocks),
        max_position=fields.integer(*POSITIONS),
        dtype=(fields.text_value("torch_dtype", "dtype") or "bfloat16").removeprefix("torch."),
        wide_state=_wide_state(fields),
        quantization=quantization,
        head_scheme=quantization.scheme("lm_head", last_layer=last) if quantization.lm_head else None,
        hybrid=is_hybrid(fields.model_type) or any(s.block.attention.kind is AttentionKind.STATE for s in blocks),
        unsupported=tuple(reasons),
        asked_quantization=flag,
        config=config,
    )


def _stored(
    fields: Fields, kinds: tuple[str, ...], quantization: Quantization
) -> tuple[tuple[StoredBlock, ...], tuple[int, ...], set[str]]:
    """Distinct stored blocks and the pattern of layers over them; work is per distinct layer, not per layer."""
    sparse = sparse_layers(fields, len(kinds))
    shapes: dict[tuple[str, bool], Block] = {}
    stored: dict[tuple[str, bool, tuple[Scheme | None, ...]], int] = {}
    schemes_of: dict[tuple[str, bool], tuple[Scheme | None, ...]] = {}
    found: list[StoredBlock] = []
    pattern: list[int] = []
    unknown: set[str] = set()
    for index, kind in enumerate(kinds):
        key = (kind, index in sparse)
        if key not in shapes:
            shapes[key] = _block(fields, kind, sparse=index in sparse, unknown=unknown)
        block = shapes[key]
        if quantization.by_layer or key not in schemes_of:
            schemes_of[key] = _schemes(block.matrices, index, quantization, len(kinds) - 1)
        full = (*key, schemes_of[key])
        if full not in stored:
            stored[full] = len(found)
            found.append(StoredBlock(block, schemes_of[key]))
        pattern.append(stored[full])
    if not found:
        found = [StoredBlock(_block(fields, "full", sparse=False, unknown=unknown), ())]
    return tuple(found), tuple(pattern), unknown


def _schemes(
    matrices: tuple[Matrix, ...], layer: int, quantization: Quantization, last: int
) -> tuple[Scheme | None, ...]:
    return tuple(
        quantization.scheme(f"layers.{layer}.{matrix.module}", last_layer=last) if matrix.quantizable else None
        for matrix in matrices
    )


def _block(fields: Fields, kind: str, *, sparse: bool, unknown: set[str]) -> Block:
    read = read_attention(fields, kind)
    if read is None:
        unknown.add(kind)
        read = read_attention(fields, "full")
    attention, rows = read if read is not None else (Attention(kind=AttentionKind.NONE), ())
    experts, width, mlp = read_mlp(fields, sparse=sparse)
    if fields.text_value("hybrid_override_pattern"):
        # Nemotron-H layers are a mixer or an MLP, never both.
        experts, width, mlp = (experts, width, mlp) if kind == "mlp" else (Experts(), 0, ())
    hidden = fields.integer("hidden_size", "n_embd", "d_model")
    norms = hidden * (4 if fields.model_type.startswith(("gemma2", "gemma3", "gemma4")) else 2)
    return Block(attention=attention, experts=experts, dense_width=width, matrices=rows + mlp, norms=norms)


def _wide_state(fields: Fields) -> bool:
    """Whether recurrent states are kept in fp32: Qwen3.5 and Nemotron-H are (vLLM models/config.py), Qwen3-Next is not."""
    named = fields.text_value("mamba_ssm_dtype", "mamba_ssm_cache_dtype")
    return named == "float32" or (not named and fields.model_type.startswith(("qwen3_5", "nemotron_h")))


def _rope(fields: Fields, blocks: tuple[StoredBlock, ...]) -> int:
    """Elements of the cosine and sine tables: positions x rotary width, once per distinct width and rotary base.

    The engine's tables reach as far as scaling stretches them (``rotary_embedding/`` of vLLM): linear and dynamic scaling by
    their factor over the model's own length, YaRN over the original one. A base for sliding layers is never scaled.
    """
    own = fields.integer("max_position_embeddings")
    width = fields.integer("qk_rope_head_dim")
    if width:
        return _stretched(fields, own) * width
    partial = fields.raw("partial_rotary_factor", "rotary_pct")
    share = float(partial) if isinstance(partial, int | float) else 1.0
    widths = [int(dim * share) for dim in dict.fromkeys(_rotated(blocks))] or [0]
    local = own * widths[0] if fields.raw("rope_local_base_freq") is not None else 0
    return _stretched(fields, own) * sum(widths) + local


def _rotated(blocks: tuple[StoredBlock, ...]) -> list[int]:
    return [stored.block.attention.head_dim for stored in blocks if stored.block.attention.kv_heads]


def _stretched(fields: Fields, own: int) -> int:
    """Positions of the rotary table."""
    scaling = fields.mapping("rope_scaling", "rope_parameters")
    factor, kind = scaling.get("factor"), str(scaling.get("rope_type") or scaling.get("type"))
    start = scaling.get("original_max_position_embeddings") if kind == "yarn" else own
    if kind in {"yarn", "linear", "dynamic"} and isinstance(start, int) and isinstance(factor, int | float):
        return min(int(start * max(factor, 1)), _MOST_POSITIONS)
    return own
