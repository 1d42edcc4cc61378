"""Engines on nodes: whole engines, whole nodes."""

from __future__ import annotations

from collections.abc import Iterable


def nodes_needed(engine_sizes: Iterable[int], gpus_per_node: int) -> int:
    """Return how many nodes of ``gpus_per_node`` GPUs hold engines of the given sizes (GPUs each), none split over two nodes.

    First fit, largest first; exact when sizes are powers of two, at most 11/9 of the least + 1 otherwise (Johnson 1973), so
    an odd mix errs on the safe side. Raises ValueError for an engine larger than a node.
    """
    free: list[int] = []
    for size in sorted(engine_sizes, reverse=True):
        if size > gpus_per_node:
            raise ValueError(f"an engine of {size} GPUs does not fit a node of {gpus_per_node}")
        for index, left in enumerate(free):
            if size <= left:
                free[index] -= size
                break
        else:
            free.append(gpus_per_node - size)
    return len(free)
