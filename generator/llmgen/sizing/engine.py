"""The engine settings a size depends on."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSettings:
    """vLLM flags of one pod; lengths in tokens. ``checkpoint_bytes`` replaces computed weights where a checkpoint was read."""

    version: str
    max_model_len: int
    max_num_seqs: int
    max_num_batched_tokens: int
    gpu_memory_utilization: float
    tensor_parallel: int = 1
    pipeline_parallel: int = 1
    dtype: str = "auto"
    quantization: str | None = None
    kv_cache_dtype: str = "auto"
    enforce_eager: bool = False
    block_size: int = 16
    checkpoint_bytes: int | None = None

    @property
    def gpus(self) -> int:
        """GPUs of one pod."""
        return self.tensor_parallel * self.pipeline_parallel


def default_batch(memory_gib: float, name: str) -> tuple[int, int]:
    """``(max_num_seqs, max_num_batched_tokens)`` the API server takes by device when nobody says otherwise.

    vLLM 0.32 ``EngineArgs._set_default_max_num_seqs_and_batched_tokens_args``: large cards other than the A100 get more.
    """
    if memory_gib >= 160:
        return 1024, 16384
    if memory_gib >= 70 and not name.upper().startswith("A100"):
        return 1024, 8192
    return 256, 2048
