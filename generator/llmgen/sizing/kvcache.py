"""The KV cache as the engine lays it out: groups of layers, pages, and how many a request takes.

Follows ``vllm/v1/core/kv_cache_utils.py``: layers of one kind are cut into groups of equal size, all groups draw blocks
from one pool, a block holds one page for each layer of a group.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd

from llmgen.architecture import Architecture, Attention, AttentionKind
from llmgen.sizing.constants import parse_minor
from llmgen.sizing.engine import EngineSettings
from llmgen.sizing.units import ceil_div, round_up

# Bytes per element by ``--kv-cache-dtype``; scales per head are added by name below.
_KV_BYTES = {
    "fp8": 1.0,
    "fp8_e4m3": 1.0,
    "fp8_e5m2": 1.0,
    "fp8_inc": 1.0,
    "fp8_ds_mla": 1.0,
    "int8": 1.0,
    "bfloat16": 2.0,
    "float16": 2.0,
    "nvfp4": 0.5625,
    "fp8_per_token_head": 1.0,
    "int8_per_token_head": 1.0,
    "int4_per_token_head": 0.5,
}
_PER_HEAD_SCALE = 4
# fp8 keys of the sparse indexer carry one fp32 scale per 128 elements.
_INDEX_SCALE_GROUP = 128
# ``fp8_ds_mla``: 512 fp8 values, 4 fp32 scales and 64 rotary values in 16 bits.
_DS_MLA_BYTES = 656


# From this minor ``auto`` follows the KV scales of the checkpoint (vllm-project/vllm pull request 29980).
_CHECKPOINT_DECIDES = (0, 14)


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """``count`` groups of one kind; a request of n tokens takes the same number of blocks from each."""

    kind: AttentionKind
    count: int
    block_size: int
    window: int

    def blocks(self, tokens: int, *, in_flight: int, state_blocks: int) -> int:
        """Blocks one request of ``tokens`` takes from each of the ``count`` groups."""
        if self.kind is AttentionKind.STATE:
            return state_blocks
        if self.kind is AttentionKind.SLIDING:
            return ceil_div(min(self.window - 1 + in_flight, tokens), self.block_size) + 1
        return ceil_div(tokens, self.block_size)


@dataclass(frozen=True, slots=True, kw_only=True)
class KvLayout:
    """Groups, and the bytes one block takes on each GPU of the heaviest pipeline stage."""

    groups: tuple[Group, ...]
    block_bytes: float
    in_flight: int
    state_blocks: int
    doubts: tuple[str, ...] = ()

    @property
    def group_count(self) -> int:
        """Number of block tables a request has."""
        return sum(group.count for group in self.groups)

    @property
    def block_size(self) -> int:
        """Tokens per block, the smallest over the groups."""
        return min((group.block_size for group in self.groups), default=16)

    def request_blocks(self, tokens: int) -> int:
        """Blocks of one request of ``tokens``; at least 1."""
        total = sum(
            group.count * group.blocks(tokens, in_flight=self.in_flight, state_blocks=self.state_blocks)
            for group in self.groups
        )
        return max(total, 1)


def cache_dtype(architecture: Architecture, engine: EngineSettings) -> str:
    """The type of the KV cache: what the flag says, or for ``auto`` what the checkpoint says where the engine heeds it."""
    if engine.kv_cache_dtype != "auto" or (parse_minor(engine.version) or (0, 0)) < _CHECKPOINT_DECIDES:
        return engine.kv_cache_dtype
    return architecture.quantization.kv_dtype


def kv_element_bytes(dtype: str, element: float) -> float:
    """Bytes of one cached element; ``auto`` keeps the model's own type."""
    return _KV_BYTES.get(dtype, element)


def layout(
    architecture: Architecture,
    *,
    tensor_parallel: int,
    stage_layers: int,
    element: float,
    kv_dtype: str,
    block_size: int,
    in_flight: int,
    state_blocks: int,
    latent_multiple: int = 1,
) -> KvLayout:
    """The layout on each GPU. ``stage_layers`` is the size of the largest pipeline stage, ``in_flight`` in tokens."""
    kinds = _counted(architecture)
    pages: dict[Attention, float] = {}
    attention_page = 0.0
    for attention in kinds:
        if attention.kind is not AttentionKind.STATE:
            pages[attention] = token_bytes(attention, tensor_parallel, element, kv_dtype, latent_multiple)
            attention_page = max(attention_page, pages[attention])
    if not kinds or not attention_page:
        return KvLayout(groups=(), block_bytes=1.0, in_flight=in_flight, state_blocks=state_blocks)
    states = [a for a in kinds if a.kind is AttentionKind.STATE]
    state_page = max((state_bytes(a, tensor_parallel, element, architecture) for a in states), default=0.0)
    if state_page:
        # The engine widens the attention block until its page holds a state, in steps of 16 tokens.
        block_size = max(block_size, round_up(ceil_div(int(state_page), int(attention_page)), 16))
    page = attention_page * block_size
    groups, size = _groups(kinds, pages, page, block_size)
    per_stage = ceil_div(size * stage_layers, architecture.layers)
    return KvLayout(groups=groups, block_bytes=page * per_stage, in_flight=in_flight, state_blocks=state_blocks)


def _counted(architecture: Architecture) -> dict[Attention, int]:
    counts: dict[Attention, int] = {}
    for number, stored in zip(architecture.counts, architecture.blocks, strict=True):
        attention = stored.block.attention
        if number and attention.kind is not AttentionKind.NONE:
            counts[attention] = counts.get(attention, 0) + number
    return counts


def _groups(
    kinds: dict[Attention, int], pages: dict[Attention, float], page: float, block_size: int
) -> tuple[tuple[Group, ...], int]:
    """Equal groups: as large as the rarest kind, or as the most frequent when they are within half of each other."""
    fewest, most = min(kinds.values()), max(kinds.values())
    size = most if most < 1.5 * fewest else fewest
    groups = []
    for attention, number in kinds.items():
        own = block_size
        if attention in pages and pages[attention] * block_size < page:
            own = int(page // pages[attention])
        groups.append(Group(kind=attention.kind, count=ceil_div(number, size), block_size=own, window=attention.window))
    return tuple(groups), size


def token_bytes(
    attention: Attention, tensor_parallel: int, element: float, kv_dtype: str, latent_multiple: int = 1
) -> float:
    """Bytes one token takes in one layer on one GPU; the V0 engine rounds a latent row up to ``latent_multiple``."""
    width = kv_element_bytes(kv_dtype, element)
    if attention.kind is AttentionKind.MLA:
        # One latent row shared by all heads: every GPU of the group holds all of it.
        index = attention.index_head_dim
        row = _DS_MLA_BYTES if index and width == 1.0 else round_up(attention.head_dim, latent_multiple) * width
        return row + (index + 4 * index / _INDEX_SCALE_GROUP if index else 0.0)
    heads = max(1, attention.kv_heads // tensor_parallel)
    scales = 2 * _PER_HEAD_SCALE if kv_dtype.endswith("_per_token_head") else 0
    return heads * ((attention.head_dim + attention.value_dim) * width + scales)


def state_bytes(attention: Attention, tensor_parallel: int, element: float, architecture: Architecture) -> float:
    """Bytes of the recurrent state of one sequence in one layer on one GPU."""
    shards = gcd(tensor_parallel, attention.heads) or 1
    return attention.conv_state / shards * element + attention.ssm_state / shards * (
        4.0 if architecture.wide_state else element
    )
