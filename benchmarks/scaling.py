"""What the rendered autoscaler is worth: share of requests with their first token in time, and GPU-hours, beside what others do.

For each load ``llmgen`` sizes a spec whose targets are those of another day of the same service, and renders it; Helm renders the chart;
the ScaledObject that comes out is read and replayed by a model of KEDA, the HorizontalPodAutoscaler and the engines
(scaling_model.py). In the same run, on the same requests:

    static n        the smallest fixed size that reaches the goal, found by trying: what an operator who knew the day would run
    running 0.8     AverageValue of running requests at 0.8 x C, Kubernetes' own behavior; 1.0 at C, as engines' limits suggest
    waiting         AverageValue 5 of waiting requests, Kubernetes' own behavior
    gpu             Value 0.8 of GPU utilisation, Kubernetes' own behavior
    from 1          as rendered, but from one engine on, where bursts allow no promise of growth; the other scalers then too
    oracle          of the hours: knows every request until a new engine would answer; the fewest GPU-hours that reach the goal

    python benchmarks/scaling.py TRACES [--seeds N] [--load NAME] [--use U]

TRACES is a folder with the files that scaling_trace.py names. ``--use`` sets scaling.targetUtilization, to see what it is worth.
"""

from __future__ import annotations

import argparse
import math
import statistics
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from scaling_hpa import Policy, Trigger
from scaling_model import Engine, Replay, Result
from scaling_model import Policy as Decided
from scaling_oracle import Oracle, in_flight
from scaling_plan import TTFT, Rendered, render, typical
from scaling_trace import Load, Request, day, draw, hour, replay

GOAL = 0.95
"""Share of requests whose first token comes within the target."""
ALLOWED = 1.15
"""GPU-hours against those of the smallest static size that reaches the goal."""
PEAK = 50
"""Requests in flight in the busiest ten minutes, as a mean."""
BEFORE = 1000
"""Seed of the day before."""
TUNED_ON = "m-mid day 1"
"""The load on which the windows were chosen and the rule for u was looked at; every other one is held out."""
BURSTS = 3
"""Where the peak is so many times what the busiest ten minutes have in flight, it comes in bursts, and no growth can be promised."""


@dataclass(frozen=True, slots=True)
class Case:
    """One load, the day before it, and what of that is promised in requests in flight; ``growth`` 0 promises none."""

    load: Load
    before: Load
    peak: int
    growth: int
    requests: Callable[[int], Sequence[Request]]
    bounded: bool = False
    """Whether the oracle is asked too."""


DAYS = (("m-mid", 1), ("m-mid", 2), ("m-small", 1), ("m-small", 5), ("m-large", 1), ("m-large", 8), ("deepseek-r1", 0))
"""Days of four services. Of the last there is one day: its targets are its own, which is no forecast."""
HOURS = {
    "azure conv": ("conv", 1),
    "azure conv x5": ("conv", 5),
    "azure code": ("code", 1),
    "azure code x5": ("code", 5),
}
"""Hours with their own arrivals, and how many times as large. Their targets are their own too."""
NAMES = (*(f"{workload} day {number}" for workload, number in DAYS), *HOURS)


def build(folder: Path, name: str) -> Case:
    """Build one load; days are scaled to PEAK requests in flight at their busiest."""
    if name in HOURS:
        trace, copies = HOURS[name]
        return _hour(hour(folder, trace, copies), lambda seed: replay(folder, trace, copies, seed))
    workload, _, number = name.partition(" day ")
    engine, seconds = typical(day(folder, workload, int(number), 1))
    load = day(folder, workload, int(number), PEAK / seconds)
    before = day(folder, workload, int(number) - 1, PEAK / seconds) if int(number) else load
    return Case(load, before, *_promises(before, draw(before, BEFORE), engine, seconds), lambda seed: draw(load, seed))


def _hour(load: Load, requests: Callable[[int], Sequence[Request]]) -> Case:
    engine, seconds = typical(load)
    return Case(load, load, *_promises(load, requests(BEFORE), engine, seconds), requests, bounded=True)


