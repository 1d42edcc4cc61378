"""Every metric of the gateway: the one home of names, labels and meanings. ``describe`` feeds the reference page.

Labels hold only names that the configuration knows, so no client can make a series: see ``Metrics.tenant``.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import Literal

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

MAX_TENANTS = 1000  # label values; tenants beyond are counted together
OTHER = "other"
NONE = "none"

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)


@dataclass(frozen=True, slots=True)
class Family:
    """One metric. ``name`` is as scraped: counters end in ``_total``."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    labels: tuple[str, ...]
    help: str
    buckets: tuple[float, ...] = ()


REQUESTS = Family(
    "llm_gateway_requests_total", "counter", ("tenant", "model", "class", "outcome", "status"),
    "Requests that ended, by outcome and HTTP status (499: the client left first).",
)  # fmt: skip
DEMAND = Family(
    "llm_gateway_demand_total", "counter", ("model",),
    "Requests that were routed to a model, rejected ones included; scaling from zero follows its rate.",
)  # fmt: skip
PROMPT_TOKENS = Family(
    "llm_gateway_prompt_tokens_total", "counter", ("tenant", "model", "source"),
    "Prompt tokens that were sent to engines; source is exact, estimate or usage (as the engine counted).",
)  # fmt: skip
COMPLETION_TOKENS = Family(
    "llm_gateway_completion_tokens_total", "counter", ("tenant", "model"), "Completion tokens that engines produced."
)
TTFT = Family(
    "llm_gateway_time_to_first_token_seconds", "histogram", ("model", "class"),
    "From a streamed request's arrival to its first byte, queueing included.", _SECONDS,
)  # fmt: skip
DURATION = Family(
    "llm_gateway_request_duration_seconds", "histogram", ("model", "class"),
    "From a request's arrival to its last byte, for requests that reached an engine.", _SECONDS,
)  # fmt: skip
QUEUE_WAIT = Family(
    "llm_gateway_queue_wait_seconds", "histogram", ("model", "class"), "Time that requests waited for a slot.", _SECONDS
)
QUEUE_DEPTH = Family("llm_gateway_queue_depth", "gauge", ("model",), "Requests that wait for a slot.")
IN_FLIGHT = Family("llm_gateway_in_flight_requests", "gauge", ("model",), "Requests that hold a slot.")
OPEN = Family("llm_gateway_open_requests", "gauge", (), "Requests being handled, waiting ones included.")
SLOTS = Family("llm_gateway_slots", "gauge", ("model",), "Slots of this gateway pod: what it may keep in flight.")
REJECTIONS = Family(
    "llm_gateway_rejections_total", "counter", ("tenant", "model", "reason"),
    "Requests that were refused before an engine saw them; reason is the error's code.",
)  # fmt: skip
LIMIT_USED = Family(
    "llm_gateway_limit_used_ratio", "gauge", ("tenant", "limit"),
    "Used share of a tenant's limit, as last seen.",
)  # fmt: skip
LIMIT_STORE_UP = Family("llm_gateway_limit_store_up", "gauge", (), "1 while the store of limits answers, else 0.")
RETRIES = Family(
    "llm_gateway_retries_total", "counter", ("model", "reason"), "Second attempts on the same model, pinned to stable."
)
FALLBACKS = Family(
    "llm_gateway_fallbacks_total", "counter", ("model", "to", "reason"), "Requests that another model answered."
)
RETRY_BUDGET_EMPTY = Family(
    "llm_gateway_retry_budget_exhausted_total", "counter", ("model",), "Retries and fallbacks that the budget forbade."
)
ENDPOINTS = Family(
    "llm_gateway_endpoints", "gauge", ("model", "revision", "state"),
    "Engine endpoints by state: ready, or ejected (ready, but set aside for its failures).",
)  # fmt: skip
EJECTIONS = Family(
    "llm_gateway_ejections_total", "counter", ("model", "reason"), "Endpoints set aside: reason is failures or hang."
)
MIRRORED = Family(
    "llm_gateway_mirrored_requests_total", "counter", ("model", "revision", "outcome"),
    "Copies sent to a shadow revision; outcome is ok, refused (full, or the request was not to its liking), failed or timeout.",
)  # fmt: skip
MIRRORED_TOKENS = Family(
    "llm_gateway_mirrored_tokens_total", "counter", ("model", "revision", "kind"),
    "Tokens of copies as the shadow's engine counted them; kind is prompt or completion. No tenant pays for them.",
)  # fmt: skip
MIRROR_DROPPED = Family(
    "llm_gateway_mirror_dropped_total", "counter", ("model", "reason"),
    "Copies that were due and not sent; reason is full (the shadow's slots), no_backend or too_large.",
)  # fmt: skip
TRACK = Family(
    "llm_gateway_track_info", "gauge", ("model", "track", "revision"),
    "1 for each track and the revision it points to; joins track names onto series of revisions.",
)  # fmt: skip
TRACK_WEIGHT = Family(
    "llm_gateway_track_weight",
    "gauge",
    ("model", "track"),
    "Weight of a track, in percent, as applied (brake included).",
)
BRAKE = Family("llm_gateway_brake", "gauge", (), "1 while the brake pins all traffic to stable.")
RELOADS = Family(
    "llm_gateway_config_reloads_total",
    "counter",
    ("result",),
    "Configuration reloads: applied, or rejected as invalid.",
)
DRAINING = Family("llm_gateway_draining", "gauge", (), "1 from SIGTERM on.")
ANSWERS = Family(
    "llm_gateway_answers_total", "counter", ("model", "revision"),
    "Answers that came to their end, by the revision that gave them; a shadow's copies included.",
)  # fmt: skip
REFUSALS = Family(
    "llm_gateway_refusals_total", "counter", ("model", "revision"),
    "Answers that the engine marked as refused: message.refusal, or finish_reason content_filter.",
)  # fmt: skip
STRUCTURED = Family(
    "llm_gateway_structured_answers_total", "counter", ("model", "revision", "kind", "result"),
    "Answers to requests for json or with tools; result is valid, invalid, truncated (by its limit) or unchecked (beyond bounds).",
)  # fmt: skip
LOOP_LAG = Family(
    "llm_gateway_event_loop_lag_seconds", "gauge", (), "How late the event loop ran its last once-a-second timer."
)

