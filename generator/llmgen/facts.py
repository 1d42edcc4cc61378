"""What the catalogues and local files know about one revision: its GPU offers, architecture and engine version."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import TYPE_CHECKING

from llmgen import catalog
from llmgen.problems import guess_hint

if TYPE_CHECKING:
    from llmgen.architecture import Architecture
    from llmgen.catalog import Gpu, VllmVersion
    from llmgen.checks.context import Context, Resolved
    from llmgen.sizing import SearchResult
    from llmgen.spec.cluster import Pool

_CONFIG_LIMIT = 4_000_000
"""Bytes; a config.json is a few kilobytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionFacts:
    """Facts of one revision; None where they are unknown, which has been reported."""

    architecture: Architecture | None
    architecture_from: str
    version: VllmVersion | None


@dataclass(slots=True)
class Facts:
    """Facts of a spec, by pool and by (model, revision)."""

    gpus: dict[str, Gpu] = field(default_factory=dict)
    revisions: dict[tuple[str, str], RevisionFacts] = field(default_factory=dict)
    searches: dict[tuple[object, ...], SearchResult] = field(default_factory=dict)
    """Shapes already searched, by everything the search depends on."""
    _parsed: dict[str, Architecture] = field(default_factory=dict)

    def architecture(self, key: str, config: Mapping[str, object]) -> Architecture:
        """Parse ``config`` once per ``key``: a thousand models share a few architectures."""
        from llmgen.architecture import Architecture  # noqa: PLC0415 -- only where a model is planned

        if key not in self._parsed:
            self._parsed[key] = Architecture.from_config(config)
        return self._parsed[key]


def gather(context: Context) -> Facts:
    """Look everything up, and report what is in no catalogue."""
    facts = Facts()
    for name, pool in context.spec.cluster.pools.items():
        found = _gpu(context, name, pool)
        if found is not None:
            facts.gpus[name] = found
    for item in context.revisions():
        architecture, origin = _architecture(context, facts, item)
        facts.revisions[item.model_name, item.name] = RevisionFacts(
            architecture=architecture, architecture_from=origin, version=_version(context, item)
        )
    return facts


def _gpu(context: Context, name: str, pool: Pool) -> Gpu | None:
    path = ("cluster", "pools", name)
    try:
        found = catalog.gpu(pool.gpu)
    except catalog.UnknownName as error:
        hint = f"did you mean {error.near[0]!r}?" if error.near else guess_hint(pool.gpu, error.known)
        context.add(
            "LLM281", (*path, "gpu"), f"no GPU of the catalogue is called {pool.gpu!r}", allowed=error.known, hint=hint
        )
        return None
    if pool.mig is not None and pool.mig not in found.mig:
        text = (
            f"{found.name} has no MIG profile {pool.mig!r}"
            if found.mig
            else f"{found.name} cannot be cut into MIG slices"
        )
        context.add("LLM282", (*path, "mig"), text, allowed=found.mig, hint=guess_hint(pool.mig, found.mig))
        return None
    return found


def _version(context: Context, item: Resolved) -> VllmVersion | None:
    text = item.revision.engine.version
    try:
        return catalog.vllm(text)
    except catalog.UnknownName as error:
        context.add(
            "LLM291", (*item.path, "engine", "version"), f"vLLM {text} is not in the catalogue: its flags and memory constants are unknown",
            allowed=error.known, hint="llmgen catalog vllm lists the minor versions",
        )  # fmt: skip
        return None


def _architecture(context: Context, facts: Facts, item: Resolved) -> tuple[Architecture | None, str]:
    chosen, source = item.revision.architecture, item.revision.source
    if chosen is not None and chosen.config is not None:
        config = _local_config(context, item, chosen.config)
        if config is None:
            return None, chosen.config
        return facts.architecture(f"file {chosen.config}", config), chosen.config
    path = (*item.path, "architecture", "catalog")
    name = chosen.catalog if chosen is not None else None
    if name is None and source.hub is not None:
        name, path = source.hub.repo, (*item.path, "source", "hub", "repo")
    if name is None:
        context.add(
            "LLM284", (*item.path, "source"), f"nothing says what architecture {item.model_name}/{item.name} has", key=True,
            hint="architecture: {catalog: owner/name}, or {config: path/to/config.json}",
            rests_on=[(*item.path, "architecture")],
        )  # fmt: skip
        return None, ""
    config = catalog.model(name)
    if config is None:
        known = tuple(catalog.models())
        context.add(
            "LLM283", path, f"no model of the catalogue is called {name!r}",
            hint=guess_hint(name, known) or "llmgen catalog models lists them; any other: architecture: {config: path/to/config.json}",
        )  # fmt: skip
        return None, name
    return facts.architecture(f"catalog {name.casefold()}", config), name


def _local_config(context: Context, item: Resolved, text: str) -> Mapping[str, object] | None:
    path = (*item.path, "architecture", "config")
    file = context.folder / FilePath(text)
    try:
        if file.is_dir():
            file = file / "config.json"
        if file.stat().st_size > _CONFIG_LIMIT:
            context.add("LLM285", path, f"{text} is larger than a config.json can be")
            return None
        config = json.loads(file.read_bytes())
    except FileNotFoundError:
        context.add("LLM285", path, f"there is no file {text}", hint="the path is relative to the spec")
    except OSError as error:
        context.add("LLM285", path, f"{text} cannot be read: {error.strerror}")
    except ValueError as error:
        context.add("LLM285", path, f"{text} is not JSON: {error}")
    else:
        if isinstance(config, dict):
            return config
        context.add("LLM285", path, f"{text} is not a JSON object")
    return None
