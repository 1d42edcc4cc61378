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

    def wait(self, cost: int, now: int) -> int:
        """Milliseconds until a request of that cost may pass; 0 is now."""

    def take(self, cost: int, now: int) -> int:
        """Count a request that need not wait now; the level after it."""

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

    def wait(self, cost: int, now: int) -> int:
        """See `State`. What was paid until now is paid for good: `take` goes on from here."""
        debt = self._debt
        if debt and now > self._at:
            debt -= (now - self._at) * self.limit
            self._debt = debt = max(0, debt)
        self._at = now
        over = debt + ((1 if self._requests else cost) - self.limit) * gcra.MINUTE_MS
        return -(-over // self.limit) if over > 0 else 0

    def take(self, cost: int, now: int) -> int:
        """See `State`."""
        del now
        self._debt += (1 if self._requests else cost) * gcra.MINUTE_MS
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

    def wait(self, cost: int, now: int) -> int:
        """See `State`."""
        day = now // DAY_MS
        if day != self._day:
            self._day, self._used = day, 0
        return 0 if self._used + cost <= self.limit else answers.until_tomorrow(now)

    def take(self, cost: int, now: int) -> int:
        """See `State`."""
        del now
        self._used += cost
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

    def wait(self, cost: int, now: int) -> int:
        """See `State`."""
        del cost, now
        return 0 if self._count < self.limit else answers.CONCURRENCY_RETRY_MS

    def take(self, cost: int, now: int) -> int:
        """See `State`."""
        del cost, now
        self._count += 1
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