FAMILIES: tuple[Family, ...] = tuple(value for value in list(globals().values()) if isinstance(value, Family))


def describe() -> tuple[Family, ...]:
    """Every family, sorted by name."""
    return tuple(sorted(FAMILIES, key=lambda family: family.name))


class Metrics(Collector):
    """The gateway's series, kept as plain numbers: one event loop counts and shows them, so the library's locks would guard nothing."""

    def __init__(self, *, max_tenants: int = MAX_TENANTS, latency_bounds: tuple[float, ...] = ()) -> None:
        """``latency_bounds``: more bounds of the histograms, in seconds, such as the objectives that are measured with them."""
        self._max_tenants = max_tenants
        self._tenants: set[str] = set()
        self._bounds = {
            family.name: tuple(sorted({*family.buckets, *latency_bounds})) for family in FAMILIES if family.buckets
        }
        self._values: dict[str, dict[tuple[str, ...], float]] = {
            family.name: {} if family.labels else {(): 0.0} for family in FAMILIES
        }
        self._observed: dict[str, dict[tuple[str, ...], _Observed]] = {name: {} for name in self._bounds}

    def tenant(self, name: str | None) -> str:
        """The label value for a tenant: its name, or ``other`` once as many names were seen as may be told apart."""
        if name is None:
            return NONE
        if name in self._tenants:
            return name
        if len(self._tenants) < self._max_tenants:
            self._tenants.add(name)
            return name
        return OTHER

    def inc(self, family: Family, *labels: str, by: float = 1) -> None:
        """Raise a counter or gauge."""
        values = self._values[family.name]
        values[labels] = values.get(labels, 0.0) + by

    def set(self, family: Family, value: float, *labels: str) -> None:
        """Set a gauge."""
        self._values[family.name][labels] = value

    def observe(self, family: Family, value: float, *labels: str) -> None:
        """Add a value to a histogram."""
        series = self._observed[family.name]
        observed = series.get(labels)
        bounds = self._bounds[family.name]
        if observed is None:
            observed = series[labels] = _Observed(len(bounds))
        observed.counts[bisect_left(bounds, value)] += 1
        observed.sum += value

    def replace(self, family: Family, values: dict[tuple[str, ...], float]) -> None:
        """Make these the only series of a gauge."""
        self._values[family.name] = dict(values)

    def render(self) -> bytes:
        """Prometheus' text format."""
        registry = CollectorRegistry()
        registry.register(self)
        return generate_latest(registry)

    def collect(self) -> Iterator[Metric]:
        """Every family with its series, for the library's formats."""
        for family in FAMILIES:
            if family.kind == "histogram":
                yield self._histogram(family)
                continue
            kind = CounterMetricFamily if family.kind == "counter" else GaugeMetricFamily
            metric = kind(family.name, family.help, labels=family.labels)
            for labels, value in self._values[family.name].items():
                metric.add_metric(labels, value)
            yield metric

    def _histogram(self, family: Family) -> Metric:
        metric = HistogramMetricFamily(family.name, family.help, labels=family.labels)
        bounds: list[str] = [floatToGoString(bound) for bound in (*self._bounds[family.name], float("inf"))]  # type: ignore[no-untyped-call]
        for labels, observed in self._observed[family.name].items():
            metric.add_metric(labels, list(zip(bounds, accumulate(observed.counts), strict=True)), observed.sum)
        return metric


class _Observed:
    """One histogram's counts by bucket, the last one without a bound, and the sum of all values."""

    __slots__ = ("counts", "sum")

    def __init__(self, bounds: int) -> None:
        self.counts = [0] * (bounds + 1)
        self.sum = 0.0
