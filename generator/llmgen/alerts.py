"""The alerts of the chart, as files/alerts has them: one file per group, keyed by name."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from llmgen import chart

FOLDER = "files/alerts"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One alert. ``expr`` is in the language of ``llmgen.metrics.expand``; ``needs`` is gateway, noGateway or empty."""

    name: str
    group: str
    severity: str
    expr: str
    summary: str
    description: str
    needs: str


@functools.cache
def alerts() -> Mapping[str, Alert]:
    """Return every alert by name, in the order of the files."""
    found: dict[str, Alert] = {}
    for file in sorted((chart.folder() / FOLDER).glob("*.yaml")):
        entries: Mapping[str, Mapping[str, Any]] = chart.read(f"{FOLDER}/{file.name}")
        for name, entry in entries.items():
            found[name] = Alert(
                name=name,
                group=file.stem,
                severity=entry["severity"],
                expr=entry["expr"],
                summary=entry["summary"],
                description=entry["description"],
                needs=entry.get("needs", ""),
            )
    return found
