"""The data sets of the sizing benchmark as engine settings. Run from the repository root."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from llmgen.architecture import Architecture
from llmgen.catalog import UnknownName, gpu
from llmgen.sizing import Device, EngineSettings
from llmgen.sizing.engine import default_batch
from llmgen.sizing.latency import BLACKWELL

DATA = Path(__file__).parent / "data"


def read_rows(name: str) -> list[dict[str, Any]]:
    """Rows of one JSON-lines file under ``benchmarks/data``."""
    return [json.loads(line) for line in (DATA / name).read_text(encoding="utf-8").splitlines() if line.strip()]


@cache
def configs() -> Mapping[str, Mapping[str, Any]]:
    """Architecture facts by hub id, with the aliases published tables use for the same shape."""
    known: dict[str, Mapping[str, Any]] = {}
    for name in ("model-configs.json", "perf-configs.json"):
        known.update(json.loads((DATA / name).read_text(encoding="utf-8")))
    for alias, model in _SAME_SHAPE.items():
        known.setdefault(alias, {k: v for k, v in known[model].items() if k not in {"quantization_config", "wq"}})
    return known


# Published names whose architecture is another entry's; their weight format comes from the row's ``quantization``.
_SAME_SHAPE = {
    "meta-llama/Llama-3.1-70B": "meta-llama/Llama-3.1-70B-Instruct",
    "meta-llama/Llama-3.3-70B-Instruct": "meta-llama/Llama-3.1-70B-Instruct",
    "nvidia/Llama-3.1-8B-Instruct-FP8": "meta-llama/Llama-3.1-8B-Instruct",
    "nvidia/Llama-3.1-8B-Instruct-NVFP4": "meta-llama/Llama-3.1-8B-Instruct",
    "mistralai/Mixtral-8x7B-v0.1": "mistralai/Mixtral-8x7B-Instruct-v0.1",
    "mistralai/Mixtral-8x22B-v0.1": "mistralai/Mixtral-8x22B-Instruct-v0.1",
    "Qwen/Qwen3-235B-A22B-FP8": "Qwen/Qwen3-235B-A22B-Instruct-2507-FP8",
    "moonshotai/Kimi-K2.5": "moonshotai/Kimi-K2-Thinking",
    "DeepSeek-R1-0528-AWQ": "deepseek-ai/DeepSeek-R1",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One measured row with everything the arithmetic needs; ``cached`` prompt tokens came from the prefix cache."""

    row: Mapping[str, Any]
    architecture: Architecture
    device: Device
    engine: EngineSettings
    cached: float = 0.0

    @property
    def running(self) -> float:
        """Sequences that decode at once: the engine queues what is above ``max-num-seqs``."""
        return min(float(self.row["concurrency"]), self.engine.max_num_seqs)


def memory_cases() -> Iterator[Case]:
    """Rows of ``sizing-truth.jsonl`` with a known model and GPU."""
    for row in read_rows("sizing-truth.jsonl"):
        case = _case(row, utilization=row["gpu_memory_utilization"])
        if case is not None:
            yield case


def latency_cases() -> Iterator[Case]:
    """Rows of ``perf-truth.jsonl`` with lengths, concurrency and one replica on one node."""
    for row in read_rows("perf-truth.jsonl"):
        if row["isl_mean"] and row["osl_mean"] and row["concurrency"] and (row["dp"] or 1) == 1:
            case = _case(row, utilization=0.9)
            if case is not None:
                yield _served(case)


def _served(case: Case) -> Case:
    """The case with what its source says of the server outside the row.

    * ``inference-sim`` repeats a small set of prompts (``shared_prefix``): its TTFT does not grow from 590 to 790 tokens, so
      prompts are in the prefix cache.
    * The AIConfigurator file collects runs of InferenceMAX, whose start scripts are public (github.com/InferenceMAX/InferenceMAX
      ``benchmarks/``): ``70b_*`` and, on Blackwell, ``gptoss_*`` serve with an fp8 cache and 8192 batched tokens, Kimi and
      MiniMax with 256 sequences.
    * Its rows of ``nvidia/Llama-3.1-8B-Instruct-FP8`` serve that checkpoint's own fp8 cache.
    """
    row, engine = case.row, case.engine
    if row["source"].startswith("inference-sim/"):
        return replace(case, cached=row["isl_mean"])
    if not row["source"].startswith("AIConfigurator"):
        return case
    name = row["model"]
    if "Llama-3.1-70B" in name or "gpt-oss" in name:
        narrow = "gpt-oss" not in name or case.device.capability >= BLACKWELL
        engine = replace(engine, max_num_batched_tokens=8192, kv_cache_dtype="fp8" if narrow else "auto")
    elif name.startswith("nvidia/"):
        engine = replace(engine, kv_cache_dtype="fp8")
    elif "Kimi" in name or "MiniMax" in name:
        engine = replace(engine, max_num_seqs=256)
    return replace(case, engine=engine)


def _case(row: Mapping[str, Any], *, utilization: float | None) -> Case | None:
    config = configs().get(row["model"])
    if config is None or not row["gpu"]:
        return None
    try:
        facts = gpu(row["gpu"])
    except UnknownName:
        return None
    device = Device.of(facts, memory_gib=row.get("gpu_memory_gib"))
    seqs, batch = default_batch(device.memory_gib, facts.name)
    version = row.get("vllm_version") or row.get("engine_version") or ""
    quantization = {"fp4": "nvfp4"}.get(row["quantization"] or "", row["quantization"])
    if quantization == "nvfp4" and "gpt-oss" in row["model"]:
        quantization = "mxfp4"
    architecture = Architecture.from_config(config, quantization=quantization)
    engine = EngineSettings(
        version=version,
        max_model_len=row["max_model_len"] or 8192,
        max_num_seqs=row["max_num_seqs"] or seqs,
        max_num_batched_tokens=row["max_num_batched_tokens"] or batch,
        gpu_memory_utilization=utilization or 0.9,
        tensor_parallel=row["tp"] or 1,
        pipeline_parallel=row["pp"] or 1,
        dtype=row.get("dtype") or "auto",
        quantization=quantization,
        kv_cache_dtype=row.get("kv_cache_dtype") or "auto",
        enforce_eager=bool(row.get("enforce_eager")),
    )
    return Case(row=row, architecture=architecture, device=device, engine=engine)


def family(model: str) -> str:
    """The model family for leave-one-family-out."""
    lowered = model.lower()
    for name in (
        "gpt-oss",
        "minimax",
        "kimi",
        "mixtral",
        "codellama",
        "llama-4",
        "llama-2",
        "llama-3",
        "qwen3-235b",
        "qwen",
    ):
        if name in lowered:
            return name
    return lowered.rsplit("/", maxsplit=1)[-1]
