"""The times of an engine's life that follow from its two budgets, as the chart renders them; for display only.

The chart adds them up in ``templates/engine/_termination.tpl``; this repeats its sums on its own defaults, and a test holds both
together on every golden.
"""

from __future__ import annotations

from dataclasses import dataclass

from llmgen import chart

HELM_MARGIN = 60
"""Seconds by which Helm waits longer than Kubernetes, so that Kubernetes' reason is seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """Seconds."""

    expected: int
    startup_probe: int
    engine_ready_timeout: int
    progress_deadline: int
    grace: int
    helm_timeout: int

    def __str__(self) -> str:
        """One line of ``llmgen size``."""
        return (
            f"load: expected {self.expected} s; startup probe {self.startup_probe} s, "
            f"engine ready timeout {self.engine_ready_timeout} s, progress deadline {self.progress_deadline} s, "
            f"helm --timeout {self.helm_timeout}s"
        )


def times(*, expected: int, budget: int, request_timeout: int, surge: bool, engines: int) -> Times:
    """Times of one revision with at most ``engines`` replicas, which an upgrade replaces one after the other.

    ``budget`` and ``request_timeout`` are the load and the request budget in seconds; ``surge`` whether a new engine may start
    before an old one leaves.
    """
    startup, shutdown = (chart.defaults()["engineDefaults"][name] for name in ("startup", "shutdown"))
    period = chart.defaults()["engineDefaults"]["probes"]["startup"]["periodSeconds"]
    grace = shutdown["preStopSeconds"] + request_timeout + shutdown["bufferSeconds"]
    progress = startup["schedulingSeconds"] + budget + startup["minReadySeconds"] + (0 if surge else grace)
    return Times(
        expected=expected,
        startup_probe=-(-budget // period) * period,
        engine_ready_timeout=budget,
        progress_deadline=progress,
        grace=grace,
        helm_timeout=max(engines, 1) * progress + HELM_MARGIN,
    )
