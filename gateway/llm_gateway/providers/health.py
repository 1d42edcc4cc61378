"""Which endpoints are set aside: those that fail in a row, and those that hang with requests in flight."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from llm_gateway.providers.base import Endpoint, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthSettings:
    """When an endpoint is set aside, and for how long. Seconds."""

    failures: int = 5  # in a row; the same default as Envoy's consecutive_5xx
    base: float = 10.0  # times the count of its ejections so far
    longest: float = 300.0
    share: float = 0.5  # the most endpoints of a model that may be set aside at once
    hang: float = 180.0  # requests in flight and no byte; or three times the worst TTFT seen, whichever is longer
    hang_factor: float = 3.0


class Health:
    """Ejection of one model's endpoints."""

    __slots__ = ("_settings", "worst_ttft")

    def __init__(self, settings: HealthSettings) -> None:
        self._settings = settings
        self.worst_ttft = 0.0

    def record(
        self, endpoint: Endpoint, verdict: Verdict, ttft: float | None, peers: Iterable[Endpoint], now: float
    ) -> bool:
        """Take the end of an attempt; True when it set the endpoint aside."""
        if ttft is not None:
            self.worst_ttft = max(self.worst_ttft, ttft)
        if verdict == "ok":
            endpoint.failures = 0
            endpoint.ejections = 0
            endpoint.hung = False
        elif verdict == "failed":
            endpoint.failures += 1
            if endpoint.failures >= self._settings.failures and self._may_eject(endpoint, peers, now):
                endpoint.ejections += 1
                endpoint.ejected_until = now + min(self._settings.base * endpoint.ejections, self._settings.longest)
                endpoint.failures = self._settings.failures - 1  # back after its time, one failure away from the next
                return True
        return False

    def hangs(self, endpoints: list[Endpoint], now: float) -> list[Endpoint]:
        """Set aside what has requests in flight and no progress; those that are new. Progress brings an endpoint back."""
        patience = max(self._settings.hang, self._settings.hang_factor * self.worst_ttft)
        found = []
        for endpoint in endpoints:
            stuck = endpoint.in_flight > 0 and now - endpoint.progress > patience
            if endpoint.hung and not stuck:
                endpoint.hung = False
            elif stuck and not endpoint.hung and self._may_eject(endpoint, endpoints, now):
                endpoint.hung = True
                found.append(endpoint)
        return found

    def _may_eject(self, endpoint: Endpoint, peers: Iterable[Endpoint], now: float) -> bool:
        """Whether one more may go; a lone endpoint never does, since nothing else could answer."""
        if endpoint.ejected(now):
            return False
        known = list(peers)
        out = sum(peer.ejected(now) for peer in known)
        return out + 1 <= math.floor(len(known) * self._settings.share)
