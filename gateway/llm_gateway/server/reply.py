"""The client's side of one request: knows what was sent already, and so which way an error can still be told."""

from __future__ import annotations

from collections.abc import Mapping

from llm_gateway.server import errors
from llm_gateway.server.interrupt import Send
from llm_gateway.types import Refusal

JSON = b"application/json"
_RESERVED = frozenset({b"content-length", b"content-type", b"transfer-encoding"})


class Reply:
    """Sends one response."""

    __slots__ = ("_extra", "_send", "closing", "ended", "started", "status", "streaming")

    def __init__(self, send: Send, request_id: str, *, closing: bool) -> None:
        self._send = send
        self._extra: list[tuple[bytes, bytes]] = [(b"x-request-id", request_id.encode())]
        self.closing = closing  # the gateway drains: this connection takes no further request
        self.started = False
        self.streaming = False
        self.ended = False
        self.status = 0

    def add(self, headers: Mapping[str, str]) -> None:
        """Headers for the response, whatever it will be. Later ones win over nothing: names must differ."""
        self._extra += [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in headers.items()]

    async def whole(
        self, status: int, content: bytes, kind: bytes = JSON, extra: list[tuple[bytes, bytes]] | None = None
    ) -> None:
        """A complete response."""
        await self._start(
            status, [(b"content-type", kind), (b"content-length", str(len(content)).encode()), *(extra or ())]
        )
        self.ended = True
        await self._send({"type": "http.response.body", "body": content})

    async def refuse(self, refusal: Refusal) -> None:
        """An error: as a response, as the stream's last event, or, inside a body of known length, as a cut connection."""
        if not self.started:
            await self.whole(refusal.status, errors.body(refusal), extra=errors.headers(refusal))
        elif self.streaming and not self.ended:
            self.ended = True
            await self._send({"type": "http.response.body", "body": errors.event(refusal)})

    async def begin(self, status: int, kind: bytes, length: int | None, *, streaming: bool) -> None:
        """Start a response whose body follows in parts."""
        self.streaming = streaming
        size = [] if length is None else [(b"content-length", str(length).encode())]
        steady = [(b"cache-control", b"no-cache"), (b"x-accel-buffering", b"no")] if streaming else []
        await self._start(status, [(b"content-type", kind), *size, *steady])

    async def part(self, content: bytes) -> None:
        """A part of the body; returns when the client's side has room for more."""
        await self._send({"type": "http.response.body", "body": content, "more_body": True})

    async def end(self) -> None:
        """The body is complete."""
        self.ended = True
        await self._send({"type": "http.response.body", "body": b""})

    def abort(self) -> None:
        """Cut the connection now. Ending the handler early would close it only after a slow client took all that waits for it.

        ASGI has no word for this: uvicorn's ``send`` is a method of the object that holds the transport. Elsewhere this does nothing.
        """
        self.ended = True
        transport = getattr(getattr(self._send, "__self__", None), "transport", None)
        if transport is not None:
            transport.abort()

    async def _start(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        self.started = True
        self.status = status
        headers += self._extra
        if self.closing:
            headers.append((b"connection", b"close"))
        await self._send({"type": "http.response.start", "status": status, "headers": headers})
