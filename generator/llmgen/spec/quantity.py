"""Quantities as people write them, and the plain numbers they stand for."""

from __future__ import annotations

import math
import re
from typing import NewType

Seconds = NewType("Seconds", float)
Bytes = NewType("Bytes", int)
Cores = NewType("Cores", float)

GIB = 1024**3

_DURATION = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_BYTES = {
    "": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "P": 10**15,
    "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "Pi": 2**50,
}  # fmt: skip


def seconds(text: str) -> Seconds:
    """Turn ``300ms``, ``90s``, ``5m`` or ``24h`` into seconds; raises ValueError for anything else."""
    match = re.fullmatch(r"([0-9]+)(ms|s|m|h)", text)
    if match is None:
        raise ValueError(f"not a duration: {text!r}")
    return Seconds(int(match[1]) * _DURATION[match[2]])


def byte_count(text: str) -> Bytes:
    """Turn a Kubernetes quantity of bytes into bytes, rounded up; raises ValueError for anything else."""
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)(Ki|Mi|Gi|Ti|Pi|k|M|G|T|P)?", text)
    if match is None:
        raise ValueError(f"not a quantity of bytes: {text!r}")
    return Bytes(math.ceil(float(match[1]) * _BYTES[match[2] or ""]))


def cores(text: str) -> Cores:
    """Turn a Kubernetes CPU quantity (``4``, ``500m``) into cores; raises ValueError for anything else."""
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)(m?)", text)
    if match is None:
        raise ValueError(f"not a CPU quantity: {text!r}")
    return Cores(float(match[1]) / (1000 if match[2] else 1))


def gibibytes(amount: float) -> str:
    """Write ``amount`` (bytes) as a Kubernetes quantity of whole GiB, rounded up."""
    return f"{math.ceil(amount / GIB)}Gi"
