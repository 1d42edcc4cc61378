"""What an engine pod needs besides GPUs: CPU, memory, shared memory."""

from __future__ import annotations

import math
from dataclasses import dataclass

from llmgen.plan.derivation import Derived
from llmgen.spec.quantity import GIB

ENGINE_CORES = 2
"""Cores for the API server and the engine core process, beside one per GPU worker
(docs.vllm.ai, "Optimization and Tuning": at least 2 + N physical cores for N GPUs)."""
BASE_MEMORY_GIB = 6
"""Python, CUDA context and tokenizer of one engine; 2-3 GiB measured on the CPU build of 0.32, doubled."""
WORKER_MEMORY_GIB = 4
"""Host memory of each GPU worker: CUDA context, pinned buffers, compile workers."""
SHARED_MEMORY_GIB = (2, 10)
"""Shared memory for one GPU, and for several, whose workers exchange tensors through it when peer access is missing."""
PREFETCH_SHARE = 1.1
"""Page cache that a prefetching load needs, as a share of the checkpoint (vLLM prefetches when RAM is at least this)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """CPU in cores, memory and shared memory as Kubernetes quantities."""

    cpu: Derived
    memory: Derived
    shared_memory: Derived


def host(gpus: int, checkpoint_bytes: float, *, prefetch: bool, node_memory: int | None, engines_per_node: int) -> Host:
    """Plan the host side of an engine with ``gpus`` GPUs.

    ``node_memory`` in bytes, None when the spec does not say; a prefetch is only planned for where an equal share of the node
    holds it.
    """
    cores = ENGINE_CORES + gpus
    shared = SHARED_MEMORY_GIB[gpus > 1]
    working = BASE_MEMORY_GIB + WORKER_MEMORY_GIB * gpus + shared
    cache = math.ceil(PREFETCH_SHARE * checkpoint_bytes / GIB) if prefetch else 0
    share = math.inf if node_memory is None else node_memory / max(1, engines_per_node) / GIB
    planned = working + cache if working + cache <= share else working
    reason = f"{BASE_MEMORY_GIB} GiB engine + {WORKER_MEMORY_GIB} GiB x {gpus} GPU workers + {shared} GiB shared memory"
    if planned > working:
        reason += f" + {cache} GiB page cache to prefetch the checkpoint"
    return Host(
        cpu=Derived(value=str(cores), because=f"{ENGINE_CORES} for API server and engine core + 1 per GPU worker"),
        memory=Derived(value=f"{planned}Gi", because=reason),
        shared_memory=Derived(
            value=f"{shared}Gi", because="one GPU needs little" if gpus == 1 else f"{gpus} GPU workers exchange tensors"
        ),
    )
