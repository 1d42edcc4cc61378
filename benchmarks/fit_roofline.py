"""Fit the efficiencies of the latency roofline on ``data/perf-truth.jsonl`` and write ``llmgen/sizing/roofline.py``.

Non-negative least squares on relative errors, reweighted so that large errors count linearly (IRLS), each family with the
same total weight. Plain Python: 9 constants, about 250 rows. ``--check`` prints the errors and writes nothing.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
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
    "layer": 0.07,
    "old_layer": 0.04,
    "expert_layer": 0.02,
    "unfused_experts": 0.02,
    "read": 1.1,
    "expert_read": 1.2,
    "dequantize": 1.0,
    "compute": 0.5,
    "prefill": 1.0,
    "reduce": 0.003,
    "link": 1.0,
    "sequence": 0.005,
}
FIRST_PHYSICAL = {"fixed": 20.0, "prefill": 1.6, "step": 1.0}
PRIOR = 0.003
# Relative errors below this count quadratically.
FLOOR = 0.03
# Requests that run at once below which a replica counts as unsaturated.
UNSATURATED = 8

Parts = Mapping[str, float]


def step_truth(case: Case) -> float | None:
    """Measured milliseconds per output token."""
    row = case.row
    return row["tpot_mean_ms"] or row["itl_mean_ms"] or row["tpot_p50_ms"]


def usable(case: Case) -> bool:
    """Rows physics allows: weights fit the GPU, the step reads its bytes in time, tokens/s agree with the concurrency.

    The rest has another number of GPUs, another concurrency or a saturated client behind it than the row says.
    """
    row = case.row
    if case.engine.pipeline_parallel > 1 or row["quality"] == "raw-json-saturated":
        return False
    plan = memory(case.architecture, case.device, case.engine)
    if plan.weights.value > case.device.memory_gib:
        return False
    truth = step_truth(case)
    if truth and truth < 0.9 * _floor(case):
        return False
    if truth and row["output_tok_s"]:
        seconds = ((row["ttft_mean_ms"] or 0) + truth * (row["osl_mean"] - 1)) / 1000
        running = row["output_tok_s"] / row["osl_mean"] * seconds
        return 0.5 <= running / row["concurrency"] <= 2
    return True


def _floor(case: Case) -> float:
    """Milliseconds no GPU can beat: every byte of the step once, at the datasheet's bandwidth."""
    row = case.row
    cost = costs(case.architecture, case.device, case.engine)
    parts = step_parts(cost, row["isl_mean"], row["osl_mean"], row["concurrency"])
    return parts["read"] + parts["expert_read"]


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
    found = []
    for case in cases:
        truth = step_truth(case)
        if truth and usable(case):
            row = case.row
            cost = costs(case.architecture, case.device, case.engine)
            found.append(
                (family(row["model"]), step_parts(cost, row["isl_mean"], row["osl_mean"], row["concurrency"]), truth)
            )
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


def first_samples(cases: Sequence[Case], values: Mapping[str, float]) -> list[tuple[str, Parts, float]]:
    """(family, parts, truth) of rows whose replica is far from saturation: at most 8 requests run."""
    found = []
    for case in cases:
        row = case.row
        truth = row["ttft_p50_ms"] or row["ttft_mean_ms"]
        if truth and row["concurrency"] <= UNSATURATED and usable(case):
            cost = costs(case.architecture, case.device, case.engine)
            step = predict(values, step_parts(cost, row["isl_mean"], row["osl_mean"], row["concurrency"]))
            found.append((family(row["model"]), first_parts(cost, row["isl_mean"], step), truth))
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
    step, step_error = report("time per output token", step_samples(cases), PHYSICAL)
    first, first_error = report("time to first token, unsaturated", first_samples(cases, step), FIRST_PHYSICAL)
    print({key: round(value, 5) for key, value in (step | {f"first.{k}": v for k, v in first.items()}).items()})
    if "--check" not in sys.argv:
        write(step, step_error, first, first_error)


if __name__ == "__main__":
    main()
