"""Weights per GPU, summed from the architecture: what the engine calls ``Model loading took``."""

from __future__ import annotations

from dataclasses import dataclass

from llmgen.architecture import DTYPE_BYTES, Architecture, Matrix, Shard, StoredBlock
from llmgen.architecture.schemes import MXFP4, Scheme
from llmgen.sizing.allocator import allocated
from llmgen.sizing.units import round_up

# vLLM pads the vocabulary to a multiple of this (``DEFAULT_VOCAB_PADDING_SIZE``).
VOCABULARY_PADDING = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightRules:
    """What the GPU and the engine version change: tile padding of MXFP4 experts as (width, input, scales padded too)."""

    expert_width: int = 64
    expert_inputs: int = 256
    pad_scales: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StageWeights:
    """Bytes on each GPU of one pipeline stage."""

    layers: int
    first_layer: int
    matrices: float
    tables: float
    vision: float
    rotary: float

    @property
    def total(self) -> float:
        """All bytes of the stage per GPU."""
        return self.matrices + self.tables + self.vision + self.rotary


def bytes_per_element(dtype: str, own: str) -> float:
    """Bytes of one activation or unquantized weight; ``auto`` takes the model's own type, fp32 models run in 16 bits."""
    chosen = dtype if dtype != "auto" else ("bfloat16" if own in {"float32", "float"} else own)
    return DTYPE_BYTES.get(chosen, 2.0)


def stage_layers(layers: int, stages: int) -> tuple[int, ...]:
    """Layers of each pipeline stage: equal shares, the rest to the stages before the last (vLLM ``get_pp_indices``)."""
    base, rest = divmod(layers, stages)
    sizes = [base] * stages
    for extra in range(rest):
        sizes[-(extra + 2) if stages > 1 else 0] += 1
    return tuple(sizes)


def weights(
    architecture: Architecture, *, tensor_parallel: int, pipeline_parallel: int, dtype: str, rules: WeightRules
) -> tuple[StageWeights, ...]:
    """Bytes per GPU of every pipeline stage."""
    element = bytes_per_element(dtype, architecture.dtype)
    per_block = [block_bytes(stored, tensor_parallel, element, rules) for stored in architecture.blocks]
    table = round_up(architecture.vocabulary, VOCABULARY_PADDING) * architecture.hidden / tensor_parallel
    head = table * (architecture.head_scheme.bytes_per_weight if architecture.head_scheme else element)
    stages, start = [], 0
    sizes = stage_layers(architecture.layers, pipeline_parallel)
    for index, size in enumerate(sizes):
        first, last = index == 0, index == len(sizes) - 1
        tables = allocated(table * element) if first else 0.0
        if last and not (architecture.tied and first):
            tables += allocated(table * element if architecture.tied else head)
        stages.append(
            StageWeights(
                layers=size,
                first_layer=start,
                matrices=sum(per_block[kind] for kind in architecture.pattern[start : start + size]),
                tables=tables,
                vision=architecture.vision * element / tensor_parallel if first else 0.0,
                rotary=architecture.rope_elements * element,
            )
        )
        start += size
    return tuple(stages)


# Projections the engine loads into one tensor.
_FUSED = {"q_proj": "qkv", "k_proj": "qkv", "v_proj": "qkv", "gate_proj": "gate_up", "up_proj": "gate_up"}


def block_bytes(stored: StoredBlock, tensor_parallel: int, element: float, rules: WeightRules) -> float:
    """Bytes of one layer on one GPU, as the allocator counts its tensors."""
    block = stored.block
    tensors: dict[str, float] = {}
    for matrix, scheme in zip(block.matrices, stored.schemes, strict=False):
        parent, _, name = matrix.module.rpartition(".")
        tensor = f"{parent}.{_FUSED.get(name, name)}"
        size = _matrix_bytes(matrix, scheme, tensor_parallel, element, rules)
        tensors[tensor] = tensors.get(tensor, 0.0) + size
    # MLA keeps kv_b_proj and, beside it, its two halves transposed in 16 bits for decoding.
    absorbed = block.attention.absorbed * element / tensor_parallel
    return block.norms * element + absorbed + sum(allocated(size) for size in tensors.values())


def _matrix_bytes(
    matrix: Matrix, scheme: Scheme | None, tensor_parallel: int, element: float, rules: WeightRules
) -> float:
    share = _share(matrix, tensor_parallel)
    bias = matrix.outputs * matrix.count * element * share if matrix.bias else 0.0
    if scheme is None:
        return matrix.weights * element * share + bias
    if scheme is MXFP4 and ".experts." in matrix.module:
        return _padded_experts(matrix, tensor_parallel, rules) + bias
    return matrix.count * scheme.bytes_of(matrix.inputs, matrix.outputs) * share + bias


def _share(matrix: Matrix, tensor_parallel: int) -> float:
    if matrix.shard is Shard.REPLICATED:
        return 1.0
    if matrix.shard is Shard.KV_HEADS and matrix.heads and tensor_parallel > matrix.heads:
        return 1.0 / matrix.heads
    return 1.0 / tensor_parallel


def _padded_experts(matrix: Matrix, tensor_parallel: int, rules: WeightRules) -> float:
    """MXFP4 kernels want whole tiles: the expert width and the inputs are rounded up, scales only by some kernels."""
    down = matrix.module.endswith("down_proj")
    width = (matrix.inputs if down else matrix.outputs) // tensor_parallel
    hidden = matrix.outputs if down else matrix.inputs
    wide = round_up(width, rules.expert_width)
    if rules.pad_scales:
        padded = wide * round_up(hidden, rules.expert_inputs)
        return matrix.count * padded * MXFP4.bytes_per_weight
    padded = round_up(wide, rules.expert_inputs) * hidden if down else wide * round_up(hidden, rules.expert_inputs)
    # Biases of the experts are kept in fp32 next to the 16-bit ones counted elsewhere: 2 extra bytes each.
    return matrix.count * (padded * MXFP4.bits / 8 + wide * hidden / MXFP4.group + 2 * (hidden if down else wide))


def unquantized_attention(architecture: Architecture, tensor_parallel: int, element: float) -> float:
    """Bytes more per GPU if every attention projection of the model were left unquantized."""
    extra = 0.0
    for number, stored in zip(architecture.counts, architecture.blocks, strict=True):
        for matrix, scheme in zip(stored.block.matrices, stored.schemes, strict=False):
            if scheme is not None and matrix.module.startswith(("self_attn.", "linear_attn.", "mixer.")):
                narrow = scheme.bytes_per_weight
                extra += number * matrix.weights * (element - narrow) * _share(matrix, tensor_parallel)
    return extra
