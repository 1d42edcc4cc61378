"""One size from plain words: the contract of ``llmgen size --config``, which other tools call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from llmgen.architecture import Architecture
from llmgen.sizing.constants import constants
from llmgen.sizing.device import Device
from llmgen.sizing.engine import EngineSettings, default_batch
from llmgen.sizing.latency import Latency, latency
from llmgen.sizing.load import LoadBudget, LoadSource, load_budget
from llmgen.sizing.memory import MemoryPlan, memory


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked; None leaves the engine's own default for the device and version."""

    version: str
    tensor_parallel: int = 1
    pipeline_parallel: int = 1
    dtype: str = "auto"
    quantization: str | None = None
    kv_cache_dtype: str = "auto"
    max_model_len: int | None = None
    max_num_seqs: int | None = None
    max_num_batched_tokens: int | None = None
    gpu_memory_utilization: float | None = None
    enforce_eager: bool = False
    checkpoint_bytes: int | None = None
    prompt_tokens: float | None = None
    completion_tokens: float | None = None
    concurrency: float | None = None
    storage: str = "pvc"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The sizes, and the settings they hold for."""

    engine: EngineSettings
    memory: MemoryPlan
    latency: Latency | None
    load: LoadBudget

    def as_json(self) -> dict[str, Any]:
        """The documented keys; GiB, bytes, milliseconds, seconds. Latency is null unless lengths and load were given."""
        plan, speed = self.memory, self.latency
        return {
            "weightsGiBPerGpu": round(plan.weights.value, 4),
            "kvBytesPerToken": round(plan.kv_bytes_per_token.value, 3),
            "activationGiB": round(plan.activation.value, 4),
            "nonTorchGiB": round(plan.non_torch.value, 4),
            "cudaGraphGiB": round(plan.cuda_graphs.value, 4),
            "kvCacheGiBPerGpu": round(plan.kv_cache.value, 4),
            "kvCacheTokens": plan.kv_cache_tokens,
            "kvCacheTokensSafe": plan.kv_cache_tokens_safe,
            "maxConcurrency": round(plan.max_concurrency, 3),
            "tpotMs": round(speed.tpot_ms.value, 3) if speed else None,
            "ttftMs": round(speed.ttft_ms.value, 3) if speed else None,
            "outputTokensPerSecond": round(speed.output_tokens_per_second.value, 2) if speed else None,
            "loadBudgetSeconds": round(self.load.budget_seconds.value),
            "loadExpectedSeconds": round(self.load.expected_seconds.value, 1),
            "unsupported": [*plan.unsupported, *plan.problems],
        }


def answer(config: Mapping[str, Any], device: Device, question: Question) -> Answer:
    """Size one model on one device. Raises UnknownName for an unknown storage kind."""
    model = Architecture.from_config(config, quantization=question.quantization)
    engine = _engine(model, device, question)
    plan = memory(model, device, engine)
    speed = None
    if question.prompt_tokens and question.completion_tokens and question.concurrency:
        speed = latency(
            model,
            device,
            engine,
            prompt_tokens=question.prompt_tokens,
            completion_tokens=question.completion_tokens,
            concurrency=question.concurrency,
        )
    budget = load_budget(plan.weight_bytes, LoadSource(kind=question.storage), engine, layers=model.layers)
    return Answer(engine=engine, memory=plan, latency=speed, load=budget)


def _engine(model: Architecture, device: Device, question: Question) -> EngineSettings:
    row, _ = constants(question.version, model)
    sequences, tokens = default_batch(device.memory_gib, device.name)
    known = model.max_position or 8192
    settings = EngineSettings(
        version=question.version,
        max_model_len=question.max_model_len or known,
        max_num_seqs=question.max_num_seqs or sequences,
        max_num_batched_tokens=question.max_num_batched_tokens or tokens,
        gpu_memory_utilization=question.gpu_memory_utilization or row.default_utilization,
    )
    return replace(
        settings,
        tensor_parallel=question.tensor_parallel,
        pipeline_parallel=question.pipeline_parallel,
        dtype=question.dtype,
        quantization=question.quantization,
        kv_cache_dtype=question.kv_cache_dtype,
        enforce_eager=question.enforce_eager,
        checkpoint_bytes=question.checkpoint_bytes,
    )
