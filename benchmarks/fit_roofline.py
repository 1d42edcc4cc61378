"""Fit the efficiencies of the latency roofline on ``data/perf-truth.jsonl`` and write ``llmgen/sizing/roofline.py``.

Non-negative least squares on relative errors, reweighted so that large errors count linearly (IRLS), each family with the
same total weight. Plain Python: 14 constants, about 280 rows. ``--check`` prints the errors and writes nothing.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from math import inf
from pathlib import Path
from statistics import median

from llmgen.sizing import memory
from llmgen.sizing.latency import costs, first_parts, step_parts
from rows import Case, family, latency_cases

TARGET = Path(__file__).parent.parent / "generator/llmgen/sizing/roofline.py"
ROUNDS, SWEEPS = 40, 400
# What physics expects of each constant, and how much one row's worth of pull to it weighs.
PHYSICAL = {
    "step": 0.5,
    "layer": 0.04,
    "matrix": 0.005,
    "old_layer": 0.04,
    "unfused_experts": 0.02,
    "read": 1.1,
    "expert_read": 1.2,
    "cache": 1.3,
    "dequantize": 1.0,
    "compute": 0.5,
    "prefill": 1.0,
    "reduce": 0.003,
    "link": 1.0,
    "sequence": 0.01,
}
FIRST_PHYSICAL = {"prefill": 1.0, "matrix": 0.1, "link": 1.5}
PRIOR = 0.003
# Relative errors below this count quadratically.
FLOOR = 0.03
# No dense product reaches more of the datasheet's peak for long.
MOST_OF_PEAK = 0.7
# Requests that run at once below which a replica counts as unsaturated.
UNSATURATED = 8

Parts = Mapping[str, float]


def step_truth(case: Case) -> float | None:
    """Measured milliseconds per output token."""
    row = case.row
    found: float | None = row["tpot_mean_ms"] or row["itl_mean_ms"] or row["tpot_p50_ms"]
    return found


def drop_reason(case: Case) -> str:
    """Why physics or the row itself forbids scoring it, by the first rule that says so; empty for a usable row.

    A dropped row has another number of GPUs, another concurrency or a saturated server behind it than it says.
    """
    return next((reason for reason, broken in _RULES if broken(case)), "")


def _overweight(case: Case) -> bool:
    return memory(case.architecture, case.device, case.engine).weights.value > case.device.memory_gib


def _too_fast(case: Case) -> bool:
    parts = parts_of(case)
    return (step_truth(case) or inf) < 0.9 * (parts["read"] + parts["expert_read"] + parts["cache"])


def _queueing(case: Case) -> bool:
    first: float = case.row["ttft_mean_ms"] or 0.0
    return first / 1000 > _seconds(case) / 2


def _too_much_work(case: Case) -> bool:
    concurrency: float = case.row["concurrency"]
    return _prompt_work(case) * concurrency > MOST_OF_PEAK * _seconds(case)


def _contradicts(case: Case) -> bool:
    rate, row = case.row["output_tok_s"], case.row
    running: float = rate / row["osl_mean"] * _seconds(case) if rate and step_truth(case) else row["concurrency"]
    concurrency: float = row["concurrency"]
    return not 0.5 <= running / concurrency <= 2


_RULES: tuple[tuple[str, Callable[[Case], bool]], ...] = (
    ("pipeline over nodes", lambda case: case.engine.pipeline_parallel > 1),
    ("requests failed", lambda case: case.row["quality"] == "raw-json-saturated"),
    ("weights do not fit the GPUs of the row", _overweight),
    ("step shorter than reading its bytes at the datasheet's bandwidth", _too_fast),
    ("more than half of the time is queueing for the first token", _queueing),
    (f"prompts alone need {MOST_OF_PEAK:.0%} of the datasheet's operations", _too_much_work),
    ("tokens per second contradict the concurrency", _contradicts),
)


def _seconds(case: Case) -> float:
    """From the request to its last token; infinite where the row has no step time."""
    row, truth = case.row, step_truth(case)
    return ((row["ttft_mean_ms"] or 0.0) + truth * (row["osl_mean"] - 1)) / 1000 if truth else inf


def _prompt_work(case: Case) -> float:
    """Seconds of one prompt at the datasheet's peak."""
    cost = costs(case.architecture, case.device, case.engine)
    prompt: float = case.row["isl_mean"]
    return (prompt - case.cached) * (cost.flops_per_token + cost.attention_flops * prompt / 2) / cost.peak


def parts_of(case: Case) -> Parts:
    """Unscaled parts of a step of this row."""
    cost, row = costs(case.architecture, case.device, case.engine), case.row
    return step_parts(cost, row["isl_mean"], row["osl_mean"], case.running, cached=case.cached)


def fit(samples: Sequence[tuple[Parts, float, float]], physical: Mapping[str, float] = PHYSICAL) -> dict[str, float]:
    """Constants that minimise the weighted sum of relative errors; ``samples`` are (parts, truth, weight)."""
    names = list(physical)
    rows = [([parts[name] / truth for name in names], weight) for parts, truth, weight in samples]
    values = [physical[name] for name in names]
    total = sum(weight for _, weight in rows)
    for _ in range(ROUNDS):
        # A weak pull to the physical guess decides what the rows cannot (a constant no other family shows).
        matrix = [[0.0] * len(names) for _ in names]
        target = [0.0] * len(names)
        for i, name in enumerate(names):
            guess = physical[name]
            scale = PRIOR * total / guess**2
            matrix[i][i], target[i] = scale, scale * guess
        for row, weight in rows:
            error = sum(v * x for v, x in zip(values, row, strict=True)) - 1
            own = weight / max(abs(error), FLOOR)
            for i, x in enumerate(row):
                if x:
                    target[i] += own * x
                    line = matrix[i]
                    for j, y in enumerate(row):
                        line[j] += own * x * y
        values = _nonnegative(matrix, target, values)
    return dict(zip(names, values, strict=True))


