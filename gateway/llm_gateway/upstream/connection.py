"""One connection to an engine: HTTP/1.1 on httptools, one request at a time, the answer's bytes pushed to whoever takes them."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, cast

import httptools

from llm_gateway.upstream.response import Response

if TYPE_CHECKING:
    from llm_gateway.upstream.pool import Home

OVERHEAD_BYTES = 64 << 10  # head, trailers and framing that an answer may have beside its body
OVERHEAD_FACTOR = 16  # and framing per byte of body: the least chunk has 6 bytes for 1
STREAM = b"text/event-stream"

_INTERIM = range(100, 200)


class Connection(asyncio.Protocol):
    """Speaks HTTP/1.1 to one engine. ``home`` takes it back after each complete answer."""

    __slots__ = ("_framed", "_home", "_keep", "_overhead", "_parser", "_response", "_transport", "born", "idle_since")

    def __init__(self, home: Home) -> None:
        self._home = home
        self._parser: Any = httptools.HttpResponseParser(self)  # None in the end: the two hold each other
        self._transport: asyncio.Transport | None = None
        self._response: Response | None = None
        self._overhead = OVERHEAD_BYTES
        self._framed = False  # the head says where the body ends; else the connection's end does
        self._keep = False
        self.born = time.monotonic()
        self.idle_since = self.born

    def request(self, data: bytes) -> Response:
        """Send a whole request. The connection must be new, or idle."""
        self._response = response = Response(self)
        self._overhead = OVERHEAD_BYTES
        if self._transport is None or self._transport.is_closing():
            response.fail("the engine has closed the connection")
        else:
            self._transport.write(data)
        return response

    @property
    def open(self) -> bool:
        """Whether a request may be sent on it."""
        return self._transport is not None and not self._transport.is_closing()

    def abort(self) -> None:
        """Cut it now: the engine sees it within the network's delay."""
        if self._transport is not None:
            self._transport.abort()

    def pause_reading(self) -> None:
        """Let the engine wait."""
        if self.open:
            cast(asyncio.Transport, self._transport).pause_reading()

    def resume_reading(self) -> None:
        """Read on."""
        if self.open:
            cast(asyncio.Transport, self._transport).resume_reading()

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection stands."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Parse what came; a server that speaks unasked is cut off."""
        response = self._response
        if response is None:
            self.abort()
            return
        response.received = True
        self._overhead -= len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._keep = False
            response.fail("the engine does not speak HTTP/1.1")
        else:
            if self._overhead < 0:
                response.fail("the engine's head or framing is too large")
        response.deliver()
        if response.complete:
            self._leave(response)
        elif response.error is not None:
            self.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone; an answer without a length ends with it."""
        self._home.lost(self)
        response, self._response = self._response, None
        if response is not None:
            if response.begun and not self._framed and exc is None and response.error is None:
                response.complete = True
            response.fail("the engine closed the connection")
            response.wake()
        self._parser = None

    # What the parser calls, all within `data_received`.

    def on_message_begin(self) -> None:
        """An answer begins; after a complete one, nobody asked for it."""
        if self._response is None or self._response.complete:
            self._keep = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header, or one trailer, which nobody needs."""
        response = self._response
        if response is not None and not response.begun:
            response.headers[name.lower()] = value

    def on_headers_complete(self) -> None:
        """The head is complete: it tells what kind of answer this is."""
        response = self._response
        if response is None or response.complete:
            return
        status = self._parser.get_status_code()
        if status in _INTERIM:
            response.headers.clear()
            return
        headers = response.headers
        self._framed = b"content-length" in headers or b"chunked" in headers.get(b"transfer-encoding", b"").lower()
        self._keep = self._parser.should_keep_alive()
        response.status = status
        response.streaming = headers.get(b"content-type", b"").startswith(STREAM)
        response.begun = True

    def on_body(self, body: bytes) -> None:
        """Some of the body."""
        response = self._response
        if response is not None and not response.complete:
            response.add(body)
            self._overhead += len(body) * OVERHEAD_FACTOR

    def on_message_complete(self) -> None:
        """The answer is whole, unless it was an interim one."""
        response = self._response
        if response is not None and response.begun:
            response.complete = True

    def _leave(self, response: Response) -> None:
        """Be idle, or go where the connection cannot be used again."""
        self._response = None
        response.resume()
        transport = cast(asyncio.Transport, self._transport)
        if self._keep and not transport.is_closing() and not transport.get_write_buffer_size():
            self.idle_since = time.monotonic()
            self._home.idle(self)
        else:
            transport.close()
