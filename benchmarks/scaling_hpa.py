"""What decides the number of engines: a ScaledObject as KEDA hands it to the HorizontalPodAutoscaler, and the latter's arithmetic.

After Kubernetes' horizontal controller (pkg/controller/podautoscaler, 1.34): per metric a proposal, the highest wins; no proposal within
the tolerance; stabilization over past proposals; then the rate policies. Not modelled: missing metrics, and the initial readiness delay,
which counts for CPU alone.
"""

from __future__ import annotations

import math
import re
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from scaling_trace import Request

SYNC = 15
"""Seconds between two looks (--horizontal-pod-autoscaler-sync-period)."""
TOLERANCE = 0.1
"""--horizontal-pod-autoscaler-tolerance."""
DEFAULT_BEHAVIOR: Mapping[str, Any] = {
    "scaleUp": {
        "stabilizationWindowSeconds": 0,
        "policies": [
            {"type": "Pods", "value": 4, "periodSeconds": 15},
            {"type": "Percent", "value": 100, "periodSeconds": 15},
        ],
    },
    "scaleDown": {
        "stabilizationWindowSeconds": 300,
        "policies": [{"type": "Percent", "value": 100, "periodSeconds": 15}],
    },
}
"""What Kubernetes does where nothing is said."""


@dataclass(frozen=True, slots=True)
class Trigger:
    """``average``: the signal is a sum over engines (AverageValue); else it is a mean, or the like (Value)."""

    signal: str
    target: float
    average: bool


@dataclass(frozen=True, slots=True)
class Policy:
    """Bounds, triggers and behavior of one autoscaler."""

    name: str
    least: int
    most: int
    triggers: tuple[Trigger, ...]
    behavior: Mapping[str, Any] = field(default_factory=lambda: DEFAULT_BEHAVIOR)
    smoothed: int = 0
    """Seconds over which running requests are averaged; 0 for the last scrape."""

    def decider(self, requests: Sequence[Request]) -> Autoscaler:
        """Return what decides in one replay; it knows nothing of the ``requests`` to come."""
        del requests
        return Autoscaler(self)


def read(name: str, scaled_object: Mapping[str, Any]) -> Policy:
    """Read a rendered ScaledObject. Raises ValueError for a trigger that the model does not know."""
    spec = scaled_object["spec"]
    triggers, smoothed = [], 0
    for trigger in spec["triggers"]:
        if trigger["type"] == "cron":
            continue
        if trigger["name"] not in ("inflight", "kv"):
            raise ValueError(f"the model has no signal for the trigger {trigger['name']!r}")
        if found := re.search(r"avg_over_time\([^\[]*\[(\d+)s\]\)", trigger["metadata"]["query"]):
            smoothed = int(found[1])
        threshold, average = float(trigger["metadata"]["threshold"]), trigger["metricType"] == "AverageValue"
        triggers.append(Trigger(trigger["name"], threshold, average))
    behavior = spec["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]
    return Policy(name, spec["minReplicaCount"], spec["maxReplicaCount"], tuple(triggers), behavior, smoothed)


class Autoscaler:
    """One HorizontalPodAutoscaler in its course."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._proposals: deque[tuple[float, int]] = deque()
        self._changes: deque[tuple[float, int]] = deque(maxlen=500)

    def decide(self, now: float, signals: Mapping[str, float], current: int, ready: int) -> int:
        """Return how many engines there shall be, of ``current`` asked for and ``ready`` ones."""
        policy = self._policy
        if not self._proposals:  # the controller's first note is what it finds
            self._proposals.append((now, current))
        wanted = max(self._proposal(trigger, signals[trigger.signal], current, ready) for trigger in policy.triggers)
        wanted = self._stabilized(now, current, wanted)
        if wanted > current:
            wanted = min(wanted, self._limit(now, "scaleUp", current))
        elif wanted < current:
            wanted = max(wanted, self._limit(now, "scaleDown", current))
        wanted = min(max(wanted, policy.least), policy.most)
        if wanted != current:
            self._changes.append((now, wanted - current))
        return wanted

    def _proposal(self, trigger: Trigger, value: float, current: int, ready: int) -> int:
        ratio = value / (trigger.target * current) if trigger.average else value / trigger.target
        up, down = (float(self._policy.behavior[name].get("tolerance", TOLERANCE)) for name in ("scaleUp", "scaleDown"))
        if 1 - down <= ratio <= 1 + up:
            return current
        return math.ceil(value / trigger.target if trigger.average else ratio * ready)

    def _stabilized(self, now: float, current: int, wanted: int) -> int:
        up, down = (self._policy.behavior[name]["stabilizationWindowSeconds"] for name in ("scaleUp", "scaleDown"))
        while self._proposals and self._proposals[0][0] <= now - max(up, down):
            self._proposals.popleft()
        lowest = min([wanted, *(value for at, value in self._proposals if at > now - up)])
        highest = max([wanted, *(value for at, value in self._proposals if at > now - down)])
        self._proposals.append((now, wanted))
        return min(max(current, lowest), highest)

    def _limit(self, now: float, direction: str, current: int) -> int:
        """How far the policies of ``direction`` let the count go from what it was at the start of their periods."""
        sign, limits = (1 if direction == "scaleUp" else -1), []
        for rule in self._policy.behavior[direction]["policies"]:
            since = now - rule["periodSeconds"]
            start = current - sum(change for at, change in self._changes if at > since)
            step = rule["value"] if rule["type"] == "Pods" else math.ceil(start * rule["value"] / 100)
            limits.append(start + sign * step)
        furthest = max(*limits, current) if sign > 0 else min(*limits, current)
        return int(furthest)
