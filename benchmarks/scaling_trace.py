"""Requests for benchmarks/scaling.py from public traces: when each arrives, and how many tokens go in and out.

Files, as published or derived (the folder is the benchmark's argument):

    AzureLLMInferenceTrace_2023_conv.csv, _code.csv   github.com/Azure/AzurePublicDataset, CC-BY 4.0 (Patel et al., Splitwise, ISCA 2024)
    servegen_rates_10min.csv               request rate per ten minutes over all clients; github.com/alibaba/ServeGen, Apache-2.0
    servegen_token_quantiles.csv           pooled token quantiles of the same

Rates of days are scaled so that the busiest ten minutes have ``peak`` requests per second: the shape of a day counts, not its size.
"""

from __future__ import annotations

import csv
import random
from bisect import bisect_left
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path

WINDOW = 600
"""Seconds of one rate."""
MOST_PROMPT, MOST_COMPLETION = 28672, 4096
"""Tokens; longer requests are cut, as the gateway's limits would refuse them."""
MOST_CV = 2.0
"""Coefficient of variation of the time between requests; published ones are of single clients, whose sum is calmer."""

JITTER = 30.0
"""Seconds by which the copies of a request may be away from it."""
PAIRS = 5000
"""Lengths that are drawn once per service, and then chosen from."""


@dataclass(frozen=True, slots=True)
class Request:
    """Seconds from the start, and tokens."""

    at: float
    prompt: int
    completion: int


@dataclass(frozen=True, slots=True)
class Load:
    """Rates per window, and where lengths are drawn from."""

    name: str
    rates: tuple[float, ...]
    variations: tuple[float, ...]
    lengths: tuple[tuple[int, int], ...]
    lasts: float = 0.0

    @property
    def seconds(self) -> float:
        """How long it is replayed."""
        return self.lasts or len(self.rates) * WINDOW

    def mean_tokens(self) -> tuple[float, float]:
        """Mean prompt and completion."""
        return tuple(sum(pair[side] for pair in self.lengths) / len(self.lengths) for side in (0, 1))  # type: ignore[return-value]

    def fastest_growth(self) -> float:
        """The largest rise between two windows, in requests per second per minute."""
        steps = zip(self.rates, self.rates[1:], strict=False)
        return max((after - before) / (WINDOW / 60) for before, after in steps)


def day(folder: Path, workload: str, number: int, peak: float) -> Load:
    """One day of ServeGen's rates, scaled. Lengths are the workload's own where they are published, else Azure's conversations."""
    rows = [row for row in _rates(folder) if row[0] == workload][number * 144 : (number + 1) * 144]
    most = max(rate for _, rate, _ in rows)
    lengths = _quantiles(folder).get(workload) or azure(folder, "conv")[1]
    return Load(
        name=f"{workload} day {number}",
        rates=tuple(rate / most * peak for _, rate, _ in rows),
        variations=tuple(min(variation, MOST_CV) for _, _, variation in rows),
        lengths=lengths,
    )


def draw(load: Load, seed: int) -> list[Request]:
    """Draw arrivals (gamma distributed gaps) and lengths."""
    dice, found = random.Random(seed), []  # noqa: S311 -- a simulation
    for window, (rate, variation) in enumerate(zip(load.rates, load.variations, strict=True)):
        at, end = window * WINDOW, (window + 1) * WINDOW
        shape = 1 / max(variation, 0.2) ** 2
        clock = float(at)
        while rate > 0 and (clock := clock + dice.gammavariate(shape, 1 / (shape * rate))) < end:
            found.append(Request(clock, *dice.choice(load.lengths)))
    return found


def hour(folder: Path, name: str, copies: int) -> Load:
    """One of Azure's hours, ``copies`` times as large; it is replayed twice, because its first half would only warm up."""
    times, lengths = azure(folder, name)
    counts: dict[int, int] = defaultdict(int)
    for at in times:
        counts[int(at // WINDOW)] += copies
    rates = tuple(counts[index] / WINDOW for index in range(max(counts) + 1))
    size = f" x{copies}" if copies > 1 else ""
    return Load(f"azure {name}{size}", rates, (1.0,) * len(rates), lengths, lasts=2 * times[-1])


def replay(folder: Path, name: str, copies: int, seed: int) -> list[Request]:
    """Azure's hour twice: its own arrivals, and of a larger service as many others near each of them."""
    times, lengths = azure(folder, name)
    dice, end, found = random.Random(seed), times[-1], []  # noqa: S311 -- a simulation
    for at, pair in zip(times, lengths, strict=True):
        found.append(Request(at, *pair))
        found += [Request(abs(at + dice.uniform(-JITTER, JITTER)), *pair) for _ in range(copies - 1)]
    again = [Request(one.at + end, one.prompt, one.completion) for one in found]
    return sorted(found + again, key=lambda one: one.at)


@cache
def azure(folder: Path, name: str) -> tuple[tuple[float, ...], tuple[tuple[int, int], ...]]:
    """Seconds from the first request, and (prompt, completion) of each."""
    with (folder / f"AzureLLMInferenceTrace_2023_{name}.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    clock = [datetime.fromisoformat(row["TIMESTAMP"][:26]).timestamp() for row in rows]
    pairs = tuple(_cut(int(row["ContextTokens"]), int(row["GeneratedTokens"])) for row in rows)
    return tuple(at - clock[0] for at in clock), pairs


@cache
def _rates(folder: Path) -> tuple[tuple[str, float, float], ...]:
    with (folder / "servegen_rates_10min.csv").open(encoding="utf-8") as file:
        return tuple(
            (row["workload"], float(row["total_rate_rps"]), float(row["rate_weighted_cv"] or 1))
            for row in csv.DictReader(file)
        )


@cache
def _quantiles(folder: Path) -> dict[str, tuple[tuple[int, int], ...]]:
    """Prompts and completions that follow the published quantiles, paired at random."""
    columns: dict[str, list[tuple[float, float, float]]] = defaultdict(list)
    with (folder / "servegen_token_quantiles.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            columns[row["workload"]].append(
                (float(row["quantile"]), float(row["input_tokens"]), float(row["output_tokens"]))
            )
    dice, found = random.Random(0), {}  # noqa: S311 -- a simulation
    for workload, rows in columns.items():
        at = [row[0] for row in rows]
        picks = [min(bisect_left(at, dice.random()), len(at) - 1) for _ in range(2 * PAIRS)]
        found[workload] = tuple(
            _cut(rows[one][1], rows[other][2]) for one, other in zip(picks[::2], picks[1::2], strict=True)
        )
    return found


def _cut(prompt: float, completion: float) -> tuple[int, int]:
    return max(1, min(int(prompt), MOST_PROMPT)), max(1, min(int(completion), MOST_COMPLETION))
