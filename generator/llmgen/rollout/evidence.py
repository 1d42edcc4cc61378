"""What Prometheus knows about two revisions of a model, over a time.

Queries select the revision, never the track: tracks move during the time that is looked at. Errors, lengths and latencies come from the
engines themselves, since nobody in front of them can tell revisions apart with every provider.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from llmgen import metrics
from llmgen.checks.names import object_name

if TYPE_CHECKING:
    from llmgen.rollout.prometheus import Prometheus

P95 = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """``seconds`` that end ``ago`` seconds before now."""

    seconds: int
    ago: int = 0

    def __str__(self) -> str:
        """As PromQL has it, behind a selector."""
        return f"[{self.seconds}s]" + (f" offset {self.ago}s" if self.ago else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """Whose series are asked for. judged: a gateway sees its answers."""

    namespace: str
    release: str
    model: str
    name: str
    generates: bool = True
    judged: bool = True

    def engine(self, key: str, window: Window, *more: str, suffix: str = "") -> str:
        """Return a range selector of an engine metric."""
        own = metrics.selector(namespace=self.namespace, release=self.release, model=self.model, revision=self.name)
        return f"{metrics.metric('engine', key).name}{suffix}{{{','.join((own, *more))}}}{window}"

    def gateway(self, key: str, window: Window, *more: str) -> str:
        """Return a range selector of what the gateway counts by revision."""
        own = metrics.gateway_selector(namespace=self.namespace, release=self.release, model=self.model)
        labels = ",".join((own, f'revision="{self.name}"', *more))
        return f"{metrics.metric('gateway', key).name}{{{labels}}}{window}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Counts and seconds of one revision; None is missing. Shares are of 1."""

    samples: float | None
    error_rate: float | None
    ttft_p95: float | None
    tpot_p95: float | None
    truncation: float | None
    refusals: Share | None = None
    json: Share | None = None
    tools: Share | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """``part`` of ``whole`` answers; no answer of that kind is a whole of 0."""

    part: float
    whole: float

    @property
    def value(self) -> float:
        """From 0 to 1."""
        return self.part / self.whole if self.whole else 0.0


def gather(prometheus: Prometheus, of: Revision, window: Window, at: float) -> Evidence:
    """Ask for everything about one revision. Raises PrometheusError."""

    def ask(query: str) -> float | None:
        return prometheus.value(query, at=at)

    finished = ask(_sum(of.engine("finished", window)))
    judged = of.generates and of.judged
    return Evidence(
        samples=finished,
        error_rate=_share(_errors(ask, of, window), ask(_sum(of.engine("http", window)))),
        ttft_p95=ask(_p95(of, "ttft" if of.generates else "e2e", window)),
        tpot_p95=ask(_p95(of, "tpot", window)) if of.generates else None,
        truncation=_share(ask(_sum(of.engine("finished", window, 'finished_reason=~"length|abort"'))), finished),
        refusals=_counted(ask, of.gateway("refusals", window), of.gateway("answers", window)) if judged else None,
        json=_invalid(ask, of, window, "json") if judged else None,
        tools=_invalid(ask, of, window, "tools") if judged else None,
    )


def ready_query(of: Revision) -> str:
    """Return the query for a revision's ready engines: as gateways see them, or kube-state-metrics where there is no gateway."""
    endpoints, available = (
        metrics.metric("gateway", "endpoints").name,
        metrics.metric("kubeState", "deploymentAvailable").name,
    )
    own = metrics.gateway_selector(namespace=of.namespace, release=of.release, model=of.model)
    deployment = object_name(of.release, of.model, of.name)
    return (
        f'min({endpoints}{{{own},revision="{of.name}",state="ready"}}) '
        f'or max({available}{{namespace="{of.namespace}",deployment="{deployment}"}})'
    )


def brake_query(of: Revision) -> str:
    """Return the query for whether any gateway is braked."""
    own = metrics.gateway_selector(namespace=of.namespace, release=of.release)
    return f"max({metrics.metric('gateway', 'brake').name}{{{own}}})"


def _errors(ask: Ask, of: Revision, window: Window) -> float | None:
    """Failed requests: 5xx but for those that a full queue refused, and streams that broke after their 200.

    A counter without a series has not counted: the engine makes some of them at the first event.
    """
    failed = ask(_sum(of.engine("http", window, 'status="5xx"'))) or 0.0
    shed = ask(_sum(of.engine("rejections", window))) or 0.0
    broken = ask(_sum(of.engine("finished", window, 'finished_reason="error"')))
    return None if broken is None else max(0.0, failed - shed) + broken


def _invalid(ask: Ask, of: Revision, window: Window, kind: str) -> Share | None:
    """Invalid ones among the answers that were judged to their end: neither cut at their limit nor beyond the judge's bounds."""
    own = f'kind="{kind}"'
    invalid, judged = (
        of.gateway("structured", window, own, f"result{found}") for found in ('="invalid"', '=~"valid|invalid"')
    )
    return _counted(ask, invalid, judged)


def _counted(ask: Ask, part: str, whole: str) -> Share | None:
    """A share of two counters; None where the gateway does not count this revision."""
    of = ask(_sum(whole))
    return None if of is None else Share(part=ask(_sum(part)) or 0.0, whole=of)


def _sum(selector: str) -> str:
    return f"sum(increase({selector}))"


def _p95(of: Revision, key: str, window: Window) -> str:
    return f"histogram_quantile({P95}, sum by (le) (rate({of.engine(key, window, suffix='_bucket')})))"


def _share(part: float | None, whole: float | None) -> float | None:
    return None if part is None or not whole else part / whole


if TYPE_CHECKING:
    from collections.abc import Callable

    Ask = Callable[[str], float | None]
