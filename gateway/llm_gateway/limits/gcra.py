"""The arithmetic of a rate limit, in whole numbers, so that what is given back is what was taken, to the unit.

GCRA in its "continuous-state leaky bucket" form (ITU-T I.371, annex A), which equals the "virtual scheduling" form with a theoretical
arrival time, but needs no fractions: a bucket holds a *debt* in units × 60 000, and each millisecond pays `limit` of it. A
request is let in if the debt with its cost is at most `limit` × 60 000. So `limit` units pass at once and `limit` more per minute.
Lua counts in doubles, which are exact to 2^53: that is 1.5e11 units per minute.
"""

from __future__ import annotations

MINUTE_MS = 60_000


def paid(debt: int, at: int, now: int, limit: int) -> int:
    """Debt at ``now`` of one that was ``debt`` at ``at`` (ms). A clock that went back pays nothing."""
    return max(0, debt - max(0, now - at) * limit)


def wait_ms(debt: int, cost: int, limit: int) -> int:
    """Milliseconds until ``cost`` units may pass; 0 is now."""
    over = debt + cost * MINUTE_MS - limit * MINUTE_MS
    return max(0, -(-over // limit))


def remaining(debt: int, limit: int) -> int:
    """Units that may pass now."""
    return max(0, (limit * MINUTE_MS - debt) // MINUTE_MS)


def reset_ms(debt: int, limit: int) -> int:
    """Milliseconds until nothing is owed."""
    return -(-debt // limit)
