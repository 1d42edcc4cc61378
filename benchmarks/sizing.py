"""Score the sizing arithmetic against published vLLM start-up logs, serving results and load times.

Run from the repository root: ``PYTHONPATH=generator:benchmarks python benchmarks/sizing.py``. Exit code 1 when a goal is missed.
``--rows`` lists the rows that are off by more than 1 %. Constants of the latency roofline are scored leave-one-family-out.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from fit_roofline import PHYSICAL, leave_one_out, quantile, step_samples
from llmgen.architecture import Architecture
from llmgen.catalog import gpu
from llmgen.sizing import (
    GIB,
    Device,
    LoadSource,
    MemoryPlan,
    PoolOffer,
    Workload,
    load_budget,
    memory,
    search,
    storage_kinds,
)
from llmgen.sizing.constants import parse_minor
from rows import Case, configs, latency_cases, memory_cases, read_rows

# KV tokens on 78 configurations with the true weights given to each tool; measured 2026-11 with the versions named.
OTHERS = (
    ("llm-d-planner 0.3.3", 0.021, 0.277),
    ("AIConfigurator 0.12 (n=18)", 0.022, 1.08),
    ("KAITO's rule", 0.033, 0.45),
    ("vllm-wizard 0.2.0", 0.040, 0.437),
    ("llm-d-planner 0.1 constants", 0.059, 0.68),
    ("nominal x utilization - weights", 0.081, 0.475),
)
# Fewest rows of a storage kind for which the budget's property is claimed.
ENOUGH_ROWS = 20
V1 = (0, 8)


@dataclass(frozen=True, slots=True)
class Goal:
    """One promise and what was measured."""

    name: str
    value: float
    limit: float
    at_least: bool = False

    @property
    def met(self) -> bool:
        """Whether the promise holds."""
        return self.value >= self.limit if self.at_least else self.value <= self.limit

    def __str__(self) -> str:
        """One line of the table."""
        sign = ">=" if self.at_least else "<="
        return f"  {'ok  ' if self.met else 'MISS'} {self.name:58} {self.value:9.4f} {sign} {self.limit:g}"


@dataclass(frozen=True, slots=True)
class Scored:
    """A row and its plan."""

    case: Case
    plan: MemoryPlan

    @property
    def printed(self) -> bool:
        """Whether the log shows every setting the KV pool depends on, and a pool that held something."""
        row = self.case.row
        needed = ("vllm_version", "gpu_memory_utilization", "max_num_seqs", "max_num_batched_tokens", "kv_cache_tokens")
        return all(row[name] for name in needed)

    @property
    def current(self) -> bool:
        """Whether the row is of the V1 engine."""
        return (parse_minor(self.case.row["vllm_version"] or "") or (0, 0)) >= V1


def scored() -> Iterator[Scored]:
    """Every row with a known model and GPU."""
    for case in memory_cases():
        yield Scored(case, memory(case.architecture, case.device, case.engine))


def off(predicted: float, truth: float) -> float:
    """Relative error without sign."""
    return abs(predicted / truth - 1)


def weight_goals(rows: Sequence[Scored]) -> list[Goal]:
    """Weights per GPU against ``Model loading took``."""
    errors = [
        off(s.plan.weights.value, s.case.row["weights_gib_per_gpu"]) for s in rows if s.case.row["weights_gib_per_gpu"]
    ]
    return [
        Goal(f"weights, median error (n={len(errors)})", median(errors), 0.005),
        Goal("weights, 90th percentile", quantile(errors, 0.9), 0.02),
    ]


def kv_goals(rows: Sequence[Scored]) -> list[Goal]:
    """KV tokens of V1 engines, and bytes per token of every row that prints both."""
    errors = [off(s.plan.kv_cache_tokens, s.case.row["kv_cache_tokens"]) for s in rows if s.printed and s.current]
    costs = []
    for s in rows:
        pool, tokens = s.case.row["kv_cache_gib_per_gpu"], s.case.row["kv_cache_tokens"]
        if pool and tokens and s.case.row["pp"] == 1:
            costs.append(off(s.plan.kv_bytes_per_token.value, pool * GIB / tokens))
    return [
        Goal(f"KV bytes per token, median error (n={len(costs)})", median(costs), 0.005),
        Goal(f"KV tokens on V1, median error (n={len(errors)})", median(errors), 0.01),
        Goal("KV tokens on V1, 90th percentile", quantile(errors, 0.9), 0.05),
    ]


def safety_goals(rows: Sequence[Scored]) -> list[Goal]:
    """The safe bound: never above what the engine held, and still useful."""
    shares = [s.plan.kv_cache_tokens_safe / s.case.row["kv_cache_tokens"] for s in rows if s.printed]
    return [
        Goal(f"safe bound over truth, worst row (n={len(shares)})", max(shares), 1.01),
        Goal("safe bound over truth, median", median(shares), 0.90, at_least=True),
        Goal("safe bound over truth, 10th percentile", quantile(shares, 0.1), 0.75, at_least=True),
    ]


def latency_goals() -> list[Goal]:
    """Time per output token of families the constants never saw."""
    outside = leave_one_out(step_samples(list(latency_cases())), PHYSICAL)
    errors = [abs(error) for family in outside.values() for error in family]
    return [
        Goal(f"TPOT, leave-one-family-out, median error (n={len(errors)})", median(errors), 0.10),
        Goal("TPOT, leave-one-family-out, 90th percentile", quantile(errors, 0.9), 0.30),
    ]


def load_goals() -> list[Goal]:
    """By rate: a kind's floor is below 90 % of its rows and above a fifth of their median."""
    goals = []
    for kind in storage_kinds().values():
        rates = [
            row["gib_per_s"]
            for row in read_rows("load-truth.jsonl")
            if row["storage_kind"] == kind.name and row["gib_per_s"]
        ]
        if len(rates) >= ENOUGH_ROWS:
            covered = sum(rate >= kind.floor for rate in rates) / len(rates)
            goals.append(Goal(f"{kind.name}: rows the budget covers (n={len(rates)})", covered, 0.9, at_least=True))
            goals.append(Goal(f"{kind.name}: budget over the median", median(rates) / kind.floor, 5))
    return goals


