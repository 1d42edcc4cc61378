"""The registry: families, types, labels, buckets and help texts replayed from the capture, with live values."""

from __future__ import annotations

import bisect
import re
import time
from dataclasses import dataclass, field

from fake_engine import surface

Labels = tuple[tuple[str, str], ...]  # sorted by name, as the exposition prints them
SAMPLE = re.compile(r"(?P<name>[^{ ]+)(?:\{(?P<labels>.*)\})? (?P<value>\S+)")
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
LAZY = "handler"  # families with this label have no series before the first request
# --custom-histogram-buckets: family -> metrics (vllm/v1/metrics/loggers.py)
BUCKET_FAMILIES = {
    "request_latency": ["e2e_request_latency_seconds", "request_queue_time_seconds", "request_inference_time_seconds",
                        "request_prefill_time_seconds", "request_decode_time_seconds"],
    "time_to_first_token": ["time_to_first_token_seconds"],
    "inter_token_latency": ["inter_token_latency_seconds", "request_time_per_output_token_seconds"],
    "iteration_tokens": ["iteration_tokens_total"],
    "request_params_n": ["request_params_n"],
    "request_num_preemptions": ["request_num_preemptions"],
    "request_tokens": ["request_prompt_tokens", "request_generation_tokens", "request_max_num_generation_tokens",
                       "request_params_max_tokens", "request_prefill_kv_computed_tokens"],
}  # fmt: skip


@dataclass(slots=True)
class Series:
    """One label set: a number, or the counts per bucket and the sum of what was observed."""

    value: float = 0.0
    counts: list[int] = field(default_factory=list)
    created: float = field(default_factory=time.time)


@dataclass(slots=True)
class Family:
    """One ``# TYPE`` block, and the ``_created`` block that follows it where the client library writes one."""

    name: str
    kind: str
    help: str
    created: str = ""
    buckets: list[float] = field(default_factory=list)
    series: dict[Labels, Series] = field(default_factory=dict)

    def at(self, labels: dict[str, str]) -> Series:
        key = tuple(sorted(labels.items()))
        found = self.series.get(key)
        if found is None:
            found = self.series[key] = Series(counts=[0] * (len(self.buckets) + 1))
        return found


class Registry:
    """Every family of the capture under this engine's own model name."""

    def __init__(self, *, model: str, created: bool, buckets: dict[str, list[float]], max_model_len: int) -> None:
        self._families = _families(surface.metrics(), model)
        self._common = {"model_name": model, "engine": "0"}
        self._created = created
        for key, bounds in {"request_tokens": one_two_five(max_model_len), **buckets}.items():
            for name in BUCKET_FAMILIES.get(key, []):
                self._rebucket(self._families[f"vllm:{name}"], bounds)

    def _rebucket(self, family: Family, buckets: list[float]) -> None:
        family.buckets = [float(bound) for bound in buckets]
        for series in family.series.values():
            series.counts = [0] * (len(buckets) + 1)

    def _series(self, name: str, labels: dict[str, str]) -> tuple[Family, Series]:
        family = self._families[name]
        if not name.startswith("vllm:"):
            return family, family.at(labels)
        key = tuple(sorted((self._common | labels).items()))
        if key not in family.series:  # admission_rejections has no engine label
            key = tuple(pair for pair in key if pair[0] != "engine")
        return family, family.series[key]

    def add(self, name: str, amount: float = 1.0, **labels: str) -> None:
        """Increase a counter. Raises KeyError for a series the capture does not have."""
        self._series(name, labels)[1].value += amount

    def put(self, name: str, value: float, **labels: str) -> None:
        """Set a gauge, or a counter that something else counts."""
        self._series(name, labels)[1].value = value

    def observe(self, name: str, value: float, times: int = 1, **labels: str) -> None:
        """Add to a histogram or a summary."""
        family, series = self._series(name, labels)
        series.value += value * times
        series.counts[bisect.bisect_left(family.buckets, value)] += times

    def relabel(self, name: str, changes: dict[str, str]) -> None:
        """Change label values of a family with one series, such as an info gauge."""
        family = self._families[name]
        ((labels, series),) = family.series.items()
        family.series = {tuple((key, changes.get(key, value)) for key, value in labels): series}

    def value(self, name: str, **labels: str) -> float:
        """Read a series back."""
        return self._series(name, labels)[1].value

    def render(self) -> str:
        """Print the exposition, in the order of the capture."""
        return "".join(line for family in self._families.values() for line in _render(family, created=self._created))