def _promises(before: Load, requests: Sequence[Request], engine: Engine, seconds: float) -> tuple[int, int]:
    """Peak and growth per minute: the highest look at requests in flight on the day before, and how fast its ten minutes grew."""
    peak = max(in_flight(engine, requests, mean=True))
    if peak > BURSTS * max(before.rates) * seconds:
        return math.ceil(peak), 0
    return math.ceil(peak), max(math.ceil(before.fastest_growth() * seconds), 1)


def others(case: Case, rendered: Rendered) -> list[Policy]:
    """What others do, between the same bounds, with Kubernetes' own behavior."""
    least, most = rendered.policy.least, rendered.policy.most
    bursts = case.growth == 0
    free = [replace(rendered.policy, name="from 1", least=1)] if bursts else []
    least = 1 if bursts else least
    return [
        *free,
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


def measure(case: Case, rendered: Rendered, policy: Decided, name: str, seeds: int) -> Row:
    """Replay ``policy`` once per seed."""
    results: list[Result] = []
    for seed in range(seeds):
        requests = case.requests(seed)
        start = math.ceil(case.load.rates[0] / max(case.load.rates) * policy.most)
        one = Replay(rendered.engine, rendered.gateway, policy, target=TTFT, seed=seed, start=start)
        results.append(one.run(requests, case.load.seconds))
    mean = statistics.fmean
    return Row(
        name, mean(one.attainment for one in results), mean(one.refused / max(one.requests, 1) for one in results),
        mean(one.gpu_hours for one in results), mean(one.changes for one in results),
    )  # fmt: skip


def smallest(case: Case, rendered: Rendered, seeds: int) -> Row:
    """Return the smallest fixed size that reaches the goal."""
    low, high, rows = 1, 4 * rendered.policy.most, {}

    def row(size: int) -> Row:
        if size not in rows:
            rows[size] = measure(case, rendered, fixed(size), f"static {size}", seeds)
        return rows[size]

    while low < high:
        size = (low + high) // 2
        low, high = (low, size) if row(size).attainment >= GOAL else (size + 1, high)
    return row(low)


def bound(case: Case, rendered: Rendered, seeds: int) -> Row:
    """Return the oracle that uses its engines as hard as the goal allows."""
    low, high, best = 0.2, 3.0, None
    for _ in range(6):
        use = (low + high) / 2
        oracle = Oracle(rendered.engine, use, 4 * rendered.policy.most)
        row = measure(case, rendered, oracle, "oracle", seeds)
        low, high = (use, high) if row.attainment >= GOAL else (low, use)
        best = row if row.attainment >= GOAL else best
    return best or row


def table(case: Case, rendered: Rendered, seeds: int) -> tuple[bool, float]:
    """Print one load; return whether the rendered policy reached the goal, and its GPU-hours against the smallest static size."""
    base, policies = smallest(case, rendered, seeds), (rendered.policy, *others(case, rendered))
    rows = [base, *(measure(case, rendered, policy, policy.name, seeds) for policy in policies)]
    rows += [bound(case, rendered, seeds)] if case.bounded else []
    held = "tuned on" if case.load.name == TUNED_ON else "held out"
    engine, policy = rendered.engine, rendered.policy
    bounds = f"target {policy.triggers[0].target:g}, {policy.least} to {policy.most} engines"
    print(f"\n{case.load.name} ({held}): peak {case.peak}, C {engine.concurrency}, {bounds}, load {engine.load:.0f} s")
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
            reached, ratio = table(case, render(case.before, case.peak, case.growth, options.use), options.seeds)
            if not reached or ratio > ALLOWED:
                missed.append(f"{case.load.name}: {'in time' if reached else 'too late'}, {ratio:.2f} x static")
    print(
        f"\ngoal: {GOAL:.0%} in time at no more than {ALLOWED:g} x the GPU-hours of the smallest static size that does it"
    )
    print("missed: " + "; ".join(missed) if missed else "reached on every load")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
