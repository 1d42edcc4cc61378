"""The values of scraping, alerts and dashboards, and the targets and histogram bounds they compare with."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from llmgen import chart
from llmgen.plan.derivation import Derived, from_catalog, from_spec
from llmgen.plan.monitoring import discovery

if TYPE_CHECKING:
    from llmgen.catalog.engines import VllmVersion
    from llmgen.problems import Path
    from llmgen.spec import Spec
    from llmgen.spec.model import Model
    from llmgen.values.tree import ValueTree

LONGEST_INTERVAL_SECONDS = 120
"""Rates over five minutes need at least two samples; the chart's contract allows no longer interval."""

_BUCKETS_FLAG = "custom-histogram-buckets"
_OTLP_HTTP_PORT = 4318


def put_observability(tree: ValueTree, spec: Spec) -> None:
    """Put the block ``observability``, where the cluster has a Prometheus."""
    how, path = discovery(spec), ("observability",)
    if how is None:
        return
    origin = ("addons", "prometheusOperator") if how == "operator" else ("prometheus", "address")
    tree.copy((*path, "enabled"), True, ("cluster", *origin))
    if how != "operator":
        because = "the cluster has a Prometheus, and not prometheus-operator"
        tree.put((*path, "discovery"), Derived(value=how, because=because, origins=(from_spec("cluster", *origin),)))
    given = spec.observability
    _interval(tree, given.scrape_interval)
    tree.copy((*path, "slos", "availability"), given.slos.availability, (*path, "slos", "availability"))
    tree.copy((*path, "slos", "ttft"), given.slos.ttft, (*path, "slos", "ttft"))
    if not given.alerts.enabled:
        tree.copy((*path, "alerts", "enabled"), False, (*path, "alerts", "enabled"))
    if given.alerts.labels:
        tree.copy((*path, "alerts", "labels"), dict(given.alerts.labels), (*path, "alerts", "labels"))
    if not given.dashboards.enabled:
        tree.copy((*path, "dashboards", "enabled"), False, (*path, "dashboards", "enabled"))
    tree.copy((*path, "dashboards", "folder"), given.dashboards.folder, (*path, "dashboards", "folder"))


def put_tracing(tree: ValueTree, spec: Spec) -> None:
    """Put where engines send traces. vLLM appends no path to a URL, and speaks gRPC unless it is told (vllm/tracing/otel.py)."""
    given, path = spec.observability.otlp_endpoint, ("engineDefaults", "tracing")
    if given is None:
        return
    origin: Path = ("observability", "otlpEndpoint")
    url = urlsplit(given)
    if url.scheme == "grpc" or (url.port != _OTLP_HTTP_PORT and url.path.strip("/") == ""):
        tree.copy((*path, "endpoint"), given, origin)
        return
    endpoint = given if url.path.strip("/") else f"{given.rstrip('/')}/v1/traces"
    because = f"OTLP over HTTP, by the {'path' if url.path.strip('/') else 'port'} of the URL"
    for key, value in (("endpoint", endpoint), ("protocol", "http/protobuf")):
        tree.put((*path, key), Derived(value=value, because=because, origins=(from_spec(*origin),)))


def put_targets(tree: ValueTree, name: str, model: Model) -> None:
    """Put what a model promises."""
    path: Path = ("models", name, "targets")
    for key, origin, target in (
        ("ttftSeconds", "ttftP95", model.targets.ttft_p95),
        ("tpotSeconds", "tpotP95", model.targets.tpot_p95),
    ):
        if target is not None:
            tree.copy((*path, key), _plain(target), (*path, origin))


def put_buckets(tree: ValueTree, path: Path, model: tuple[str, Model], version: VllmVersion | None) -> None:
    """Put histogram bounds that have the targets among them, for engines that take bounds; ``path`` is the revision's."""
    if version is None or _BUCKETS_FLAG not in version.flags:
        return
    name, entry = model
    surface = chart.read("files/engine.yaml")["metrics"]
    for key, origin, target in (
        ("ttft", "ttftP95", entry.targets.ttft_p95),
        ("tpot", "tpotP95", entry.targets.tpot_p95),
    ):
        usual = [float(bound) for bound in surface[f"{key}Buckets"]]
        if target is None or _plain(target) in usual:
            continue
        family, bounds = surface[f"{key}Family"], sorted({*usual, float(_plain(target))})
        because = f"vLLM's own, and the target of {_plain(target):g} s: a share is exact only at a bound"
        origins = (
            from_spec("models", name, "targets", origin),
            from_catalog(f"vllm.{version.version}.flags.{_BUCKETS_FLAG}"),
        )
        value = [_plain(bound) for bound in bounds]
        tree.put((*path, "metrics", "histogramBuckets", family), Derived(value=value, because=because, origins=origins))


def _interval(tree: ValueTree, interval: float) -> None:
    path: Path = ("observability", "scrapeIntervalSeconds")
    origin: Path = ("observability", "scrapeInterval")
    seconds = min(LONGEST_INTERVAL_SECONDS, max(1, round(interval)))
    if seconds == interval:
        tree.copy(path, seconds, origin)
        return
    because = f"{interval:g} s in the spec; whole seconds, from 1 to {LONGEST_INTERVAL_SECONDS}: rates over five minutes need samples"
    tree.put(path, Derived(value=seconds, because=because, origins=(from_spec(*origin),)))


def _plain(seconds: float) -> float | int:
    """Return ``seconds`` without the dust of binary fractions, whole ones as int."""
    rounded = round(seconds, 6)
    return int(rounded) if rounded == int(rounded) else rounded
