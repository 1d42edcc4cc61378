"""What ends a request from outside: the client leaves, or a deadline passes. Each cancels the request's one task, once."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from llm_gateway.server.incoming import Incoming

Reason = Literal["client_left", "slow_reader", "slow_body", "idle", "total"]


class Interrupt:
    """Of the task that serves a request; ``reason`` tells its CancelledError from a foreign one."""

    __slots__ = ("_loop", "_task", "_timers", "reason")

    def __init__(self, task: asyncio.Task[None] | None) -> None:
        self._task = task
        self._loop = asyncio.get_running_loop()
        self._timers: list[asyncio.TimerHandle] = []
        self.reason: Reason | None = None

    def watch(self, request: Incoming) -> None:
        """From now on a client that leaves ends the request; the body has to be read by then."""
        request.watch(self._left)

    def deadline(self, seconds: float, reason: Reason) -> asyncio.TimerHandle:
        """End the request after so many seconds, unless the timer is cancelled before."""
        timer = self._loop.call_later(seconds, self.cut, reason)
        self._timers.append(timer)
        return timer

    def cut(self, reason: Reason) -> None:
        """End the request; the first reason counts."""
        if self.reason is None and self._task is not None and not self._task.done():
            self.reason = reason
            self._task.cancel()

    def caught(self) -> bool:
        """In ``except CancelledError``: whether it was ours. If so the task may go on to clean up."""
        if self.reason is None or self._task is None:
            return False
        self._task.uncancel()
        return True

    def close(self) -> None:
        """Nothing can end the request from here on."""
        self._task = None
        for timer in self._timers:
            timer.cancel()

    def _left(self) -> None:
        self.cut("client_left")


class Pulse:
    """Idle and write deadlines of a stream with one timer for all of its chunks: the relay only notes the time.

    since: the last byte, or the moment at which the client fell behind. writing: it is behind.
    """

    __slots__ = ("_idle", "_interrupt", "_timer", "_write", "since", "writing")

    def __init__(self, interrupt: Interrupt, *, idle: float, write: float) -> None:
        self._interrupt, self._idle, self._write = interrupt, idle, write
        self.since = time.monotonic()
        self.writing = False
        self._timer = asyncio.get_running_loop().call_later(min(idle, write), self._check)

    def close(self) -> None:
        """Stop checking."""
        self._timer.cancel()

    def _check(self) -> None:
        limit = self._write if self.writing else self._idle
        left = self.since + limit - time.monotonic()
        if left <= 0:
            self._interrupt.cut("slow_reader" if self.writing else "idle")
            return
        self._timer = asyncio.get_running_loop().call_later(min(left, self._idle, self._write), self._check)
