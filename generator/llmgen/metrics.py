"""Names of metrics and labels, as charts/llm-serving/files/metrics.yaml has them: their one home."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from llmgen import chart

FILE = "files/metrics.yaml"
"""Where in the chart the names are."""

_WORD = re.compile(r"<([a-z][A-Za-z0-9]*(?:\.[A-Za-z_]+)?)>")


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One metric. ``name`` is as scraped: counters end in ``_total``, of histograms it is what ``_bucket`` is appended to."""

    name: str
    type: str
    labels: tuple[str, ...]
    help: str

    @property
    def series(self) -> tuple[str, ...]:
        """Names that a query may use."""
        parts = ("_bucket", "_sum", "_count") if self.type == "histogram" else ("",)
        return tuple(self.name + part for part in parts)


def metric(exporter: str, key: str) -> Metric:
    """Return one metric, such as ``metric("engine", "running")``. Raises KeyError."""
    return exporters()[exporter][key]


def label(key: str) -> str:
    """Return a label that scraping adds, such as ``label("revision")``. Raises KeyError."""
    name: str = _file()["labels"][key]
    return name


@functools.cache
def exporters() -> Mapping[str, Mapping[str, Metric]]:
    """Return every metric by exporter and key."""
    beside = {"labels", "scraped", "sources"}
    return {
        exporter: {key: _metric(entry) for key, entry in entries.items()}
        for exporter, entries in _file().items()
        if exporter not in beside
    }


def scraped_labels(exporter: str) -> frozenset[str]:
    """Return the labels that series of an exporter carry beside their own. Raises KeyError."""
    return frozenset(_file()["scraped"][exporter])


def selector(*, namespace: str, release: str, model: str | None = None, revision: str | None = None) -> str:
    """Return the label matchers of a release's engine series, without braces."""
    given = {"namespace": namespace, label("release"): release, label("model"): model, label("revision"): revision}
    return ",".join(f'{name}="{value}"' for name, value in given.items() if value is not None)


def gateway_selector(*, namespace: str, release: str, model: str | None = None) -> str:
    """Return the label matchers of a release's gateway series, without braces."""
    given = {"namespace": namespace, label("release"): release, "model": model}
    return ",".join(f'{name}="{value}"' for name, value in given.items() if value is not None)


def expand(text: str, words: Mapping[str, str]) -> str:
    """Return ``text`` with its words in angle brackets replaced: ``<engine.running>`` by a metric's name, the rest by ``words``.

    The language of the chart's files/rules.yaml. Raises KeyError for a word that is nothing.
    """
    return _WORD.sub(lambda found: words[found[1]] if found[1] in words else _series(found[1]), text)


def _series(word: str) -> str:
    exporter, _, key = word.partition(".")
    key, _, part = key.partition("_")
    found = metric(exporter, key)
    name = f"{found.name}_{part}" if part else found.name
    if part and name not in found.series:
        raise KeyError(word)
    return name


def _metric(entry: Mapping[str, Any]) -> Metric:
    return Metric(name=entry["name"], type=entry["type"], labels=tuple(entry["labels"]), help=entry["help"])


@functools.cache
def _file() -> Mapping[str, Any]:
    return chart.read(FILE)
