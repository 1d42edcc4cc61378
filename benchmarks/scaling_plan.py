"""From a load to the autoscaler and the engines that llmgen and the chart make for it."""

from __future__ import annotations

import math
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from llmgen.pipeline import Outcome, run
from llmgen.rendering import manifests, values_text
from llmgen.sizing import Device
from llmgen.sizing.latency import costs, latency_of
from scaling_hpa import Policy, read
from scaling_model import Engine, Gateway
from scaling_trace import Load

TTFT = 2.0
"""Seconds to the first token that are promised."""
SPEC = """\
apiVersion: llmgen.dev/v1alpha1
kind: ServingSpec
metadata: {{name: replay}}
cluster:
  pools: {{l4: {{gpu: L4-24GB, gpusPerNode: 2, maxNodes: 100}}}}
  storage: {{weights: {{kind: lustre, claim: weights, accessMode: ReadWriteMany}}}}
  prometheus: {{address: "http://prometheus:9090"}}
  addons: {{keda: true}}
models:
  chat:
    source: {{volume: {{storage: weights, path: qwen2.5-7b}}}}
    architecture: {{catalog: Qwen/Qwen2.5-7B-Instruct}}
    dtype: bfloat16
    limits: {{maxPromptTokens: 28672, maxCompletionTokens: 4096, queueDepth: 32, queueTimeout: 10s}}
    targets:
      ttftP95: {ttft:g}s
      peakConcurrentRequests: {peak}
      growthPerMinute: {growth}
      meanPromptTokens: {prompt}
      meanCompletionTokens: {completion}
    gpu: auto
    scaling: {scaling}
"""


@dataclass(frozen=True, slots=True)
class Rendered:
    """What llmgen and the chart made of a case."""

    policy: Policy
    engine: Engine
    gateway: Gateway


def typical(load: Load) -> tuple[Engine, float]:
    """An engine for ``load``, and the seconds that a mean request takes when it is half full."""
    prompt, completion = load.mean_tokens()
    engine = _model(_run(_spec(prompt, completion, 100, 1, None)), prompt, completion)
    return engine, engine.first(round(prompt)) + engine.steps[math.ceil(engine.concurrency / 2)] * completion


def render(before: Load, peak: int, growth: int, use: float | None) -> Rendered:
    """Size for a day like ``before``, render and read."""
    prompt, completion = before.mean_tokens()
    outcome = _run(_spec(prompt, completion, peak, growth, use))
    text = manifests(outcome, values_text(outcome, "spec.yaml"), Path(tempfile.gettempdir()) / "no-overlays")
    objects = [item for item in yaml.safe_load_all(text) if item and item["kind"] == "ScaledObject"]
    policy = read("as rendered", next(item for item in objects if item["metadata"]["name"] == "replay-chat-v1"))
    return Rendered(policy, _model(outcome, prompt, completion), Gateway(queue=64, patience=10))


def _spec(prompt: float, completion: float, peak: int, growth: int, use: float | None) -> str:
    scaling = "{}" if use is None else f"{{targetUtilization: {use}}}"
    return SPEC.format(
        ttft=TTFT, peak=peak, growth=growth, prompt=round(prompt), completion=round(completion), scaling=scaling
    )


def _run(spec: str) -> Outcome:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "spec.yaml"
        file.write_text(spec, encoding="utf-8")
        outcome = run(str(file))
    if outcome.failed:
        raise SystemExit("\n".join(f"{problem.id} {problem.message}" for problem in outcome.problems))
    return outcome


def _model(outcome: Outcome, prompt: float, completion: float) -> Engine:
    """The engine that was planned, by the predictor that planned it."""
    assert outcome.plan is not None  # noqa: S101 -- a run that did not fail has them
    assert outcome.facts is not None  # noqa: S101
    planned, known = outcome.plan.engines["chat", "v1"], outcome.facts
    architecture = known.revisions["chat", "v1"].architecture
    assert architecture is not None  # noqa: S101
    cost = costs(architecture, Device.of(known.gpus[planned.pool]), planned.shape.engine)
    concurrency = int(planned.concurrency.value)
    steps = tuple(
        latency_of(cost, prompt, completion, max(count, 1)).tpot_ms.value / 1000 for count in range(concurrency + 1)
    )

    @cache
    def first(tokens: int) -> float:
        return latency_of(cost, max(tokens, 1), completion, 1).ttft_ms.value / 1000

    kv = int(planned.shape.memory.kv_cache_tokens_safe)
    load = float(planned.load.expected_seconds.value)
    return Engine(concurrency, kv, steps, lambda tokens: first(-(-tokens // 64) * 64), load, planned.gpus)
