"""Find a schema: inside the installed package, else in the repository."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_PACKAGE = Path(__file__).resolve().parents[1]
_REPOSITORY = Path(__file__).resolve().parents[3]

OUTPUTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "serving-spec": "schemas/serving-spec.schema.json",
        "catalog": "schemas/catalog.schema.json",
        "gateway-config": "schemas/gateway-config.schema.json",
        "values": "charts/llm-serving/values.schema.json",
    },
)
"""Schema name to the generated JSON that editors, Helm and an installed package read, relative to the repository."""


@cache
def load_schema(name: str) -> Mapping[str, Any]:
    """Return the self-contained schema ``name`` (``serving-spec``, ``values``, ``catalog``); raises FileNotFoundError.

    An installed package holds the generated JSON. In a repository it is used while it matches its YAML sources, because
    JSON is read many times faster, and the sources are bundled anew once they changed.
    """
    for packaged in (
        _PACKAGE / "schemas" / f"{name}.schema.json",
        _PACKAGE / "_data" / "chart" / f"{name}.schema.json",
    ):
        if packaged.is_file():
            return _read(packaged)
    from llmgen.bundle import bundle, source_mark  # noqa: PLC0415 -- not needed by an installed package

    generated = _REPOSITORY / OUTPUTS.get(name, f"schemas/{name}.schema.json")
    if generated.is_file():
        schema = _read(generated)
        if schema.get("$comment") == source_mark(name):
            return schema
    return bundle(name)


def _read(file: Path) -> dict[str, Any]:
    schema: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return schema
