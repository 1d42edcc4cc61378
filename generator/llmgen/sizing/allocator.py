"""How PyTorch's caching allocator counts a tensor: the engine reports allocated blocks, not tensor bytes.

Source: ``c10/cuda/CUDACachingAllocator.cpp``: a request above 10 MiB gets its own segment, rounded up to 2 MiB; the block
is split only when more than 1 MiB would be left over, otherwise the rest counts as allocated too.
"""

from __future__ import annotations

_MIB = 1024**2
_OWN_SEGMENT = 10 * _MIB
_SEGMENT_STEP = 2 * _MIB
_SPLIT_ABOVE = _MIB


def allocated(size: float) -> float:
    """Bytes the allocator counts for one tensor of ``size`` bytes."""
    if size <= _OWN_SEGMENT:
        return size
    rest = -size % _SEGMENT_STEP
    return size + rest if rest <= _SPLIT_ABOVE else size
