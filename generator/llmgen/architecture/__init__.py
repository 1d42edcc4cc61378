"""What a model is made of, read from its ``config.json``: pure data, no engine and no GPU in sight."""

from llmgen.architecture.layers import Attention, AttentionKind, Block, Experts, Matrix, Shard
from llmgen.architecture.model import Architecture, StoredBlock
from llmgen.architecture.schemes import DTYPE_BYTES, Scheme

__all__ = [
    "DTYPE_BYTES",
    "Architecture",
    "Attention",
    "AttentionKind",
    "Block",
    "Experts",
    "Matrix",
    "Scheme",
    "Shard",
    "StoredBlock",
]
