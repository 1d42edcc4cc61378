"""Scripts for Redis, sent together: what arrives while one round trip is under way goes with the next.

Under load this costs a fraction of a round trip each, and one connection carries all of it, in order. A caller that is cancelled
leaves its script to run, and may look at the outcome.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from hashlib import sha1
from pathlib import Path
from typing import Any

import msgspec
from redis.asyncio import ConnectionPool
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import NoScriptError, RedisError, ResponseError

ERRORS = (RedisError, OSError, TimeoutError)
_MOST_AT_ONCE = 256
_RESTED_S = 1.0
_HERE = Path(__file__).parent


class Script:
    """A Lua script beside this file, and the name the store gives it."""

    def __init__(self, name: str) -> None:
        self.text = (_HERE / f"{name}.lua").read_text(encoding="utf-8")
        self.digest = sha1(self.text.encode(), usedforsecurity=False).hexdigest()


class _Call(msgspec.Struct):
    script: Script
    keys: Sequence[str]
    arguments: Sequence[Any]
    future: asyncio.Future[Any]


class Batch:
    """Runs scripts on one connection of a pool, whose commands have no timeout of their own: each batch has ``timeout_s`` seconds.

    It speaks to the connection itself, since a `Redis` client spends a task, two timers and a turn at the pool on every command.
    """

    def __init__(self, pool: ConnectionPool, *, timeout_s: float) -> None:
        self._pool = pool
        self._timeout_s = timeout_s
        self._connection: AbstractConnection | None = None
        self._used_at = 0.0
        self._pending: list[_Call] = []
        self._flight: asyncio.Task[None] | None = None

    def call(self, script: Script, keys: Sequence[str], arguments: Sequence[Any]) -> asyncio.Future[Any]:
        """Reply of the script, or one of `ERRORS`. Await it shielded: cancelling it takes nothing back."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        future.add_done_callback(_looked_at)
        self._pending.append(_Call(script, keys, arguments, future))
        if self._flight is None:
            self._flight = loop.create_task(self._fly())
        return future

    async def close(self) -> None:
        """Let what is under way end, and give the connection back."""
        if self._flight is not None:
            await asyncio.gather(self._flight, return_exceptions=True)
        if self._connection is not None:
            await self._pool.release(self._connection)
            self._connection = None

    async def _fly(self) -> None:
        try:
            while self._pending:
                calls, self._pending = self._pending[:_MOST_AT_ONCE], self._pending[_MOST_AT_ONCE:]
                await self._send(calls)
        finally:
            self._flight = None

    async def _send(self, calls: Sequence[_Call]) -> None:
        try:
            replies = await self._run("EVALSHA", [(call.script.digest, call) for call in calls])
            unknown = [index for index, reply in enumerate(replies) if isinstance(reply, NoScriptError)]
            if unknown:  # flushed or restarted: send the text along, which also teaches it to the store
                again = await self._run("EVAL", [(calls[index].script.text, calls[index]) for index in unknown])
                for index, reply in zip(unknown, again, strict=True):
                    replies[index] = reply
        except BaseException as error:
            for call in calls:
                _answer(call.future, error if isinstance(error, ERRORS) else ConnectionError("interrupted"))
            if not isinstance(error, ERRORS):
                raise
            return
        for call, reply in zip(calls, replies, strict=True):
            _answer(call.future, reply)

    async def _run(self, command: str, calls: Sequence[tuple[str, _Call]]) -> list[Any]:
        async with asyncio.timeout(self._timeout_s):
            connection = await self._connected()
            commands = [(command, name, len(call.keys), *call.keys, *call.arguments) for name, call in calls]
            await connection.send_packed_command(connection.pack_commands(commands), check_health=False)
            replies: list[Any] = []
            for _ in commands:
                try:
                    replies.append(await connection.read_response())
                except ResponseError as error:
                    replies.append(error)
        self._used_at = time.monotonic()
        return replies

    async def _connected(self) -> AbstractConnection:
        """The connection; one that rested is looked at first, since the store may have closed it."""
        if self._connection is None:
            self._connection = await self._pool.get_connection()  # type: ignore[no-untyped-call]  # redis-py leaves it untyped
        elif time.monotonic() - self._used_at > _RESTED_S:
            await self._pool.ensure_connection(self._connection)
        return self._connection


def _answer(future: asyncio.Future[Any], reply: Any) -> None:  # noqa: ANN401 -- the store's reply
    if future.done():
        return
    if isinstance(reply, BaseException):
        future.set_exception(reply)
    else:
        future.set_result(reply)


def _looked_at(future: asyncio.Future[Any]) -> None:
    if not future.cancelled():
        future.exception()  # so that asyncio does not complain where the waiter is gone
