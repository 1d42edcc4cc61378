"""The catalogues as rows for people and as plain data."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from llmgen import catalog
from llmgen.catalog import UnknownName

Row = dict[str, Any]


def overview(kind: str) -> list[Row]:
    """Return one row per entry of the catalogue ``kind``: gpus, models, vllm or storage."""
    return {"gpus": _gpus, "models": _models, "vllm": _versions, "storage": _storage}[kind]()


def entry(kind: str, name: str) -> Row:
    """Return everything about one entry. Raises UnknownName."""
    found: Row = _plain(_entry(kind, name))
    return found


def _entry(kind: str, name: str) -> object:
    if kind == "gpus":
        return catalog.gpu(name)
    if kind == "vllm":
        return catalog.vllm(name)
    if kind == "models":
        facts = catalog.model(name)
        if facts is None:
            raise UnknownName("model", name, catalog.models())
        return facts
    from llmgen.sizing import storage_kinds  # noqa: PLC0415 -- only for storage

    kinds = storage_kinds()
    if name not in kinds:
        raise UnknownName("storage kind", name, kinds)
    return kinds[name]


def _gpus() -> list[Row]:
    return [
        {
            "gpu": gpu.name,
            "GiB": gpu.memory_gib,
            "GB/s": gpu.bandwidth_gbps,
            "bf16 TFLOP/s": gpu.bf16_tflops,
            "fp8 TFLOP/s": gpu.fp8_tflops,
            "link": gpu.interconnect,
            "MIG": " ".join(gpu.mig) or "-",
            "$/h": gpu.price_per_hour_usd,
        }
        for gpu in catalog.gpus().values()
    ]


def _models() -> list[Row]:
    from llmgen.architecture import Architecture  # noqa: PLC0415 -- only for models

    rows = []
    for name, config in catalog.models().items():
        parsed = Architecture.from_config(config)
        rows.append(
            {
                "model": name,
                "B parameters": round(parsed.parameters / 1e9, 2),
                "heads": parsed.attention.heads or None,
                "KV heads": parsed.attention.kv_heads or None,
                "context": parsed.max_position,
                "sized": "no: " + parsed.unsupported[0] if parsed.unsupported else "yes",
            }
        )
    return rows


def _versions() -> list[Row]:
    rows = []
    for minor in catalog.minors():
        version = catalog.vllm(minor)
        features = version.features
        rows.append(
            {
                "vllm": minor,
                "read from": version.version,
                "flags": len(version.flags),
                "removed flags": len(version.removed_flags),
                "metrics": len(version.metrics),
                "drains": _yes(features.shutdown_timeout),
                "bounds its queue": _yes(features.max_num_queued_reqs),
            }
        )
    return rows


def _storage() -> list[Row]:
    from llmgen.sizing import storage_kinds  # noqa: PLC0415 -- only for storage

    return [
        {"kind": name, **{key: value for key, value in _plain(kind).items() if not isinstance(value, (dict, list))}}
        for name, kind in storage_kinds().items()
    ]


def _yes(value: bool) -> str:  # noqa: FBT001 -- what it prints
    return "yes" if value else "no"


def _plain(value: object) -> Any:  # noqa: ANN401 -- plain data of any shape
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value
