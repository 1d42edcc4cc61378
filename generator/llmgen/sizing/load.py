"""Load budget: how long a pod takes from start to ready, and how long it may take.

Expected parts are medians, budget parts the slow tail, of ``benchmarks/data/load-truth.jsonl`` and of the start-up logs in
``sizing-truth.jsonl`` (52 logs of vLLM 0.19.0 on H100).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from llmgen.sizing.engine import EngineSettings
from llmgen.sizing.storage import StorageKind, storage_kind
from llmgen.sizing.units import GIB, Term

# Python, CUDA context, distributed init: seconds by GPUs of the pod, from `total - load - init` of the logs.
_PROCESS = ((1, 23.0), (2, 38.0), (4, 43.0), (8, 55.0))
_PROCESS_TAIL = 2.5
# Profiling and KV allocation; compilation and graph capture per layer.
_PROFILE, _PROFILE_PER_GPU = 7.5, 1.5
_COMPILE, _COMPILE_PER_LAYER = 2.0, 0.33
_CAPTURE_PER_LAYER = 0.12
_INIT_TAIL = 2.5
_STEP = 5
# Prefetch reads a checkpoint through the page cache: it must fit beside everything else.
_PREFETCH_MEMORY = 1.1


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadSource:
    """Where weights come from: a storage kind or alias of ``storage.yaml``.

    ``read_mib_per_s`` is a measured rate per reader and replaces the table's.
    """

    kind: str
    read_mib_per_s: float | None = None
    image_pull_seconds: float = 0.0

    @property
    def storage(self) -> StorageKind:
        """The kind's rates. Raises UnknownName for an unknown kind."""
        return storage_kind(self.kind)


@dataclass(frozen=True, slots=True)
class LoadPart:
    """One part of a start, in seconds."""

    name: str
    expected_seconds: float
    budget_seconds: float
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadBudget:
    """Seconds from pod start to ready. The chart derives every timeout from the budget."""

    expected_seconds: Term
    budget_seconds: Term
    parts: tuple[LoadPart, ...]
    safetensors_load_strategy: str | None
    safetensors_reason: str


def load_budget(
    weight_bytes: float,
    source: LoadSource,
    engine: EngineSettings,
    *,
    layers: int = 64,
    node_memory_bytes: int | None = None,
) -> LoadBudget:
    """Budget of one pod that loads ``weight_bytes`` in all. Seconds are rounded up to 5."""
    size = weight_bytes / GIB
    parts = [_process(engine.gpus)]
    if source.image_pull_seconds:
        parts.append(
            LoadPart("image pull", source.image_pull_seconds, 2 * source.image_pull_seconds, "given, twice in the tail")
        )
    parts += _transfer(size, source)
    parts += _initialise(engine, layers)
    expected = sum(part.expected_seconds for part in parts)
    budget = _rounded(sum(part.budget_seconds for part in parts))
    text = " + ".join(f"{part.name} {part.budget_seconds:.0f}" for part in parts)
    strategy, reason = _strategy(weight_bytes, source.storage, node_memory_bytes)
    return LoadBudget(
        expected_seconds=Term(expected, "s", " + ".join(f"{part.name} {part.expected_seconds:.0f}" for part in parts)),
        budget_seconds=Term(budget, "s", text),
        parts=tuple(parts),
        safetensors_load_strategy=strategy,
        safetensors_reason=reason,
    )


def _rounded(seconds: float) -> int:
    return ceil(seconds / _STEP) * _STEP


def _process(gpus: int) -> LoadPart:
    expected = next((seconds for count, seconds in _PROCESS if gpus <= count), _PROCESS[-1][1])
    return LoadPart(
        "process start", expected, expected * _PROCESS_TAIL, f"{gpus} GPUs, median of logs x {_PROCESS_TAIL:g}"
    )


def _transfer(size: float, source: LoadSource) -> list[LoadPart]:
    kind, parts = source.storage, []
    if kind.download_expected and kind.download_floor:
        reason = f"{size:.1f} GiB at {kind.download_expected:g} GiB/s, floor {kind.download_floor:g} ({kind.name})"
        parts.append(LoadPart("download", size / kind.download_expected, size / kind.download_floor, reason))
    expected, floor = kind.expected, kind.floor
    because = f"{size:.1f} GiB at {expected:g} GiB/s, floor {floor:g} ({kind.name})"
    if source.read_mib_per_s:
        expected = source.read_mib_per_s / 1024
        floor = expected / 2
        because = f"{size:.1f} GiB at the {source.read_mib_per_s:g} MiB/s given, half of it in the tail"
    parts.append(LoadPart("read", size / expected, size / floor, because))
    return parts


def _initialise(engine: EngineSettings, layers: int) -> list[LoadPart]:
    profile = _PROFILE + _PROFILE_PER_GPU * engine.gpus
    parts = [LoadPart("engine init", profile, profile * _INIT_TAIL, "profiling run and KV allocation")]
    if not engine.enforce_eager:
        compiling = _COMPILE + _COMPILE_PER_LAYER * layers
        capture = _CAPTURE_PER_LAYER * layers
        parts.append(LoadPart("compile", compiling, compiling * _INIT_TAIL, f"{layers} layers, cold compile cache"))
        parts.append(LoadPart("graphs", capture, capture * _INIT_TAIL, f"CUDA graph capture of {layers} layers"))
    return parts


def _strategy(weight_bytes: float, kind: StorageKind, node_memory_bytes: int | None) -> tuple[str | None, str]:
    if not kind.shared:
        return None, f"{kind.name} is not a shared file system: the engine's default is right"
    if node_memory_bytes is None:
        return None, "node memory is unknown: prefetch needs 1.1 x the checkpoint in page cache"
    needed = _PREFETCH_MEMORY * weight_bytes
    if node_memory_bytes < needed:
        return None, f"node memory {node_memory_bytes / GIB:.0f} GiB < {needed / GIB:.0f} GiB that prefetch needs"
    return (
        "prefetch",
        f"{kind.name} is shared and {needed / GIB:.0f} GiB fit the node's {node_memory_bytes / GIB:.0f} GiB",
    )
