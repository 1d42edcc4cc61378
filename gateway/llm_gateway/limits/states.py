"""Where one limit is counted in memory: its debt, the tokens of its day, or its requests in flight."""

from __future__ import annotations

from typing import Protocol

from llm_gateway.limits import answers, gcra
from llm_gateway.limits.entries import DAY_MS, Entry


class State(Protocol):
    """One limit's count. Times are in milliseconds of Unix time, costs in tokens; ``limit`` follows the configuration."""

    limit: int

    def level(self, now: int) -> int:
        """What is counted at present; 0 may be forgotten."""

    def wait(self, level: int, cost: int, now: int) -> int:
        """Milliseconds until a request of that cost may pass; 0 is now."""

    def take(self, level: int, cost: int, now: int) -> int:
        """Count a request; the level after it."""

    def give_back(self, unused: int, day: int, now: int) -> None:
        """A request of that day has ended and left so many tokens unused, or overspent them."""


class Minute:
    """A bucket (see `gcra`) of tokens, or of requests, which cost 1 each and are not given back."""

    __slots__ = ("_at", "_debt", "_requests", "limit")

    def __init__(self, limit: int, *, requests: bool) -> None:
        self.limit = limit
        self._requests = requests
        self._debt = 0
        self._at = 0

    def level(self, now: int) -> int:
        """See `State`."""
        return gcra.paid(self._debt, self._at, now, self.limit) if self._debt else 0

    def wait(self, level: int, cost: int, now: int) -> int:
        """See `State`."""
        del now
        return gcra.wait_ms(level, 1 if self._requests else cost, self.limit)

    def take(self, level: int, cost: int, now: int) -> int:
        """See `State`."""
        self._debt = level + (1 if self._requests else cost) * gcra.MINUTE_MS
        self._at = now
        return self._debt

    def give_back(self, unused: int, day: int, now: int) -> None:
        """See `State`."""
        del day
        if not self._requests:
            self._debt = max(0, self.level(now) - unused * gcra.MINUTE_MS)
            self._at = now


class Day:
    """Tokens of one day (UTC)."""

    __slots__ = ("_day", "_used", "limit")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._day = 0
        self._used = 0

    def level(self, now: int) -> int:
        """See `State`."""
        return self._used if self._day == now // DAY_MS else 0

    def wait(self, level: int, cost: int, now: int) -> int:
        """See `State`."""
        return 0 if level + cost <= self.limit else answers.until_tomorrow(now)

    def take(self, level: int, cost: int, now: int) -> int:
        """See `State`."""
        self._day = now // DAY_MS
        self._used = level + cost
        return self._used

    def give_back(self, unused: int, day: int, now: int) -> None:
        """See `State`; yesterday's tokens are not today's."""
        del now
        if day == self._day:
            self._used = max(0, self._used - unused)


class Running:
    """Requests in flight."""

    __slots__ = ("_count", "limit")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._count = 0

    def level(self, now: int) -> int:
        """See `State`."""
        del now
        return self._count

    def wait(self, level: int, cost: int, now: int) -> int:
        """See `State`."""
        del cost, now
        return 0 if level < self.limit else answers.CONCURRENCY_RETRY_MS

    def take(self, level: int, cost: int, now: int) -> int:
        """See `State`."""
        del cost, now
        self._count = level + 1
        return self._count

    def give_back(self, unused: int, day: int, now: int) -> None:
        """See `State`."""
        del unused, day, now
        self._count = max(0, self._count - 1)


def make_state(entry: Entry) -> State:
    """Where the limit is counted."""
    if entry.measure == "tokensPerDay":
        return Day(entry.limit)
    if entry.measure == "concurrentRequests":
        return Running(entry.limit)
    return Minute(entry.limit, requests=entry.measure == "requestsPerMinute")
