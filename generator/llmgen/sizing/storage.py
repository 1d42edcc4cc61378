"""Storage kinds and their read rates: ``storage.yaml`` as typed records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from llmgen.catalog.names import UnknownName


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageKind:
    """Rates in GiB/s. ``download`` rates are None where the engine reads the storage itself."""

    name: str
    expected: float
    floor: float
    shared: bool
    rows: int
    source: str
    aliases: tuple[str, ...] = ()
    download_expected: float | None = None
    download_floor: float | None = None


@cache
def storage_kinds() -> Mapping[str, StorageKind]:
    """Every kind by name, parsed once per process."""
    import yaml  # noqa: PLC0415 - heavy, and only a load budget needs it

    text = files("llmgen.sizing").joinpath("storage.yaml").read_text(encoding="utf-8")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    entries: Mapping[str, Mapping[str, Any]] = yaml.load(text, Loader=loader)["kinds"]  # noqa: S506 - a safe loader
    return {name: _kind(name, entry) for name, entry in entries.items()}


def storage_kind(name: str) -> StorageKind:
    """The kind of that name or alias. Raises UnknownName with the known names."""
    kinds = storage_kinds()
    wanted = name.strip().lower().replace("_", "-")
    for kind in kinds.values():
        if wanted == kind.name or wanted in kind.aliases:
            return kind
    raise UnknownName("storage kind", name, kinds, near=())


def _kind(name: str, entry: Mapping[str, Any]) -> StorageKind:
    download = entry.get("download") or {}
    return StorageKind(
        name=name,
        expected=float(entry["expected"]),
        floor=float(entry["floor"]),
        shared=bool(entry["shared"]),
        rows=int(entry["rows"]),
        source=str(entry["source"]),
        aliases=tuple(entry["aliases"]),
        download_expected=download.get("expected"),
        download_floor=download.get("floor"),
    )
