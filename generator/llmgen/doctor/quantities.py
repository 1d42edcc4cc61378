"""Kubernetes quantities as numbers, and what a pod asks for."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

_SUFFIXES = {
    "n": 1e-9, "u": 1e-6, "m": 1e-3, "": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18,
    "Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30, "Ti": 2.0**40, "Pi": 2.0**50, "Ei": 2.0**60,
}  # fmt: skip
_QUANTITY = re.compile(r"([+-]?[0-9.]+(?:[eE][+-]?[0-9]+)?)(n|u|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?")

Amounts = Mapping[str, float]


def quantity(text: object) -> float:
    """Return the number a quantity stands for: cores, bytes or pieces. Raises ValueError for anything else."""
    match = _QUANTITY.fullmatch(str(text).strip())
    if match is None:
        raise ValueError(f"not a quantity: {text!r}")
    return float(match[1]) * _SUFFIXES[match[2] or ""]


def amounts(given: Mapping[str, Any] | None) -> dict[str, float]:
    """Return a map of quantities as numbers."""
    return {name: quantity(value) for name, value in (given or {}).items()}


def total(parts: Iterable[Amounts]) -> dict[str, float]:
    """Add up."""
    summed: dict[str, float] = defaultdict(float)
    for part in parts:
        for name, value in part.items():
            summed[name] += value
    return dict(summed)


def of_pod(spec: Mapping[str, Any], side: str = "requests") -> dict[str, float]:
    """Return what the scheduler counts for a pod: its containers and sidecars, or its largest init container, and the overhead.

    kubernetes.io/docs/concepts/workloads/pods/sidecar-containers, "Resource sharing within containers".
    """
    running = [_of(box, side) for box in spec.get("containers") or ()]
    largest: dict[str, float] = {}
    for box in spec.get("initContainers") or ():
        own = _of(box, side)
        if box.get("restartPolicy") == "Always":
            running.append(own)
            continue
        for name, value in total([own, *running[len(spec.get("containers") or ()) :]]).items():
            largest[name] = max(largest.get(name, 0.0), value)
    summed = total(running)
    for name, value in largest.items():
        summed[name] = max(summed.get(name, 0.0), value)
    return total([summed, amounts(spec.get("overhead"))])


def _of(box: Mapping[str, Any], side: str) -> dict[str, float]:
    resources = box.get("resources") or {}
    given = amounts(resources.get(side))
    if side == "requests":  # a limit without a request is a request
        given = {**amounts(resources.get("limits")), **given}
    return given
