"""The exact bytes of a local checkpoint, from its safetensors index or headers. The one module here that reads disk."""

from __future__ import annotations

import json
from pathlib import Path

# A header is JSON behind an 8-byte little-endian length; the format's own limit is 100 MB.
_LENGTH_BYTES = 8
_LARGEST_HEADER = 100_000_000


class CheckpointError(ValueError):
    """A directory holds no checkpoint that can be measured; the text says which file and why."""


def checkpoint_bytes(directory: Path) -> int:
    """Bytes of all tensors: ``total_size`` of the index, or else the offsets in every ``*.safetensors`` header.

    Raises CheckpointError when there is none, or one is cut short or not safetensors.
    """
    index = directory / "model.safetensors.index.json"
    if index.is_file():
        total = _index_total(index)
        if total is not None:
            return total
    found = sorted(directory.glob("*.safetensors"))
    if not found:
        raise CheckpointError(f"{directory}: no model.safetensors.index.json and no *.safetensors file")
    return sum(_tensor_bytes(path) for path in found)


def _index_total(path: Path) -> int | None:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise CheckpointError(f"{path}: not JSON: {error}") from error
    metadata = data.get("metadata") if isinstance(data, dict) else None
    total = metadata.get("total_size") if isinstance(metadata, dict) else None
    return int(total) if isinstance(total, int | float) and total > 0 else None


def _tensor_bytes(path: Path) -> int:
    with path.open("rb") as stream:
        length = int.from_bytes(stream.read(_LENGTH_BYTES), "little")
        if not 0 < length <= _LARGEST_HEADER:
            raise CheckpointError(f"{path}: not a safetensors file: header of {length} bytes")
        try:
            header = json.loads(stream.read(length))
        except ValueError as error:
            raise CheckpointError(f"{path}: not a safetensors file: {error}") from error
    tensors = (entry for name, entry in header.items() if name != "__metadata__")
    try:
        return max((int(entry["data_offsets"][1]) for entry in tensors), default=0)
    except (KeyError, TypeError, IndexError) as error:
        raise CheckpointError(f"{path}: a tensor has no data_offsets") from error