def one_two_five(most: int) -> list[float]:
    """1, 2, 5, 10, 20, … up to ``most``: the buckets of token counts."""
    bounds = (mantissa * 10**exponent for exponent in range(len(str(most))) for mantissa in (1, 2, 5))
    return [float(bound) for bound in bounds if bound <= most]


def number(value: float) -> str:
    """Print a number as the client library does: 1.0, 1e+06, +Inf."""
    if value == float("inf"):
        return "+Inf"
    text = repr(float(value))
    whole, dot, fraction = text.partition(".")
    if dot and len(whole) > 6 and "e" not in text:
        digits = f"{whole[0]}.{whole[1:]}{fraction}".rstrip("0.")
        return f"{digits}e+{len(whole) - 1:02d}"
    return text


def _render(family: Family, *, created: bool) -> list[str]:
    lines = [f"# HELP {family.name} {family.help}\n", f"# TYPE {family.name} {family.kind}\n"]
    for labels, series in family.series.items():
        lines += _samples(family, labels, series)
    if created and family.created:
        lines += [f"# HELP {family.created} {family.help}\n", f"# TYPE {family.created} gauge\n"]
        lines += [_line(family.created, labels, series.created) for labels, series in family.series.items()]
    return lines


def _samples(family: Family, labels: Labels, series: Series) -> list[str]:
    if family.kind not in {"histogram", "summary"}:
        return [_line(family.name, labels, series.value)]
    lines, seen = [], 0
    if family.kind == "histogram":
        for bound, count in zip([*family.buckets, float("inf")], series.counts, strict=True):
            seen += count
            lines.append(_line(f"{family.name}_bucket", tuple(sorted([*labels, ("le", number(bound))])), seen))
    lines.append(_line(f"{family.name}_count", labels, sum(series.counts)))
    lines.append(_line(f"{family.name}_sum", labels, series.value))
    return lines


def _line(name: str, labels: Labels, value: float) -> str:
    inside = ",".join(f'{key}="{text}"' for key, text in labels)
    return f"{name}{{{inside}}} {number(value)}\n" if inside else f"{name} {number(value)}\n"


def _families(text: str, model: str) -> dict[str, Family]:
    """Read the capture: structure only, values zero but for info gauges."""
    families: dict[str, Family] = {}
    helps: dict[str, str] = {}
    current = Family("", "", "")
    for line in text.splitlines():
        if line.startswith("# HELP "):
            name, _, words = line.removeprefix("# HELP ").partition(" ")
            helps[name] = words
        elif line.startswith("# TYPE "):
            name, _, kind = line.removeprefix("# TYPE ").partition(" ")
            if name.endswith("_created") and kind == "gauge":
                families[current.name].created = name
                current = Family(current.name, "created", "")
            else:
                current = families[name] = Family(name, kind, helps[name])
        elif current.kind != "created":
            _sample(current, SAMPLE.fullmatch(line), model)
    return families


def _sample(family: Family, sample: re.Match[str] | None, model: str) -> None:
    if sample is None:
        return
    labels = {key: model if key == "model_name" else value for key, value in LABEL.findall(sample["labels"] or "")}
    bound = labels.pop("le", None)
    if bound not in {None, "+Inf"} and float(str(bound)) not in family.buckets:
        family.buckets.append(float(str(bound)))
    if LAZY in labels:
        return
    series = family.at(labels)
    series.counts = [0] * (len(family.buckets) + 1)
    series.value = 1.0 if family.name.endswith("_info") else 0.0