def _nonnegative(matrix: list[list[float]], target: list[float], values: list[float]) -> list[float]:
    """Coordinate descent on the normal equations, every constant kept at or above zero."""
    found = list(values)
    for _ in range(SWEEPS):
        for i, line in enumerate(matrix):
            if line[i]:
                rest = sum(line[j] * found[j] for j in range(len(found))) - line[i] * found[i]
                found[i] = max((target[i] - rest) / line[i], 0.0)
    return found


def predict(values: Mapping[str, float], parts: Parts) -> float:
    """Milliseconds."""
    return sum(values[name] * part for name, part in parts.items())


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which ``share`` of ``values`` lie."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


def step_samples(cases: Sequence[Case]) -> list[tuple[str, Parts, float]]:
    """(family, parts, truth) of every usable row."""
    found: list[tuple[str, Parts, float]] = []
    for case in cases:
        truth = step_truth(case)
        if truth and not drop_reason(case):
            found.append((family(case.row["model"]), parts_of(case), truth))
    return found


def weighted(samples: Sequence[tuple[str, Parts, float]]) -> list[tuple[Parts, float, float]]:
    """Square root of the family's size as its weight: neither one big table nor one lone row decides."""
    sizes = Counter(name for name, _, _ in samples)
    return [(parts, truth, 1 / sizes[name] ** 0.5) for name, parts, truth in samples]


def leave_one_out(
    samples: Sequence[tuple[str, Parts, float]], physical: Mapping[str, float] = PHYSICAL
) -> dict[str, list[float]]:
    """Relative errors of every family, with constants fitted on all the others."""
    errors: dict[str, list[float]] = {}
    for name in sorted({sample[0] for sample in samples}):
        values = fit(weighted([s for s in samples if s[0] != name]), physical)
        errors[name] = [predict(values, parts) / truth - 1 for own, parts, truth in samples if own == name]
    return errors


def first_samples(cases: Sequence[Case]) -> list[tuple[str, Parts, float]]:
    """(family, parts, truth) of rows whose replica is far from saturation: at most 8 requests, sent at once, run."""
    found: list[tuple[str, Parts, float]] = []
    for case in cases:
        row = case.row
        truth = row["ttft_p50_ms"] or row["ttft_mean_ms"]
        if truth and row["concurrency"] <= UNSATURATED and not case.cached and not drop_reason(case):
            cost = costs(case.architecture, case.device, case.engine)
            found.append((family(row["model"]), first_parts(cost, row["isl_mean"], case.running), truth))
    return found


def report(
    title: str, samples: Sequence[tuple[str, Parts, float]], physical: Mapping[str, float]
) -> tuple[dict[str, float], str]:
    """Fit, print both errors, and return the constants with the sentence that states their error."""
    values = fit(weighted(samples), physical)
    inside = [abs(predict(values, parts) / truth - 1) for _, parts, truth in samples]
    outside = leave_one_out(samples, physical)
    flat = [abs(error) for errors in outside.values() for error in errors]
    print(f"{title}: {len(samples)} rows; in sample median {median(inside):.1%}, p90 {quantile(inside, 0.9):.1%}")
    print(f"  leave-one-family-out median {median(flat):.1%}, p90 {quantile(flat, 0.9):.1%}")
    for name, errors in outside.items():
        print(
            f"    {name:26} n={len(errors):3} median |e| {median([abs(e) for e in errors]):6.1%} bias {median(errors):+.1%}"
        )
    text = f"error on unseen families: median {median(flat):.0%}, 9 of 10 within {quantile(flat, 0.9):.0%}"
    return values, text


def write(step: Mapping[str, float], step_error: str, first: Mapping[str, float], first_error: str) -> None:
    """Replace the constants file."""
    lines = [
        '"""Constants of the latency roofline. GENERATED by ``benchmarks/fit_roofline.py``; run it again, never edit by hand."""',
        "",
    ]
    for name, values in (("STEP", step), ("FIRST", first)):
        lines.append(f"{name}: dict[str, float] = {{")
        lines += [f'    "{key}": {value:.5g},' for key, value in values.items()]
        lines.append("}")
    lines += [f'STEP_ERROR = "{step_error}"', f'FIRST_ERROR = "{first_error}"', ""]
    TARGET.write_text("\n".join(lines), encoding="utf-8")


def main() -> None:
    """Fit, report, and write unless ``--check`` is given."""
    cases = list(latency_cases())
    for reason, count in Counter(reason for case in cases if (reason := drop_reason(case))).items():
        print(f"dropped {count:3}: {reason}")
    step, step_error = report("time per output token", step_samples(cases), PHYSICAL)
    first, first_error = report("time to first token, unsaturated", first_samples(cases), FIRST_PHYSICAL)
    print({key: round(value, 5) for key, value in (step | {f"first.{k}": v for k, v in first.items()}).items()})
    if "--check" not in sys.argv:
        write(step, step_error, first, first_error)


if __name__ == "__main__":
    main()
