"""What the rendered autoscaler is worth: share of requests with their first token in time, and GPU-hours, beside what others do.

For each load ``llmgen`` sizes a spec whose targets are those of another day of the same service, and renders it; Helm renders the chart;
the ScaledObject that comes out is read and replayed by a model of KEDA, the HorizontalPodAutoscaler and the engines
(scaling_model.py). In the same run, on the same requests:

    static n        the smallest fixed size that reaches the goal, found by trying: what an operator who knew the day would run
    running 0.8     AverageValue of running requests at 0.8 x C, Kubernetes' own behavior; 1.0 at C, as engines' limits suggest
    waiting         AverageValue 5 of waiting requests, Kubernetes' own behavior
    gpu             Value 0.8 of GPU utilisation, Kubernetes' own behavior

    python benchmarks/scaling.py TRACES [--seeds N] [--load NAME] [--use U]

TRACES is a folder with the files that scaling_trace.py names. ``--use`` sets scaling.targetUtilization, to see what it is worth.
"""

from __future__ import annotations

import argparse
import math
import statistics
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from llmgen.pipeline import Outcome, run
from llmgen.rendering import manifests, values_text
from llmgen.sizing import Device
from llmgen.sizing.latency import costs, latency_of
from scaling_hpa import Policy, Trigger, read
from scaling_model import Engine, Gateway, Replay, Result
from scaling_trace import Load, Request, day, draw, replay

GOAL = 0.95
"""Share of requests whose first token comes within the target."""
ALLOWED = 1.15
"""GPU-hours against those of the smallest static size that reaches the goal."""
TTFT = 2.0
PEAK = 50
"""Requests in flight in the busiest ten minutes."""
TUNED_ON = "m-mid day 1"
"""The load on which u and the windows were chosen; every other one is held out."""
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
class Case:
    """One load, the day before it, from which its targets come, and the seconds of a mean request."""

    load: Load
    before: Load
    seconds: float
    requests: Callable[[int], Sequence[Request]]


@dataclass(frozen=True, slots=True)
class Rendered:
    """What llmgen and the chart made of a case."""

    policy: Policy
    engine: Engine
    gateway: Gateway


DAYS = (("m-mid", 1), ("m-mid", 2), ("m-small", 1), ("m-small", 5), ("m-large", 1), ("m-large", 8), ("deepseek-r1", 0))
"""Days of four services. Of the last there is one day: its targets are its own, which is no forecast."""
NAMES = (*(f"{workload} day {number}" for workload, number in DAYS), "azure conv")


def build(folder: Path, name: str) -> Case:
    """Build one load, scaled to PEAK requests in flight at its busiest."""
    if name == "azure conv":
        seconds = _request_seconds(*day(folder, "m-mid", 0, 1).mean_tokens())  # whose lengths are Azure's
        hour, requests = replay(folder, "conv", PEAK / seconds)
        return Case(hour, hour, seconds, lambda _: requests)
    workload, _, number = name.partition(" day ")
    seconds = _request_seconds(*day(folder, workload, int(number), 1).mean_tokens())
    load = day(folder, workload, int(number), PEAK / seconds)
    before = day(folder, workload, int(number) - 1, PEAK / seconds) if int(number) else load
    return Case(load, before, seconds, lambda seed: draw(load, seed))


def _request_seconds(prompt: float, completion: float) -> float:
    """Seconds of a mean request in a half full engine."""
    engine = _model(_run(_spec(prompt, completion, 100, 1, None)), prompt, completion)
    return engine.first(round(prompt)) + engine.steps[math.ceil(engine.concurrency / 2)] * completion


def render(case: Case, use: float | None) -> Rendered:
    """Size, render and read. The peak is what the day before had in flight, by Little's law."""
    prompt, completion = case.before.mean_tokens()
    peak, growth = (math.ceil(rate * case.seconds) for rate in (max(case.before.rates), case.before.fastest_growth()))
    outcome = _run(_spec(prompt, completion, peak, max(growth, 1), use))
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


