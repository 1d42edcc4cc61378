"""Each property of the spec occurs in at least one golden case, so each has been rendered and is looked at when it changes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.contract.spec_schema import PATCHES, PROPERTIES

SPECS = sorted((Path(__file__).parents[1] / "golden").glob("*/spec.yaml"))
NAMED = {item.place[:-1] for item in PROPERTIES if item.place[-1] == "*"} | {
    item.place[:index] for item in PROPERTIES for index, step in enumerate(item.place) if step == "*"
}


def _used(data: Any, place: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    if not isinstance(data, dict):
        return
    for key, value in data.items():
        where = (*place, "*") if place in NAMED else (*place, key)
        yield where
        if key not in PATCHES:
            yield from _used(value, where)


USED = {place for spec in SPECS for place in _used(yaml.safe_load(spec.read_text(encoding="utf-8")))}


@pytest.mark.parametrize("place", [item.place for item in PROPERTIES], ids=".".join)
def test_is_used(place: tuple[str, ...]) -> None:
    assert place in USED


@pytest.mark.parametrize(
    "name",
    ["generate", "embed", "rerank", "interactive", "batch", "experimental", "gke", "eks", "aks", "local-nvme", "fp8"],
)
def test_every_choice_that_changes_manifests_is_used(name: str) -> None:
    assert any(f": {name}" in spec.read_text(encoding="utf-8") or name in {"generate", "interactive"} for spec in SPECS)