def start_errors() -> str:
    """Expected and budgeted total start against the logs that print one, as a sentence: no goal is set."""
    ratios, covered = [], 0
    for case in memory_cases():
        row = case.row
        if row["total_startup_s"] and row["load_weights_s"]:
            plan = memory(case.architecture, case.device, case.engine)
            source = LoadSource(kind="pvc")
            budget = load_budget(plan.weight_bytes, source, case.engine, layers=case.architecture.layers)
            truth = row["total_startup_s"] - (row["download_s"] or 0)
            ratios.append(budget.expected_seconds.value / truth)
            covered += budget.budget_seconds.value >= truth
    return (
        f"start from a PVC (n={len(ratios)}): expected / measured median {median(ratios):.2f}, "
        f"budget covers {covered / len(ratios):.0%}"
    )


def speed_goals() -> list[Goal]:
    """Milliseconds of one size and of a whole search."""
    config = configs()["meta-llama/Llama-3.1-70B-Instruct"]
    case = next(case for case in memory_cases() if case.row["tp"] == 2)
    model = Architecture.from_config(config)
    names = ("H100-SXM-80GB", "A100-80GB", "L40S-48GB", "H200-SXM-141GB")
    offers = [
        PoolOffer(name=name, device=Device.of(gpu(name)), gpus_per_node=8, max_nodes=4, price_per_gpu_hour_usd=2.0)
        for name in names
    ]
    load = Workload(max_prompt_tokens=6000, max_completion_tokens=2000, peak_concurrent_requests=200, tpot_target_ms=50)

    def one() -> None:
        memory(Architecture.from_config(case.architecture.config), case.device, case.engine)

    def whole() -> None:
        search(model, load, offers, engine_version="0.32.0", quantizations=(None, "fp8"))

    return [
        Goal("one size with its config, ms", _milliseconds(one, 50), 1.0),
        Goal("whole search, ms", _milliseconds(whole, 5), 50),
    ]


def _milliseconds(work: Callable[[], None], times: int) -> float:
    work()
    spent = []
    for _ in range(times):
        start = time.process_time()
        work()
        spent.append((time.process_time() - start) * 1000)
    return median(spent)


def main() -> None:
    """Print the tables; exit 1 when a goal is missed."""
    rows = list(scored())
    goals = [*weight_goals(rows), *kv_goals(rows), *safety_goals(rows), *latency_goals(), *load_goals(), *speed_goals()]
    mine = next(g.value for g in goals if g.name.startswith("KV tokens on V1, median"))
    tail = next(g.value for g in goals if g.name == "KV tokens on V1, 90th percentile")
    print(f"{'KV tokens, error':34} {'median':>8} {'p90':>8}")
    for name, middle, high in (("llmgen (its own weights)", mine, tail), *OTHERS):
        print(f"{name:34} {middle:8.2%} {high:8.1%}")
    print("\ngoals")
    for goal in goals:
        print(goal)
    print(f"  {start_errors()}")
    if "--rows" in sys.argv:
        _list(rows)
    sys.exit(0 if all(goal.met for goal in goals) else 1)


def _list(rows: Sequence[Scored]) -> None:
    for s in rows:
        truth = s.case.row["kv_cache_tokens"]
        if truth and off(s.plan.kv_cache_tokens, truth) > 0.01:
            shown = "" if s.printed else " (settings not printed: not scored)"
            error = s.plan.kv_cache_tokens / truth - 1
            safe = s.plan.kv_cache_tokens_safe / truth
            print(f"{error:+8.1%} safe {safe:5.2f} {s.case.row['id']}{shown} {'; '.join(s.plan.unsupported)}")


if __name__ == "__main__":
    main()
