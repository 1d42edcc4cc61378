"""Pods on nodes by every resource at once; the plan's own packing counts whole GPUs on empty nodes only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Unplaced:
    """A pod that fits nowhere; ``asks`` is what it asks for."""

    who: str
    asks: tuple[str, ...]


def pack(pods: Sequence[tuple[str, Mapping[str, float]]], nodes: Sequence[Mapping[str, float]]) -> list[Unplaced]:
    """Return the pods that no node holds: first fit, largest first by GPUs and then by memory.

    First fit may need more nodes than the scheduler's luck would, never fewer than is possible: it errs on the safe side.
    """
    free = [dict(node) for node in nodes]
    left = []
    for who, wanted in sorted(pods, key=lambda pod: _size(pod[1]), reverse=True):
        home = next((one for one in free if all(one.get(key, 0.0) >= value for key, value in wanted.items())), None)
        if home is None:
            said = tuple(_amount(key, wanted[key]) for key in sorted(wanted) if key != "pods")
            left.append(Unplaced(who=who, asks=said))
            continue
        for key, value in wanted.items():
            home[key] -= value
    return left


def _size(asks: Mapping[str, float]) -> tuple[float, float]:
    return sum(value for key, value in asks.items() if "/" in key), asks.get("memory", 0.0)


def _amount(key: str, value: float) -> str:
    if key in ("memory", "ephemeral-storage"):
        return f"{value / 2**30:.3g} GiB {key}"
    return f"{value:g} {key}"
