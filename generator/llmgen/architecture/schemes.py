"""How many bytes a stored weight takes under each quantization scheme, scales included."""

from __future__ import annotations

from dataclasses import dataclass, replace

from llmgen.architecture.fields import Fields

DTYPE_BYTES = {"bfloat16": 2.0, "float16": 2.0, "half": 2.0, "float32": 4.0, "float": 4.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheme:
    """A weight format.

    ``bits`` per weight; ``group_bytes`` of scales and zero points for every ``group`` weights along the input;
    ``channel_bytes`` of scales per output. ``compute`` names the arithmetic the GPU does: bf16, fp8, int8 or fp4.
    """

    name: str
    bits: float
    group: int = 0
    group_bytes: float = 0.0
    channel_bytes: float = 0.0
    compute: str = "bf16"

    @property
    def bytes_per_weight(self) -> float:
        """Bytes of one weight with its share of group scales."""
        return self.bits / 8 + (self.group_bytes / self.group if self.group else 0.0)

    def bytes_of(self, inputs: float, outputs: float) -> float:
        """Bytes of a matrix of ``inputs`` x ``outputs``."""
        return inputs * outputs * self.bytes_per_weight + outputs * self.channel_bytes


FP8_TENSOR = Scheme(name="fp8", bits=8, compute="fp8")
# compressed-tensors keeps one fp32 scale per output channel after loading.
FP8_CHANNEL = Scheme(name="fp8-channel", bits=8, channel_bytes=4, compute="fp8")
# One fp32 scale for each 128 x 128 tile: 4 / 128 bytes per 128 weights along the input.
FP8_BLOCK = Scheme(name="fp8-block", bits=8, group=128, group_bytes=4 / 128, compute="fp8")
INT8_CHANNEL = Scheme(name="int8-channel", bits=8, channel_bytes=4, compute="int8")
# 16-bit scale per group; Marlin keeps the packed zero points beside it even when they are trivial.
INT4_GROUP = Scheme(name="int4-g128", bits=4, group=128, group_bytes=2.5)
NVFP4 = Scheme(name="nvfp4", bits=4, group=16, group_bytes=1, compute="fp4")
MXFP4 = Scheme(name="mxfp4", bits=4, group=32, group_bytes=1)
# Double-quantized absmax: one byte per 64 weights, fp32 second level per 256 of those.
NF4 = Scheme(name="nf4", bits=4, group=64, group_bytes=1 + 4 / 256)
INT8_LLM = Scheme(name="int8-rowwise", bits=8, channel_bytes=4)


def grouped_int(bits: float, group: int) -> Scheme:
    """AWQ, GPTQ or AutoRound with its own width and group size (``group`` <= 0: one group per output channel)."""
    if group <= 0:
        return Scheme(name=f"int{bits:g}-channel", bits=bits, channel_bytes=2)
    return replace(INT4_GROUP, name=f"int{bits:g}-g{group}", bits=bits, group=group, group_bytes=2 + bits / 8)


def compressed_weights(weights: Fields) -> Scheme | None:
    """The scheme of one ``weights`` entry of a compressed-tensors config group; None when it is of a new kind."""
    bits = weights.integer("num_bits")
    kind = weights.text_value("type")
    strategy = weights.text_value("strategy")
    group = weights.integer("group_size")
    if kind == "float" and bits == 8:
        return {"block": FP8_BLOCK, "channel": FP8_CHANNEL}.get(strategy, FP8_TENSOR)
    if kind == "float" and bits == 4:
        return MXFP4 if group == 32 else NVFP4
    if kind == "int" and bits == 8 and strategy != "group":
        return INT8_CHANNEL
    if kind == "int" and bits in {2, 3, 4, 8}:
        return grouped_int(bits, group)
    return None


# ``format`` of a compressed-tensors config that lists no groups.
COMPRESSED_FORMATS = {
    "float-quantized": FP8_CHANNEL,
    "int-quantized": INT8_CHANNEL,
    "naive-quantized": FP8_CHANNEL,
    "pack-quantized": INT4_GROUP,
    "nvfp4-pack-quantized": NVFP4,
    "mxfp4-pack-quantized": MXFP4,
}

# ``quant_algo`` of a ModelOpt checkpoint.
MODELOPT_ALGORITHMS = {
    "FP8": FP8_TENSOR,
    "FP8_PER_CHANNEL_PER_TOKEN": FP8_CHANNEL,
    "FP8_PB_WO": FP8_BLOCK,
    "FP8_PB_REAL": FP8_BLOCK,
    "NVFP4": NVFP4,
    "NVFP4_AWQ": NVFP4,
    "W4A8_NVFP4_FP8": NVFP4,
    "W4A16_NVFP4": NVFP4,
    "MXFP4": MXFP4,
    "MXFP8": Scheme(name="mxfp8", bits=8, group=32, group_bytes=1, compute="fp8"),
    "W4A16_AWQ": INT4_GROUP,
    "W4A8_AWQ": INT4_GROUP,
    "INT4_AWQ": INT4_GROUP,
}
