"""The answer to one request: knows what was sent already, and so which way an error can still be told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Protocol

from llm_gateway.server import errors
from llm_gateway.types import Refusal

if TYPE_CHECKING:
    from llm_gateway.server.incoming import Incoming

JSON = b"application/json"
_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus}
_STREAM = b"cache-control: no-cache\r\nx-accel-buffering: no\r\n"
_CLOSE = b"connection: close\r\n"
_LAST = b"0\r\n\r\n"


class Wire(Protocol):
    """What a reply needs of its connection."""

    def write(self, data: bytes) -> None:
        """Send."""

    def abort(self) -> None:
        """Cut the connection."""

    def answered(self, *, close: bool) -> None:
        """The answer is out."""

    def on_pressure(self, call: Callable[[bool], None] | None) -> None:
        """Whom to tell when the client falls behind or has caught up."""

    async def room(self) -> None:
        """Wait until the client has caught up."""


class Reply:
    """Sends one response. ``request`` is None where there is nothing but bytes that are no request."""

    __slots__ = (
        "_bodiless",
        "_chunked",
        "_close",
        "_date",
        "_wire",
        "closing",
        "ended",
        "extra",
        "started",
        "status",
        "streaming",
    )

    def __init__(self, wire: Wire, request: Incoming | None, date: bytes) -> None:
        self._wire = wire
        self._date = date
        self.extra = b""  # header lines for the response, whatever it will be
        self._bodiless = request is not None and request.method == "HEAD"
        self._chunked = request is None or request.modern
        self._close = request is None or not request.keep_alive
        self.closing = False  # the gateway drains: this connection takes no further request
        self.started = False
        self.streaming = False
        self.ended = False
        self.status = 0

    def add(self, headers: Mapping[str, str]) -> None:
        """Headers for the response, whatever it will be. Later ones win over nothing: names must differ."""
        self.extra += errors.lines(headers)

    def whole(self, status: int, content: bytes, kind: bytes = JSON, extra: bytes = b"") -> None:
        """A complete response. ``extra``: further header lines."""
        head = self._head(status, kind, b"content-length: %d\r\n" % len(content), extra)
        self._wire.write(head if self._bodiless else head + content)
        self._end()

    def refuse(self, refusal: Refusal) -> None:
        """An error: as a response, as the stream's last event, or, inside a body of known length, as a cut connection."""
        if not self.started:
            if refusal.headers.get("connection") == "close":
                self._close = True
            self.whole(refusal.status, errors.body(refusal), extra=errors.head(refusal))
        elif self.streaming and not self.ended:
            self.part(errors.event(refusal))
            self.end()

    def begin(self, status: int, kind: bytes, length: int | None, *, streaming: bool) -> None:
        """Start a response whose body follows in parts."""
        self.streaming = streaming
        if length is not None:
            self._chunked = False
            framing = b"content-length: %d\r\n" % length
        else:
            framing = b"transfer-encoding: chunked\r\n" if self._chunked else b""
            self._close = self._close or not self._chunked  # its end is the body's
        self._wire.write(self._head(status, kind, framing, _STREAM if streaming else b""))

    def part(self, content: bytes) -> None:
        """A part of the body. Who writes much listens to `on_pressure`."""
        if content and not self._bodiless:
            self._wire.write(b"%x\r\n%b\r\n" % (len(content), content) if self._chunked else content)

    def end(self) -> None:
        """The body is complete."""
        if self._chunked and not self._bodiless:
            self._wire.write(_LAST)
        self._end()

    def abort(self) -> None:
        """Cut the connection now. Closing would come only after a slow client took all that waits for it."""
        self.ended = True
        self._wire.abort()

    def on_pressure(self, call: Callable[[bool], None] | None) -> None:
        """Call this when the client falls behind (True) and has caught up (False)."""
        self._wire.on_pressure(call)

    async def room(self) -> None:
        """Wait until the client has caught up."""
        await self._wire.room()

    def close(self) -> None:
        """The handler is done: what it began and did not end can only be cut, and what it did not begin is our fault."""
        if not self.started:
            self.refuse(errors.INTERNAL)
        elif not self.ended:
            self.abort()

    def _head(self, status: int, kind: bytes, framing: bytes, extra: bytes) -> bytes:
        self.started = True
        self.status = status
        last = _CLOSE if (self.closing or self._close) and b"connection: close" not in extra else b""
        line = _LINES.get(status) or b"HTTP/1.1 %d \r\n" % status
        return b"%b%bcontent-type: %b\r\n%b%b%b%b\r\n" % (line, self._date, kind, framing, extra, self.extra, last)

    def _end(self) -> None:
        self.ended = True
        self._wire.answered(close=self.closing or self._close)
