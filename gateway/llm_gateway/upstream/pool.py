"""Connections to engines: kept while they are fresh, made where none is idle, and one safe repeat where the engine closed an idle one."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections import deque
from collections.abc import Callable
from typing import Any

import msgspec

from llm_gateway.upstream.connection import Connection
from llm_gateway.upstream.response import BrokenError, Response, UnreachableError

KEEP_ALIVE = 4.0  # seconds; vLLM closes idle connections after 5 (VLLM_HTTP_TIMEOUT_KEEP_ALIVE), and whoever closes first should be us
LIFETIME = 120.0  # seconds; behind a Service only new connections reach new pods
DNS_SECONDS = 5.0
FORGET = LIFETIME  # seconds without an idle connection; what is in use for longer would not be used again anyway

_Address = tuple[Any, ...]


class Origin(msgspec.Struct, frozen=True, order=True):
    """Whom a connection is with."""

    host: str
    port: int
    tls: bool


class Home:
    """The idle connections to one origin, the newest last."""

    __slots__ = ("_idle", "_seen", "_swept")

    def __init__(self, swept: Callable[[], None]) -> None:
        self._idle: deque[Connection] = deque()
        self._seen = time.monotonic()
        self._swept = swept

    def idle(self, connection: Connection) -> None:
        """Take a connection back."""
        self._idle.append(connection)
        self._swept()

    def lost(self, connection: Connection) -> None:
        """A connection is gone; most were in use then."""
        if connection in self._idle:
            self._idle.remove(connection)

    def take(self, now: float) -> Connection | None:
        """The connection that was used last, if one is fresh enough."""
        while self._idle:
            connection = self._idle.pop()
            if connection.open and now - connection.idle_since < KEEP_ALIVE and now - connection.born < LIFETIME:
                return connection
            connection.abort()
        return None

    def sweep(self, now: float) -> bool:
        """Close what is idle for too long; whether anything was idle within `FORGET`."""
        while self._idle and now - self._idle[0].idle_since >= KEEP_ALIVE:
            self._idle.popleft().abort()
        if self._idle:
            self._seen = now
        return now - self._seen < FORGET

    def leave(self) -> None:
        """Close what still comes back: nobody will ask here for it."""
        self._swept = self._close

    def _close(self) -> None:
        while self._idle:
            self._idle.pop().abort()


class Pool:
    """All connections to engines. Admission bounds the requests in flight, so the pool bounds nothing."""

    def __init__(self, *, resolve: Callable[[str, int], Any] | None = None) -> None:
        self._homes: dict[Origin, Home] = {}
        self._names: dict[tuple[str, int], tuple[float, asyncio.Task[list[_Address]]]] = {}
        self._resolve = resolve or _resolve
        self._trust: ssl.SSLContext | None = None
        self._sweeper: asyncio.TimerHandle | None = None

    async def ask(self, origin: Origin, data: bytes, *, connect: float) -> Response:
        """Send a whole request and wait until its answer is open (`Response.opened`). ``connect``: seconds for name and handshake.

        Raises UnreachableError, or BrokenError. An idle connection may have been closed by the engine at the very moment of its use; where
        not one byte came back on such a one, the request is sent once more, on a new connection. Cancelling cuts the connection.
        """
        home = self._homes.get(origin)
        if home is None:
            home = self._homes[origin] = Home(self._plan_sweep)
            self._plan_sweep()
        connection = home.take(time.monotonic())
        used = connection is not None
        while True:
            if connection is None:
                connection = await self._connect(origin, home, connect)
            response = connection.request(data)
            try:
                await response.opened()
            except BrokenError:
                response.close()
                if response.received or not used:
                    raise
            except BaseException:
                response.close()
                raise
            else:
                return response
            connection, used = None, False

    def close(self) -> None:
        """Close what is idle; a request in flight closes its own."""
        if self._sweeper is not None:
            self._sweeper.cancel()
        for home in self._homes.values():
            while (connection := home.take(time.monotonic())) is not None:
                connection.abort()
        for _, task in self._names.values():
            task.cancel()

    async def _connect(self, origin: Origin, home: Home, seconds: float) -> Connection:
        try:
            async with asyncio.timeout(seconds):
                return await self._reach(origin, home)
        except TimeoutError as error:
            raise UnreachableError("connecting took too long") from error
        except OSError as error:
            raise UnreachableError(str(error)) from error

    async def _reach(self, origin: Origin, home: Home) -> Connection:
        """Try the addresses of a name in the resolver's order. Raises OSError."""
        last: OSError | None = None
        loop = asyncio.get_running_loop()
        for address in await self._addresses(origin.host, origin.port):
            try:
                transport, connection = await loop.create_connection(
                    lambda: Connection(home),
                    address[0],
                    origin.port,
                    ssl=self._context() if origin.tls else None,
                    server_hostname=origin.host if origin.tls else None,
                )
            except OSError as error:
                last = error
                continue
            made: socket.socket = transport.get_extra_info("socket")
            made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            return connection
        raise last or OSError(f"{origin.host} has no address")

    async def _addresses(self, host: str, port: int) -> list[_Address]:
        """Addresses of a name; asked for once for all who want it, and anew after `DNS_SECONDS`."""
        now = time.monotonic()
        known = self._names.get((host, port))
        if known is None or now >= known[0]:
            task = asyncio.ensure_future(self._resolve(host, port))
            task.add_done_callback(lambda done: self._forget_failure(host, port, done))
            known = self._names[host, port] = (now + DNS_SECONDS, task)
        return await asyncio.shield(known[1])

    def _forget_failure(self, host: str, port: int, task: asyncio.Task[list[_Address]]) -> None:
        known = self._names.get((host, port))
        if (task.cancelled() or task.exception() is not None) and known is not None and known[1] is task:
            del self._names[host, port]

    def _context(self) -> ssl.SSLContext:
        if self._trust is None:
            self._trust = ssl.create_default_context()
        return self._trust

    def _plan_sweep(self) -> None:
        if self._sweeper is None:
            self._sweeper = asyncio.get_running_loop().call_later(KEEP_ALIVE / 4, self._sweep)

    def _sweep(self) -> None:
        self._sweeper = None
        now = time.monotonic()
        for origin in [origin for origin, home in self._homes.items() if not home.sweep(now)]:
            self._homes.pop(origin).leave()
        for name in [name for name, (until, task) in self._names.items() if now >= until and task.done()]:
            del self._names[name]
        if self._homes or self._names:
            self._plan_sweep()


async def _resolve(host: str, port: int) -> list[_Address]:
    """Socket addresses of a host. Raises OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [address for *_, address in found]
