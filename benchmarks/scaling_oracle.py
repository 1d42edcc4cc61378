"""The bound of every autoscaler: one that knows which requests come until a new engine would answer, and pays for nothing else."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scaling_hpa import SYNC
from scaling_model import Engine
from scaling_trace import Request

SLOWEST = 1.3
"""Loads take up to so many times the expected one (scaling_model.Replay)."""


@dataclass(frozen=True, slots=True)
class Oracle:
    """Sizes for the most requests in flight that any moment of the next load time will have, ``use`` x C on each engine.

    ``use`` may be above 1: what waits shortly is still in time. Engines go as soon as nothing that comes needs them.
    """

    engine: Engine
    use: float
    most: int
    least: int = 1
    smoothed: int = 0

    def decider(self, requests: Sequence[Request]) -> Foresight:
        """Return the sizes for ``requests``, look by look."""
        peaks = in_flight(self.engine, requests)
        ahead = math.ceil(SLOWEST * self.engine.load / SYNC) + 1
        each = self.use * self.engine.concurrency
        sizes = (max(peaks[look : look + ahead + 1]) / each for look in range(len(peaks)))
        return Foresight(tuple(min(max(math.ceil(size), self.least), self.most) for size in sizes))


@dataclass(frozen=True, slots=True)
class Foresight:
    """The sizes of one replay, by look."""

    sizes: tuple[int, ...]

    def decide(self, now: float, signals: Mapping[str, float], current: int, ready: int) -> int:
        """Return what the look at ``now`` needs."""
        del signals, current, ready
        return self.sizes[min(int(now // SYNC), len(self.sizes) - 1)]


def in_flight(engine: Engine, requests: Sequence[Request], *, mean: bool = False) -> list[float]:
    """Requests in flight in each SYNC seconds were there room for all, on half full engines: the most, or the ``mean``."""
    step, changes = engine.steps[math.ceil(engine.concurrency / 2)], []
    for request in requests:
        changes += [(request.at, 1), (request.at + engine.first(request.prompt) + step * request.completion, -1)]
    changes.sort()
    looks = int(changes[-1][0] // SYNC) + 1
    most, total, running, since = [0.0] * looks, [0.0] * looks, 0, 0.0
    for at, change in changes:
        for look in range(int(since // SYNC), int(at // SYNC) + 1):
            most[look] = max(most[look], running)
            total[look] += running * (min(at, (look + 1) * SYNC) - max(since, look * SYNC))
        running, since = running + change, at
        most[int(at // SYNC)] = max(most[int(at // SYNC)], running)
    return [seconds / SYNC for seconds in total] if mean else most
