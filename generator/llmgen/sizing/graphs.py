"""CUDA graphs: how many batch sizes are captured, and what they take."""

from __future__ import annotations

from llmgen.architecture import Architecture
from llmgen.sizing.engine import EngineSettings
from llmgen.sizing.units import Term

# Fitted on the graph estimates of 52 logs of vLLM 0.19.0, all with 51 captured sizes: pool, every layer, expert kernels.
_BASE_GIB, _PER_LAYER_GIB, _EXPERTS_GIB = 0.1, 0.0225, 0.3
_LARGEST_SIZE = 512


def captured_sizes(max_num_seqs: int) -> int:
    """Batch sizes captured: 1, 2, 4, every 8 up to 256, every 16 up to 512 (``_set_cudagraph_sizes``), capped at 2 x seqs."""
    top = min(2 * max_num_seqs, _LARGEST_SIZE)
    small = sum(size <= top for size in (1, 2, 4))
    return small + len(range(8, min(top + 1, 256), 8)) + len(range(256, top + 1, 16))


def cuda_graphs(model: Architecture, engine: EngineSettings, layers: int) -> Term:
    """GiB of CUDA graphs on a GPU with ``layers`` layers; 0 in eager mode."""
    if engine.enforce_eager:
        return Term(0.0, "GiB", "eager mode captures no CUDA graphs")
    share = captured_sizes(engine.max_num_seqs) / captured_sizes(_LARGEST_SIZE)
    experts = _EXPERTS_GIB if model.experts.count else 0.0
    value = _BASE_GIB + _PER_LAYER_GIB * layers * share + experts
    reason = (
        f"CUDA graphs: {_BASE_GIB} + {_PER_LAYER_GIB} x {layers} layers x {share:.2f} of the sizes + {experts} experts"
    )
    return Term(value, "GiB", reason)
