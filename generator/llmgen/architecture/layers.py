"""The shapes of a decoder layer: which matrices it holds, what it caches, how both divide over GPUs."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Shard(StrEnum):
    """How a matrix divides over a tensor-parallel group of size TP."""

    SPLIT = "split"
    KV_HEADS = "kv-heads"
    REPLICATED = "replicated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """``count`` equal matrices of ``inputs`` x ``outputs`` weights, stored in ``bits`` of the scheme of its module."""

    module: str
    inputs: int
    outputs: int
    shard: Shard = Shard.SPLIT
    count: int = 1
    bias: bool = False
    quantizable: bool = True
    heads: int = 0

    @property
    def weights(self) -> int:
        """Number of weights without bias."""
        return self.inputs * self.outputs * self.count


class AttentionKind(StrEnum):
    """What a layer keeps per token or per sequence."""

    FULL = "full"
    SLIDING = "sliding"
    CHUNKED = "chunked"
    MLA = "mla"
    STATE = "state"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attention:
    """Attention (or its recurrent replacement) of one layer.

    ``window`` is in tokens, 0 where the layer sees everything. For MLA ``head_dim`` is the latent width
    (``kv_lora_rank + qk_rope_head_dim``) and ``index_head_dim`` the sparse indexer's key width. For a recurrent layer
    ``conv_state`` and ``ssm_state`` count elements per sequence over all heads.
    """

    kind: AttentionKind
    heads: int = 0
    kv_heads: int = 0
    head_dim: int = 0
    value_dim: int = 0
    query_dim: int = 0
    window: int = 0
    index_head_dim: int = 0
    conv_state: int = 0
    ssm_state: int = 0
    absorbed: int = 0
    shares_kv: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Experts:
    """Mixture-of-experts facts of one layer; ``count`` is 0 for a dense layer."""

    count: int = 0
    active: int = 0
    width: int = 0
    shared_width: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One kind of layer. ``dense_width`` is the intermediate size of its dense MLP, ``norms`` 16-bit weights per GPU."""

    attention: Attention
    experts: Experts
    dense_width: int
    matrices: tuple[Matrix, ...]
    norms: int

    @property
    def parameters(self) -> int:
        """Weights of the block over all GPUs."""
        return self.norms + sum(m.weights + (m.outputs * m.count if m.bias else 0) for m in self.matrices)

    @property
    def active_parameters(self) -> int:
        """Weights one token passes through."""
        share = self.experts.active / self.experts.count if self.experts.count else 1.0
        return self.norms + sum(int(m.weights * share) if m.count > 1 else m.weights for m in self.matrices)
