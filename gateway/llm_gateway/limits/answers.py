"""What a caller is told about limits: headers, and why not."""

from __future__ import annotations

from collections.abc import Sequence

from llm_gateway.limits import gcra
from llm_gateway.limits.entries import DAY_MS, MINUTE, Entry
from llm_gateway.types import Refusal

_WORDS = {
    "requestsPerMinute": "requests per minute",
    "tokensPerMinute": "tokens per minute",
    "concurrentRequests": "requests at once",
    "tokensPerDay": "tokens per day",
}
_CODES = {"concurrentRequests": "concurrency_limit_exceeded", "tokensPerDay": "quota_exceeded"}
_SUBJECTS: dict[str, bytes] = {"requestsPerMinute": b"requests", "tokensPerMinute": b"tokens"}
CONCURRENCY_RETRY_MS = 1000
"""Nobody knows when a request in flight will end; a second is how long it is worth waiting to look again."""


def headers(entries: Sequence[Entry], levels: Sequence[int]) -> bytes:
    """Lines of OpenAI's `x-ratelimit-*` for the tightest limit per minute. levels: debt of each entry, where that is what it counts."""
    tightest: dict[bytes, tuple[int, int, int]] = {}
    for entry, level in zip(entries, levels, strict=True):
        subject = _SUBJECTS.get(entry.measure)
        if subject is None:
            continue
        left = gcra.remaining(level, entry.limit)
        known = tightest.get(subject)
        if known is None or left < known[0]:
            tightest[subject] = (left, entry.limit, level)
    lines = b""
    for subject, (left, limit, level) in tightest.items():
        reset = duration(gcra.reset_ms(level, limit)).encode()
        lines += (
            b"x-ratelimit-limit-%b: %d\r\nx-ratelimit-remaining-%b: %d\r\nx-ratelimit-reset-%b: %b\r\n"
            % (subject, limit, subject, left, subject, reset)
        )  # fmt: skip
    return lines


def duration(milliseconds: int) -> str:
    """In OpenAI's way: 0s, 120ms, 6.5s, 1m30s."""
    if 0 < milliseconds < 1000:  # noqa: PLR2004 -- a second
        return f"{milliseconds}ms"
    minutes, rest = divmod(milliseconds, 60_000)
    seconds = f"{rest / 1000:g}s"
    return f"{minutes}m{seconds}" if minutes else seconds


def share(entry: Entry, level: int) -> float:
    """How much of a limit is in use, from 0 to 1 (above 1 in debt)."""
    return level / (entry.limit * gcra.MINUTE_MS if entry.measure in MINUTE else entry.limit)


def too_large(entries: Sequence[Entry], cost: int) -> Refusal | None:
    """A request that can never pass, however long it waits: a mistake (400), not a matter of time (429)."""
    for entry in entries:
        if cost > entry.limit and entry.cost(cost) > entry.limit:
            return Refusal(
                status=400, code="request_exceeds_limit", outcome="validation", param="max_tokens", limit=entry.name,
                message=f"The request may take {cost} tokens (prompt and longest answer), but the limit is {entry.limit} "
                f"{_WORDS[entry.measure]}. Shorten the prompt or lower max_tokens.",
            )  # fmt: skip
    return None


def exceeded(entry: Entry, wait_ms: int, ratelimit: bytes) -> Refusal:
    """A limit is reached; it will pass again after ``wait_ms``."""
    return Refusal(
        status=429, code=_CODES.get(entry.measure, "rate_limit_exceeded"), outcome="rate_limited", limit=entry.name,
        message=f"The limit of {entry.limit} {_WORDS[entry.measure]} ({entry.name.partition('.')[0]}) is reached.",
        retry_after=wait_ms / 1000, lines=ratelimit,
    )  # fmt: skip


def until_tomorrow(now_ms: int) -> int:
    """Milliseconds to the end of the day (UTC)."""
    return DAY_MS - now_ms % DAY_MS
