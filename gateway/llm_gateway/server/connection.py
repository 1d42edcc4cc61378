"""One client's connection: HTTP/1.1 on httptools, one request answered at a time, and bounds on all that a client can make it hold."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

import httptools

from llm_gateway.server import errors
from llm_gateway.server.incoming import Incoming, framing, path_of
from llm_gateway.server.reply import Reply
from llm_gateway.types import Refusal

if TYPE_CHECKING:
    from llm_gateway.server.listener import Listener

HEAD_BYTES = 64 << 10
OVERHEAD_FACTOR = 16  # framing per byte of a chunked body: the least chunk has 6 bytes for 1
PIPELINED = 16  # requests that wait for the one before them; clients hardly ever send one

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Connection(asyncio.Protocol):
    """Reads requests, and hands each to the listener's handler once its head is there and the answer before it is out."""

    __slots__ = (
        "_answering", "_bodily", "_closing", "_deaf", "_head", "_headers", "_listener", "_overhead", "_parser", "_pressed", "_queue",
        "_reading", "_room", "_transport", "_url", "pressed", "since",
    )  # fmt: skip

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._parser: Any = httptools.HttpRequestParser(self)  # None in the end: the two hold each other
        self._transport: asyncio.Transport = cast(asyncio.Transport, None)
        self._url = b""
        self._headers: dict[bytes, bytes] = {}
        self._head = False  # a request's head is being read
        self._overhead = HEAD_BYTES
        self._bodily = False  # the head that is parsed is one of ours, see `_pass_over`
        self._reading: Incoming | None = None  # the request whose body is being read
        self._answering: Incoming | None = None
        self._queue: deque[Incoming] = deque()
        self._closing = False  # no request after the one being answered
        self._deaf = False  # whatever still comes is thrown away
        self._pressed: Callable[[bool], None] | None = None
        self._room: asyncio.Future[None] | None = None
        self.pressed = False  # the client reads slower than we write
        self.since = 0.0  # when it became idle, began to send a head, or was told that nothing more is read; loop time

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client came."""
        self._transport = cast(asyncio.Transport, transport)
        self.since = time.monotonic()
        self._listener.connections.add(self)

    def data_received(self, data: bytes) -> None:
        """Parse what came."""
        if self._deaf:
            return
        self._overhead -= len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._pass_over(data[upgrade.args[0] :])
            return
        except httptools.HttpParserError:
            self._refuse(errors.BAD_REQUEST)
            return
        if self._overhead < 0:
            self._refuse(errors.HEAD_TOO_LARGE if self._head else errors.BAD_REQUEST)

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone, or we cut it."""
        del exc
        self._listener.left(self)
        self._deaf = True
        if self._room is not None and not self._room.done():
            self._room.set_result(None)
        for request in (self._answering, self._reading):
            if request is not None:
                request.lose()
        self._answering = self._reading = self._pressed = None
        self._queue.clear()
        self._parser = None

    def pause_writing(self) -> None:
        """The client does not keep up."""
        self.pressed = True
        if self._pressed is not None:
            self._pressed(True)

    def resume_writing(self) -> None:
        """It has caught up."""
        self.pressed = False
        if self._pressed is not None:
            self._pressed(False)
        if self._room is not None and not self._room.done():
            self._room.set_result(None)

    # What the parser calls, all within `data_received`.

    def on_message_begin(self) -> None:
        """A request begins."""
        if self._bodily:
            return
        self._url, self._headers, self._head = b"", {}, True
        if not self._answering:
            self.since = time.monotonic()

    def on_url(self, url: bytes) -> None:
        """Some of the target."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header, or one trailer, which nobody needs."""
        if self._head:
            self._headers[name.lower()] = value

    def on_headers_complete(self) -> None:
        """The head is complete: the request can be answered, body or not."""
        if self._bodily:
            self._bodily = False
            return
        if self._deaf:
            return
        parser, headers = self._parser, self._headers
        self._head = False
        request = Incoming(self, parser.get_method().decode(), path_of(self._url), headers)
        request.modern = parser.get_http_version() != "1.0"
        request.keep_alive = parser.should_keep_alive()
        if b"expect" in headers:
            request.expects = request.modern and headers[b"expect"].lower() == b"100-continue"
        # A body of announced length has no framing, and its size is the handler's to bound.
        self._overhead = HEAD_BYTES + int(headers.get(b"content-length", b"0"))
        self._reading = request
        if self._answering is None:
            self._answer(request)
            return
        self._queue.append(request)
        self._transport.pause_reading()
        if len(self._queue) > PIPELINED:
            self._closing = self._deaf = True

    def on_body(self, body: bytes) -> None:
        """Some of a body."""
        if self._reading is not None and not self._deaf:
            self._overhead += len(body) * OVERHEAD_FACTOR
            self._reading.add(body)

    def on_message_complete(self) -> None:
        """The request is whole."""
        self._overhead = HEAD_BYTES
        request = self._reading
        if request is None or (self._parser.should_upgrade() and framing(request.headers)):
            return  # the parser stops here, but the body is still to come: see `_pass_over`
        self._reading = None
        request.done()

    # What requests and their replies call.

    def pause_reading(self) -> None:
        """See `incoming.Line`."""
        if not self._transport.is_closing():
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        """See `incoming.Line`; what waits in the queue keeps its place."""
        if not self._queue and not self._transport.is_closing():
            self._transport.resume_reading()

    def go_on(self) -> None:
        """See `incoming.Line`."""
        self.write(_CONTINUE)

    def write(self, data: bytes) -> None:
        """Send; a connection that is gone takes it silently."""
        if not self._transport.is_closing():
            self._transport.write(data)

    def abort(self) -> None:
        """Cut it now."""
        self._transport.abort()

    def on_pressure(self, call: Callable[[bool], None] | None) -> None:
        """Call this when the client falls behind (True) and has caught up (False), at once if it is behind."""
        self._pressed = call
        if call is not None and self.pressed:
            call(True)

    async def room(self) -> None:
        """Wait until the client has caught up, or is gone."""
        while self.pressed and not self._transport.is_closing():
            self._room = asyncio.get_running_loop().create_future()
            try:
                await self._room
            finally:
                self._room = None

    def answered(self, *, close: bool) -> None:
        """An answer is out: on to the next request, or to the end."""
        request, self._answering = self._answering, None
        self._pressed = None
        self.since = time.monotonic()
        if request is not None:
            request.when_lost = None
        if self._transport.is_closing():
            return
        if self._reading is request:  # not read to its end; or both are None, and what came was no request
            self._linger()
        elif close or (self._closing and not self._queue):
            self._transport.close()
        elif self._queue:
            self._answer(self._queue.popleft())
            if not self._queue:
                self._transport.resume_reading()

    # What the listener calls.

    def retire(self) -> None:
        """Take no further request; close now where none is being answered."""
        self._closing = True
        if self._answering is None:
            self._transport.close()

    def overdue(self, now: float, *, idle: float, head: float, linger: float) -> None:
        """Close what waits for longer than so many seconds: between requests, within a head, or after the last word."""
        waited = now - self.since
        if self._answering is not None:
            return
        if self._deaf:
            if waited > linger:
                self._transport.abort()
        elif self._head:
            if waited > head:
                self._refuse(errors.SLOW_HEAD)
        elif waited > idle:
            self._transport.abort() if self._transport.is_closing() else self._transport.close()

    def _pass_over(self, rest: bytes) -> None:
        """Answer a request that offers another protocol as it is: nobody speaks one here.

        The parser stops behind the head of such a request. A new one takes the body, told of it by a head without the offer.
        """
        if self._reading is not None:
            self._parser = httptools.HttpRequestParser(self)
            self._bodily = True
            self._parser.feed_data(b"POST / HTTP/1.1\r\n%b\r\n" % framing(self._reading.headers))
        if rest:
            self.data_received(rest)

    def _answer(self, request: Incoming) -> None:
        self._answering = request
        self._listener.serve(request, Reply(self, request, self._listener.date))

    def _refuse(self, refusal: Refusal) -> None:
        """What comes is not to be understood: say so, unless an answer is on its way, which then is the last."""
        self._closing = True
        self._head = False
        if self._reading is not None:
            self._deaf = True
            self._reading.fail()
        elif self._answering is not None:
            self._deaf = True
        else:
            Reply(self, None, self._listener.date).refuse(refusal)

    def _linger(self) -> None:
        """Say that no more is written, and throw away what still comes: closing at once could take our last words from the client."""
        self._deaf = True
        self.since = time.monotonic()
        if self._transport.can_write_eof():
            self._transport.write_eof()
            self._transport.resume_reading()
        else:
            self._transport.close()
