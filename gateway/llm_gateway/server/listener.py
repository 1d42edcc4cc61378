"""A port: its connections, the tasks that answer their requests, and an end in which none is lost."""

from __future__ import annotations

import asyncio
import email.utils
import os
import socket
import time
from collections.abc import Awaitable, Callable

from llm_gateway.server.connection import Connection
from llm_gateway.server.incoming import Incoming
from llm_gateway.server.reply import Reply

BACKLOG = 2048
KEEP_ALIVE = 75.0  # seconds; above the 60 s that load balancers keep idle connections, so that they close first
HEAD_SECONDS = 10.0  # for a request's head, from its first byte
LINGER_SECONDS = 2.0  # for what a client still sends after it was told that nothing more is read

Handler = Callable[[Incoming, Reply], Awaitable[None]]


class Listener:
    """Serves one handler. ``idle`` and ``head``: seconds between two requests, and for one's head."""

    def __init__(self, handler: Handler, *, idle: float = KEEP_ALIVE, head: float = HEAD_SECONDS) -> None:
        self._handler = handler
        self._idle, self._head = idle, head
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._quiet = asyncio.Event()
        self._ticker: asyncio.TimerHandle | None = None
        self.connections: set[Connection] = set()
        self.date = b""  # the `date` header, a second old at most
        self.stopping = False

    async def start(self, port: socket.socket) -> None:
        """Take connections from a socket that listens."""
        self._tick()
        self._server = await asyncio.get_running_loop().create_server(
            lambda: Connection(self), sock=port, backlog=BACKLOG
        )

    def serve(self, request: Incoming, reply: Reply) -> None:
        """Answer a request in a task of its own."""
        reply.closing = self.stopping
        request.task = asyncio.get_running_loop().create_task(self._serve(request, reply))
        self._tasks.add(request.task)

    def left(self, connection: Connection) -> None:
        """A connection is gone."""
        self.connections.discard(connection)
        self._look()

    async def stop(self, seconds: float, hurry: asyncio.Event | None = None) -> None:
        """Take no more connections, close idle ones, and let the others end; cut what is left after ``seconds``, or when hurried."""
        self.stopping = True
        if self._server is not None:
            self._server.close()
        for connection in list(self.connections):
            connection.retire()
        self._look()
        waits = [asyncio.create_task(self._quiet.wait())]
        if hurry is not None:
            waits.append(asyncio.create_task(hurry.wait()))
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for task in [*waits, *self._tasks]:
            task.cancel()
        await asyncio.gather(*waits, *self._tasks, return_exceptions=True)
        for connection in list(self.connections):
            connection.abort()
        if self._ticker is not None:
            self._ticker.cancel()

    async def _serve(self, request: Incoming, reply: Reply) -> None:
        try:
            await self._handler(request, reply)
        finally:
            reply.close()
            if request.task is not None:
                self._tasks.discard(request.task)
                request.task = None  # which holds the request in turn
            self._look()

    def _look(self) -> None:
        if self.stopping and not self.connections and not self._tasks:
            self._quiet.set()

    def _tick(self) -> None:
        """Once a second: the date, and who waits for too long."""
        self._ticker = asyncio.get_running_loop().call_later(1.0, self._tick)
        self.date = b"date: %b\r\n" % email.utils.formatdate(usegmt=True).encode()
        now = time.monotonic()
        for connection in list(self.connections):
            connection.overdue(now, idle=self._idle, head=self._head, linger=LINGER_SECONDS)


def listen(host: str, port: int) -> socket.socket:
    """A socket that takes connections, before anything slow is loaded. Raises OSError where the port is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise OSError(error.errno, f"port {port} of {host}: {os.strerror(error.errno or 0)}") from error
