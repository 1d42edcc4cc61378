"""Two JSON events per request, and the gateway's own events. Never a prompt, an answer, a key or an error's free text."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from typing import Literal

import msgspec
import orjson

Outcome = Literal[
    "ok",
    "validation",
    "auth",
    "rate_limited",
    "queue_full",
    "queue_timeout",
    "timeout_ttft",
    "timeout_total",
    "upstream_error",
    "client_cancel",
]
_Name = str | None
_Who = tuple[float, str, str, str, _Name, _Name, _Name, _Name, _Name, _Name, _Name]  # the fields of `Event`
MAX_NAME = 128  # characters of a model name as the client wrote it
MAX_WAITING = 4 << 20  # bytes of events that a blocked reader of our output may keep in memory; then they are dropped


class Record:
    """What is known about one request; filled as it goes, read by both events."""

    __slots__ = (
        "attempts", "cls", "completion_tokens", "decision", "duration", "endpoint", "error_code", "fallback_from", "finish_reason",
        "key", "max_tokens", "model", "model_asked", "outcome", "prompt_tokens", "prompt_tokens_source", "queue_seconds",
        "request_id", "revision", "rule", "started", "status", "stream", "structured", "structured_fault", "tenant",
        "tier", "track", "ttft",
    )  # fmt: skip

    def __init__(self, request_id: str, endpoint: str) -> None:
        self.request_id = request_id
        self.endpoint = endpoint
        self.started = time.perf_counter()
        self.tenant: str | None = None
        self.key: str | None = None  # the key's name in the configuration
        self.tier: str | None = None
        self.cls: str | None = None
        self.model_asked: str | None = None
        self.model: str | None = None
        self.rule: str | None = None
        self.decision: str | None = None
        self.stream = False
        self.prompt_tokens: int | None = None
        self.prompt_tokens_source: str | None = None
        self.max_tokens: int | None = None
        self.revision: str | None = None
        self.track: str | None = None
        self.fallback_from: str | None = None
        self.attempts = 0
        self.queue_seconds: float | None = None
        self.ttft: float | None = None
        self.duration = 0.0
        self.completion_tokens: int | None = None
        self.finish_reason: str | None = None
        self.outcome: Outcome = "upstream_error"
        self.error_code: str | None = None
        self.structured: str | None = None
        self.structured_fault: str | None = None
        self.status = 0

    def admitted(self) -> Admitted:
        """The event before the engine is called."""
        return Admitted(
            *self._who("request_admitted"), self.decision, self.stream, self.prompt_tokens, self.prompt_tokens_source, self.max_tokens,
            _ms(self.queue_seconds), self.fallback_from,
        )  # fmt: skip

    def finished(self) -> Finished:
        """The event at the end; everything that one search by request id should find."""
        return Finished(
            *self._who("request_finished"), self.revision, self.track, self.fallback_from, self.attempts, self.stream, self.prompt_tokens,
            self.prompt_tokens_source, self.max_tokens, self.completion_tokens, _ms(self.queue_seconds), _ms(self.ttft),
            _ms(self.duration), self.finish_reason, self.status, self.outcome, self.error_code, self.structured, self.structured_fault,
        )  # fmt: skip

    def _who(self, event: str) -> _Who:
        """Values of `Event`'s fields."""
        return (
            _now(), event, self.request_id, self.endpoint, self.tenant, self.key, self.tier, self.cls,
            _clipped(self.model_asked), self.model, self.rule,
        )  # fmt: skip


class Event(msgspec.Struct, rename={"cls": "class"}, gc=False):
    """What both events of a request begin with, in the order in which it is written. ts: Unix seconds."""

    ts: float
    event: str
    request_id: str
    endpoint: str
    tenant: str | None
    key: str | None
    tier: str | None
    cls: str | None
    model_asked: str | None
    model: str | None
    rule: str | None


class Admitted(Event, gc=False):
    """`request_admitted`."""

    decision: str | None
    stream: bool
    prompt_tokens: int | None
    prompt_tokens_source: str | None
    max_tokens: int | None
    queue_ms: float | None
    fallback_from: str | None


class Finished(Event, gc=False, omit_defaults=True):
    """`request_finished`."""

    revision: str | None
    track: str | None
    fallback_from: str | None
    attempts: int
    stream: bool
    prompt_tokens: int | None
    prompt_tokens_source: str | None
    max_tokens: int | None
    completion_tokens: int | None
    queue_ms: float | None
    ttft_ms: float | None
    duration_ms: float | None
    finish_reason: str | None
    status: int
    outcome: str
    error_code: str | None
    structured: str | None = None  # where the request demanded a form: valid, invalid, truncated or unchecked
    structured_fault: str | None = None  # of an invalid one


_ENCODER = msgspec.json.Encoder()


class Events:
    """Writes events to a file descriptor: one write per turn of the event loop, and never a wait for a slow reader."""

    def __init__(self, descriptor: int | None = None) -> None:
        self._descriptor = sys.stdout.fileno() if descriptor is None else descriptor
        self._waiting: list[bytes] = []
        self._bytes = 0
        self._planned = False
        self.dropped = 0

    def write(self, event: Event) -> None:
        """Queue a request's event."""
        self._queue(_ENCODER.encode(event) + b"\n")

    def say(self, event: str, **fields: object) -> None:
        """An event of the gateway itself."""
        line = {"ts": _now(), "event": event, **fields}
        self._queue(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE, default=str))

    def _queue(self, line: bytes) -> None:
        if self._bytes + len(line) > MAX_WAITING:
            self.dropped += 1
            return
        self._waiting.append(line)
        self._bytes += len(line)
        if self._planned:
            return
        try:
            asyncio.get_running_loop().call_soon(self.flush)
            self._planned = True
        except RuntimeError:  # before the loop, or after it
            self.flush()

    def flush(self) -> None:
        """Write what is queued."""
        self._planned = False
        data = b"".join(self._waiting)
        self._waiting.clear()
        self._bytes = 0
        while data:
            try:
                data = data[os.write(self._descriptor, data) :]
            except BlockingIOError:
                self._later(data)
                return
            except OSError:  # nobody reads: requests matter more than their log
                self.dropped += 1
                return

    def _later(self, data: bytes) -> None:
        self._waiting.insert(0, data)
        self._bytes += len(data)
        try:
            asyncio.get_running_loop().call_later(0.05, self.flush)
            self._planned = True
        except RuntimeError:
            self.dropped += 1


def _clipped(name: str | None) -> str | None:
    return name if name is None or len(name) <= MAX_NAME else name[:MAX_NAME] + "…"


def _now() -> float:
    """Unix seconds to the millisecond."""
    return int(time.time() * 1000) / 1000  # `round` goes through text, at 20 times the cost


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else int(seconds * 100_000) / 100
