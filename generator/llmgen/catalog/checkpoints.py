"""Model facts: models.yaml, keyed by hub id, in the key names of the model's own config.json."""

from __future__ import annotations

from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from llmgen.catalog.files import read

if TYPE_CHECKING:
    from collections.abc import Mapping


@cache
def models() -> Mapping[str, Mapping[str, Any]]:
    """Every model by hub id: keys of its config.json, plus source, verified, license, gated and params where known."""
    return MappingProxyType({name: MappingProxyType(facts) for name, facts in read("models.yaml")["models"].items()})


@cache
def _index() -> Mapping[str, Mapping[str, Any]]:
    aliased = {alias.casefold(): facts for facts in models().values() for alias in facts.get("aliases", ())}
    return aliased | {name.casefold(): facts for name, facts in models().items()}


def model(hub_id: str) -> Mapping[str, Any] | None:
    """Facts of one model by name or alias, or None when there are none (a local config.json may have them); case is ignored."""
    return _index().get(hub_id.casefold())
