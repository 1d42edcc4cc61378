"""vLLM facts: one file per minor version (flags, metrics, features), and what people noted about its flags."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from llmgen.catalog.files import read, stems
from llmgen.catalog.names import UnknownName

if TYPE_CHECKING:
    from collections.abc import Mapping

FlagType = Literal["bool", "int", "float", "str", "choice", "json", "list"]
Runner = Literal["off", "listed", "dense", "default"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """One ``vllm serve`` flag, named without dashes. ``default`` is None when unset or only known at run time.

    ``negatable`` says that ``--no-<name>`` exists; without it a boolean flag can only be given or left out. ``aliases``
    keep their dashes.
    """

    name: str
    type: FlagType
    default: Any = None
    choices: tuple[str | int, ...] = ()
    negatable: bool = False
    deprecated: bool = False
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One Prometheus family as scraped (counters end in ``_total``).

    ``optional``: only with some flag or feature. ``open_labels``: configuration fields follow the named labels.
    """

    name: str
    type: Literal["gauge", "counter", "histogram"]
    labels: tuple[str, ...]
    optional: bool = False
    open_labels: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Removed:
    """A flag or metric that is gone ``since`` a minor version, and what to ``use`` instead (empty: not known)."""

    name: str
    since: str
    use: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """What a version can do. ``model_runner_v2``: by itself never, for listed models, for dense ones, or always."""

    shutdown_timeout: bool
    max_num_queued_reqs: bool
    max_num_queued_tokens: bool
    custom_histogram_buckets: bool
    safetensors_load_strategy: bool
    model_runner_v2: Runner
    cuda_graph_estimate: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceDefault:
    """Limits the API server takes when none is set, on GPUs of at least ``min_memory_gib`` (0: any)."""

    min_memory_gib: int
    except_a100: bool
    max_num_batched_tokens: int
    max_num_seqs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VllmVersion:
    """One minor version of vLLM: mappings by name, and ``source``, the tree they were read from."""

    minor: str
    version: str
    source: str
    flags: Mapping[str, Flag]
    removed_flags: Mapping[str, Removed]
    metrics: Mapping[str, Metric]
    removed_metrics: Mapping[str, Removed]
    features: Features
    device_defaults: tuple[DeviceDefault, ...]

    def find(self, name: str) -> Flag | None:
        """Look a flag up as people write it: with or without dashes, with underscores, negated, or by alias."""
        bare = name.lstrip("-").replace("_", "-")
        direct = self.flags.get(bare)
        if direct is None and bare.startswith("no-"):
            positive = self.flags.get(bare.removeprefix("no-"))
            direct = positive if positive is not None and positive.negatable else None
        if direct is not None:
            return direct
        return next((flag for flag in self.flags.values() if bare in (a.lstrip("-") for a in flag.aliases)), None)

    def device_default(self, memory_gib: float, *, a100: bool = False) -> DeviceDefault:
        """Limits this version takes by itself on a GPU that reports ``memory_gib``."""
        fits = (
            rule
            for rule in self.device_defaults
            if memory_gib >= rule.min_memory_gib and not (a100 and rule.except_a100)
        )
        return next(fits)


def minors() -> tuple[str, ...]:
    """Minor versions in the catalogue, oldest first."""
    return tuple(sorted(stems("vllm"), key=lambda minor: [int(part) for part in minor.split(".")]))


def vllm(version: str) -> VllmVersion:
    """Find the minor version that ``version`` (``0.32``, ``0.32.1``, ``v0.32.0``) belongs to. Raises UnknownName."""
    match = re.match(r"v?(\d+\.\d+)(?![0-9])", version)
    if match is None or match[1] not in minors():
        raise UnknownName("vLLM version", version, minors())
    return _version(match[1])


def owned_flags() -> Mapping[str, str]:
    """Map flags the generator sets itself to the spec field that decides them: ``engine.args`` may not set them."""
    return MappingProxyType(read("vllm-owned.yaml")["owned"])


def describe(flag: str) -> tuple[str, str]:
    """Say what ``flag`` does in one line, and its unit; empty strings where nobody wrote it down."""
    note = read("vllm-notes.yaml")["flags"].get(flag, {})
    return note.get("description", ""), note.get("unit", "")


@cache
def _version(minor: str) -> VllmVersion:
    data = read(f"vllm/{minor}.yaml")
    return VllmVersion(
        minor=minor,
        version=data["version"],
        source=data["source"],
        flags=MappingProxyType({name: _flag(name, facts) for name, facts in data["flags"].items()}),
        removed_flags=_removed(data["removedFlags"]),
        metrics=MappingProxyType({name: _metric(name, facts) for name, facts in data["metrics"].items()}),
        removed_metrics=_removed(data["removedMetrics"]),
        features=_features(data["features"]),
        device_defaults=tuple(_device_default(rule) for rule in data["deviceDefaults"]),
    )


def _flag(name: str, facts: Mapping[str, Any]) -> Flag:
    return Flag(
        name=name,
        type=facts["type"],
        default=facts.get("default"),
        choices=tuple(facts.get("choices", ())),
        negatable=facts.get("negatable", False),
        deprecated=facts.get("deprecated", False),
        aliases=tuple(facts.get("aliases", ())),
    )


def _metric(name: str, facts: Mapping[str, Any]) -> Metric:
    return Metric(
        name=name,
        type=facts["type"],
        labels=tuple(facts["labels"]),
        optional=facts.get("optional", False),
        open_labels=facts.get("openLabels", False),
    )


def _removed(facts: Mapping[str, Any]) -> Mapping[str, Removed]:
    return MappingProxyType({name: Removed(name=name, **entry) for name, entry in facts.items()})


def _features(facts: Mapping[str, Any]) -> Features:
    return Features(
        shutdown_timeout=facts["shutdownTimeout"],
        max_num_queued_reqs=facts["maxNumQueuedReqs"],
        max_num_queued_tokens=facts["maxNumQueuedTokens"],
        custom_histogram_buckets=facts["customHistogramBuckets"],
        safetensors_load_strategy=facts["safetensorsLoadStrategy"],
        model_runner_v2=facts["modelRunnerV2"],
        cuda_graph_estimate=facts["cudaGraphEstimate"],
    )


def _device_default(facts: Mapping[str, Any]) -> DeviceDefault:
    return DeviceDefault(
        min_memory_gib=facts.get("minMemoryGiB", 0),
        except_a100=facts.get("exceptA100", False),
        max_num_batched_tokens=facts["maxNumBatchedTokens"],
        max_num_seqs=facts["maxNumSeqs"],
    )
