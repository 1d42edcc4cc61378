"""One request as it comes in: its head, and a body that is read only as far as somebody wants it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol
from urllib.parse import unquote

import httptools

from llm_gateway.server import errors
from llm_gateway.types import Headers, Refusal

UNASKED_BYTES = 64 << 10  # of a body, before the handler asks for it: then reading pauses


class ClientLeftError(Exception):
    """The client hung up while sending."""


class Line(Protocol):
    """What a request needs of its connection."""

    def pause_reading(self) -> None:
        """Let the client wait."""

    def resume_reading(self) -> None:
        """Read on."""

    def go_on(self) -> None:
        """Say `100 Continue`."""


class Incoming:
    """A request. Header names are in lower case; of several with one name the last holds."""

    __slots__ = (
        "_parts", "_size", "_waiter", "asked", "broken", "complete", "expects", "headers", "keep_alive", "left", "limit", "line",
        "method", "modern", "path", "task", "when_lost",
    )  # fmt: skip

    def __init__(self, line: Line, method: str, path: str, headers: Headers) -> None:
        self.line = line
        self.method = method
        self.path = path
        self.headers = headers
        self.modern = True  # HTTP/1.1, so that a body without a length may be chunked
        self.keep_alive = True
        self.expects = False  # the client waits for `100 Continue` before it sends the body
        self.complete = False
        self.broken = False  # the body's framing is no HTTP
        self.left = False
        self.asked = False
        self.task: asyncio.Task[None] | None = None  # the one that answers it
        self.limit = UNASKED_BYTES
        self.when_lost: Callable[[], None] | None = None
        self._parts: list[bytes] = []
        self._size = 0
        self._waiter: asyncio.Future[None] | None = None

    async def read(self, limit: int) -> bytes | Refusal:
        """The body, at most ``limit`` bytes; more is refused before it is read, where its length is announced. Raises ClientLeftError."""
        announced = self.headers.get(b"content-length", b"")
        if announced.isdigit() and int(announced) > limit:
            return errors.too_large(limit)
        self.asked = True
        self.limit = limit
        if not self.complete:
            if self.expects:
                self.line.go_on()
            self.line.resume_reading()
        while not self._settled():
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        if self._size > limit:
            return errors.too_large(limit)
        if self.complete:
            parts, self._parts = self._parts, []
            return parts[0] if len(parts) == 1 else b"".join(parts)
        if self.broken:
            return errors.BAD_REQUEST
        raise ClientLeftError

    def watch(self, lost: Callable[[], None]) -> None:
        """Call ``lost`` once when the client leaves before the answer is complete; at once if it has."""
        if self.left:
            lost()
        else:
            self.when_lost = lost

    # What the connection calls.

    def add(self, part: bytes) -> None:
        """Some of the body."""
        self._size += len(part)
        if self._size > self.limit:
            if not self.asked:
                self.line.pause_reading()  # and keep what is here
            else:
                self._wake()
                return
        self._parts.append(part)

    def done(self) -> None:
        """The body is complete."""
        self.complete = True
        self._wake()

    def fail(self) -> None:
        """What follows is no HTTP."""
        self.broken = True
        self._wake()

    def lose(self) -> None:
        """The client is gone."""
        self.left = True
        lost, self.when_lost = self.when_lost, None
        if lost is not None:
            lost()
        self._wake()

    def _settled(self) -> bool:
        return self.complete or self.broken or self.left or self._size > self.limit

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


def framing(headers: Headers) -> bytes:
    """The header line that tells where a request's body ends; empty where it has none."""
    coding = headers.get(b"transfer-encoding")
    if coding is not None:
        return b"transfer-encoding: %b\r\n" % coding
    length = int(headers.get(b"content-length", b"0"))
    return b"content-length: %d\r\n" % length if length else b""


def path_of(url: bytes) -> str:
    """Path of a request's target, which may be a whole URL."""
    if not url.startswith(b"/"):
        try:
            url = httptools.parse_url(url).path or b"/"
        except httptools.HttpParserInvalidURLError:
            return ""
    path = url.partition(b"?")[0].decode("latin-1")
    return unquote(path) if "%" in path else path
