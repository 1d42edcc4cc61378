"""Answers by revision, as metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llm_gateway import metrics as names

if TYPE_CHECKING:
    from llm_gateway.metrics import Metrics
    from llm_gateway.quality.judge import Judged


def count(metrics: Metrics, model: str, revision: str | None, *, refused: bool, judged: Judged | None) -> None:
    """Count one answer that came to its end."""
    of = revision or names.NONE
    metrics.inc(names.ANSWERS, model, of)
    if refused:
        metrics.inc(names.REFUSALS, model, of)
    if judged is not None:
        metrics.inc(names.STRUCTURED, model, of, judged.kind, judged.result)


def prepare(metrics: Metrics, model: str, revision: str) -> None:
    """Begin the counters of a revision at 0: one that appears with its first event has no rate until the second."""
    metrics.inc(names.ANSWERS, model, revision, by=0)
    metrics.inc(names.REFUSALS, model, revision, by=0)
    for kind in ("json", "tools"):
        for result in ("valid", "invalid"):
            metrics.inc(names.STRUCTURED, model, revision, kind, result, by=0)