def others(rendered: Rendered) -> list[Policy]:
    """What others do, between the same bounds, with Kubernetes' own behavior."""
    least, most = rendered.policy.least, rendered.policy.most
    return [
        Policy("running 0.8", least, most, (Trigger("running", 0.8 * rendered.engine.concurrency, average=True),)),
        Policy("running 1.0", least, most, (Trigger("running", rendered.engine.concurrency, average=True),)),
        Policy("waiting", least, most, (Trigger("waiting", 5, average=True),)),
        Policy("gpu", least, most, (Trigger("gpu", 0.8, average=False),)),
    ]


def fixed(size: int) -> Policy:
    """A policy that never changes anything."""
    return Policy(f"static {size}", size, size, (Trigger("inflight", 1e9, average=True),))


@dataclass(frozen=True, slots=True)
class Row:
    """One policy on one load, means over seeds."""

    name: str
    attainment: float
    refused: float
    gpu_hours: float
    changes: float


def measure(case: Case, rendered: Rendered, policy: Policy, seeds: int) -> Row:
    """Replay ``policy`` once per seed."""
    results: list[Result] = []
    for seed in range(seeds):
        requests = case.requests(seed)
        start = math.ceil(case.load.rates[0] / max(case.load.rates) * policy.most)
        one = Replay(rendered.engine, rendered.gateway, policy, target=TTFT, seed=seed, start=start)
        results.append(one.run(requests, case.load.seconds))
    mean = statistics.fmean
    return Row(
        policy.name, mean(one.attainment for one in results), mean(one.refused / max(one.requests, 1) for one in results),
        mean(one.gpu_hours for one in results), mean(one.changes for one in results),
    )  # fmt: skip


def smallest(case: Case, rendered: Rendered, seeds: int) -> Row:
    """Return the smallest fixed size that reaches the goal."""
    low, high, rows = 1, 4 * rendered.policy.most, {}
    while low < high:
        size = (low + high) // 2
        rows[size] = measure(case, rendered, fixed(size), seeds)
        low, high = (low, size) if rows[size].attainment >= GOAL else (size + 1, high)
    return rows.get(low) or measure(case, rendered, fixed(low), seeds)


def table(case: Case, rendered: Rendered, seeds: int) -> tuple[bool, float]:
    """Print one load; return whether the rendered policy reached the goal, and its GPU-hours against the smallest static size."""
    base = smallest(case, rendered, seeds)
    rows = [base, *(measure(case, rendered, policy, seeds) for policy in (rendered.policy, *others(rendered)))]
    held = "tuned on" if case.load.name == TUNED_ON else "held out"
    engine, policy = rendered.engine, rendered.policy
    bounds = f"target {policy.triggers[0].target:g}, {policy.least} to {policy.most} engines"
    print(f"\n{case.load.name} ({held}): C {engine.concurrency}, {bounds}, load {engine.load:.0f} s")
    print(f"  {'policy':<12} {'in time':>8} {'refused':>8} {'GPU-hours':>10} {'of static':>9} {'changes':>8}")
    for row in rows:
        ratio = row.gpu_hours / base.gpu_hours
        print(
            f"  {row.name:<12} {row.attainment:>8.1%} {row.refused:>8.1%} {row.gpu_hours:>10.1f} {ratio:>9.2f} {row.changes:>8.0f}",
            flush=True,
        )
    return rows[1].attainment >= GOAL, rows[1].gpu_hours / base.gpu_hours


def main() -> int:
    """Print a table per load and a verdict; exit 1 if a load misses the goal."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("traces", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--load", help="only loads whose name holds this")
    parser.add_argument("--use", type=float, help="targetUtilization instead of the default")
    options = parser.parse_args()
    missed = []
    for name in NAMES:
        if options.load is None or options.load in name:
            case = build(options.traces, name)
            reached, ratio = table(case, render(case, options.use), options.seeds)
            if not reached or ratio > ALLOWED:
                missed.append(f"{case.load.name}: {'in time' if reached else 'too late'}, {ratio:.2f} x static")
    print(
        f"\ngoal: {GOAL:.0%} in time at no more than {ALLOWED:g} x the GPU-hours of the smallest static size that does it"
    )
    print("missed: " + "; ".join(missed) if missed else "reached on every load")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
