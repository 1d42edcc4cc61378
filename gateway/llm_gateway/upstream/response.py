"""An engine's answer as it comes in: waited for, read, or pushed on; and how it can fail."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

WHOLE_BYTES = (
    1 << 20
)  # an answer that is no stream is collected up to this size, so that an engine's death is a clean error
_NOT_SUCCESS = 300


class BrokenError(ConnectionError):
    """The connection ended, or said what is no HTTP, before the answer was complete. within_answer: its head was there, with a 2xx."""

    within_answer = False

    def again(self) -> BrokenError:
        """The same error, to be raised: one that is kept would keep its traceback, which holds the answer that keeps it."""
        error = BrokenError(*self.args)
        error.within_answer = self.within_answer
        return error


class UnreachableError(ConnectionError):
    """There is no connection: the name, the address or the handshake failed, or it took too long."""


class Link(Protocol):
    """What an answer needs of its connection."""

    def pause_reading(self) -> None:
        """Let the engine wait."""

    def resume_reading(self) -> None:
        """Read on."""

    def abort(self) -> None:
        """Cut it now."""


class Response:
    """An answer as it comes in. Header names are in lower case; of several with one name the last holds."""

    __slots__ = (
        "_connection", "_least", "_parts", "_paused", "_sink", "_size", "_waiter", "begun", "complete", "error", "headers", "received",
        "status", "streaming",
    )  # fmt: skip

    def __init__(self, connection: Link) -> None:
        self.status = 0
        self.headers: dict[bytes, bytes] = {}
        self.begun = False  # the head is complete
        self.received = False  # any byte came
        self.streaming = False
        self.complete = False
        self.error: BrokenError | None = None
        self._connection = connection
        self._parts: list[bytes] = []
        self._size = 0
        self._least = WHOLE_BYTES + 1
        self._waiter: asyncio.Future[None] | None = None
        self._sink: Callable[[bytes], None] | None = None
        self._paused = False

    async def opened(self) -> None:
        """Wait for a stream's first bytes, or for the whole of another answer, or more than `WHOLE_BYTES` of it. Raises BrokenError."""
        while not self._ready():
            await self._wait()
        if self.error is not None:
            raise self.error.again()

    def take(self) -> bytes:
        """Body bytes that came and were not taken."""
        parts = self._parts
        self._parts, self._size = [], 0
        return parts[0] if len(parts) == 1 else b"".join(parts)

    async def read(self) -> bytes:
        """The next bytes of the body, empty at its end. Raises BrokenError."""
        self._least = 1
        while not self._ready():
            self.resume()
            await self._wait()
        if self._size:
            return self.take()
        if self.error is not None:
            raise self.error.again()
        return b""

    async def flow(self, sink: Callable[[bytes], None]) -> None:
        """Hand everything from here on to ``sink``, as it comes; return at the end. Raises BrokenError.

        ``sink`` runs within the loop's read, so a stream's chunk costs no turn of a task. Whoever cannot take more calls `pause`.
        """
        self._sink = sink
        try:
            if self._size:
                sink(self.take())
            self.resume()
            while not (self.complete or self.error is not None):
                await self._wait()
        finally:
            self._sink = None
        if self.error is not None:
            raise self.error.again()

    def pause(self) -> None:
        """Read nothing more from the engine for now."""
        if not self._paused and not self.complete and self.error is None:
            self._paused = True
            self._connection.pause_reading()

    def resume(self) -> None:
        """Read on."""
        if self._paused:
            self._paused = False
            self._connection.resume_reading()

    def close(self) -> None:
        """Cut the connection unless the answer is complete."""
        if not self.complete:
            self._connection.abort()

    def add(self, part: bytes) -> None:
        """Body bytes came."""
        self._parts.append(part)
        self._size += len(part)

    def deliver(self) -> None:
        """All of one read was parsed: pass it on, or wake who waits for it."""
        if self._size:
            if self._sink is not None:
                try:
                    self._sink(self.take())
                except Exception as error:  # noqa: BLE001 -- it runs in the loop's callback: the one who waits must hear of it
                    self.fail(f"the answer could not be passed on: {type(error).__name__}")
                    self._connection.abort()
                    return
            elif self._size > WHOLE_BYTES:
                self.pause()
        self.wake()

    def fail(self, why: str) -> None:
        """The answer ends here, incomplete."""
        if not self.complete and self.error is None:
            self.error = BrokenError(why)
            self.error.within_answer = self.begun and not self.streaming and self.status < _NOT_SUCCESS
            self.wake()

    def wake(self) -> None:
        """Wake who waits, if there is something to see."""
        waiter = self._waiter
        if waiter is not None and not waiter.done() and self._ready():
            waiter.set_result(None)

    def _ready(self) -> bool:
        if self.complete or self.error is not None:
            return True
        return self._sink is None and self._size >= (1 if self.streaming else self._least)

    async def _wait(self) -> None:
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None
