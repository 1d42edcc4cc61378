"""Watch a stream of server-sent events go by: whole events are forwarded untouched, and only the tail is ever parsed.

Bytes leave in the order they came and unchanged, but for the usage event that the gateway asked for and the client did not. An event that
has not ended yet is held back, so that whatever follows, an error of our own included, starts where an event starts.
"""

from __future__ import annotations

import re
from collections import deque
from typing import Any

import msgspec
import orjson

TAIL_BYTES = 8192  # the last events: finish_reason with its logprobs, usage, [DONE]
HELD_BYTES = 1 << 20  # an event longer than this is passed on as it comes

_ENDS = re.compile(rb"\r\n\r\n|\n\n|\r\r")
_FINISH = re.compile(rb'"finish_reason"\s*:\s*"(\w+)"')
_ERROR = re.compile(rb'(?:^|[\r\n])data:\s*\{\s*"error"\s*:')
_REFUSAL = re.compile(rb'"refusal"\s*:\s*"[^"]')
_FILTERED = "content_filter"
_DONE = re.compile(rb"(?:^|[\r\n])data:\s*\[DONE\]")


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """What the end of an answer said. Tokens are None where the engine did not say."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    finish_reason: str | None = None
    complete: bool = True  # [DONE] or a finish_reason was seen
    failed: bool = False  # the engine sent an error inside the stream
    refused: bool = False  # the engine marked it as a refusal


class EventStream:
    """One stream: ``feed`` what came, send on what it returns; ``rest`` at a clean end; then ``summary``."""

    __slots__ = ("_ended", "_held", "_hide", "_size", "_tail", "events")

    def __init__(self, *, hide_usage: bool) -> None:
        self._hide = hide_usage
        self._held = b""
        self._tail: deque[bytes] = deque()
        self._size = 0
        self._ended = b"\n"  # the last byte that came, to see an event's end between two chunks
        self.events = 0

    def feed(self, chunk: bytes) -> bytes:
        """Take bytes from the engine; the bytes that may go to the client now, perhaps none."""
        self._remember(chunk)
        if self._held:
            chunk = self._held + chunk
            self._held = b""
        if not chunk.endswith((b"\n\n", b"\r\n\r\n", b"\r\r")):
            end = max(chunk.rfind(b"\n\n") + 2, chunk.rfind(b"\r\n\r\n") + 4, chunk.rfind(b"\r\r") + 2)
            end = end if end > 3 or chunk[:end] in {b"\n\n", b"\r\r"} else 0  # noqa: PLR2004 -- rfind's -1 plus a separator's length
            if len(chunk) - end <= HELD_BYTES:
                chunk, self._held = chunk[:end], chunk[end:]
        if self._hide and b'"usage"' in chunk:
            return _without_usage(chunk)
        return chunk

    def rest(self) -> bytes:
        """What was held back when the engine ended the stream cleanly."""
        held, self._held = self._held, b""
        return held

    def summary(self) -> Summary:
        """What the last events said."""
        tail = b"".join(self._tail)
        finish = _FINISH.findall(tail)
        usage = next((found for event in reversed(_ENDS.split(tail)) if (found := _usage(event)) is not None), {})
        return Summary(
            prompt_tokens=_count(usage, "prompt_tokens"),
            completion_tokens=_count(usage, "completion_tokens"),
            finish_reason=finish[-1].decode() if finish else None,
            complete=bool(finish) or _DONE.search(tail) is not None,
            failed=_found(_ERROR, b'"error"', tail),
            refused=_FILTERED.encode() in finish or _found(_REFUSAL, b'"refusal"', tail),
        )

    def _remember(self, chunk: bytes) -> None:
        self.events += chunk.count(b"\n\n") + (self._ended == b"\n" == chunk[:1] and self._size > 0)
        self._ended = chunk[-1:]
        tail = self._tail
        tail.append(chunk)
        self._size += len(chunk)
        while self._size - len(tail[0]) >= TAIL_BYTES:
            self._size -= len(tail.popleft())


class _Message(msgspec.Struct):
    refusal: Any = None


class _Choice(msgspec.Struct):
    finish_reason: str | None = None
    message: _Message | None = None


class _Answer(msgspec.Struct):
    """The fields of a whole answer that log and metrics need; msgspec skips the rest without building it."""

    usage: dict[str, Any] | None = None
    choices: list[_Choice] | None = None


_DECODER = msgspec.json.Decoder(_Answer)


def summarize(body: bytes) -> Summary:
    """What a whole answer, or its last bytes when it was long, said."""
    try:
        answer = _DECODER.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        finish = _FINISH.findall(body)
        return Summary(finish_reason=finish[-1].decode() if finish else None)
    usage = answer.usage or {}
    reasons = [choice.finish_reason for choice in answer.choices or () if choice.finish_reason]
    return Summary(
        prompt_tokens=_count(usage, "prompt_tokens"),
        completion_tokens=_count(usage, "completion_tokens"),
        finish_reason=reasons[-1] if reasons else None,
        refused=_FILTERED in reasons
        or any(choice.message and choice.message.refusal for choice in answer.choices or ()),
    )


def _found(pattern: re.Pattern[bytes], word: bytes, tail: bytes) -> bool:
    """Whether ``pattern``, which holds ``word``, is there. Without its word, as a rule, that is known in a hundredth of the time."""
    return tail.rfind(word) >= 0 and pattern.search(tail) is not None


def _without_usage(events: bytes) -> bytes:
    """Whole events without those that carry nothing but usage."""
    kept, start = [], 0
    for end in _ENDS.finditer(events):
        event = events[start : end.end()]
        if not _usage_only(event):
            kept.append(event)
        start = end.end()
    kept.append(events[start:])
    return b"".join(kept)


def _usage_only(event: bytes) -> bool:
    value = _parsed(event) if b'"usage"' in event else None
    return value is not None and not value.get("choices") and isinstance(value.get("usage"), dict)


def _usage(event: bytes) -> dict[str, Any] | None:
    value = _parsed(event) if b'"usage"' in event else None
    usage = value.get("usage") if value is not None else None
    return usage if isinstance(usage, dict) else None


def _parsed(event: bytes) -> dict[str, Any] | None:
    """The JSON object that an event's ``data`` lines make."""
    data = b"\n".join(line[5:].strip() for line in event.splitlines() if line.startswith(b"data:"))
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict) else None


def _count(usage: dict[str, Any], name: str) -> int | None:
    value = usage.get(name)
    return value if isinstance(value, int) and value >= 0 else None
