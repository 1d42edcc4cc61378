"""The little of HTTP/1.1 that clients of an engine use: keep-alive, bodies of either framing, chunked streams."""

from __future__ import annotations

import asyncio
import contextlib
import email.utils
import json
import os
import socket
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

KEEP_ALIVE = float(os.environ.get("VLLM_HTTP_TIMEOUT_KEEP_ALIVE", "5"))  # seconds an idle connection stays open
JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """Parse the body. Raises ValueError."""
        return json.loads(self.body)


@dataclass(slots=True)
class Response:
    """``stream`` replaces the body, chunk by chunk."""

    status: HTTPStatus = HTTPStatus.OK
    body: bytes = b""
    kind: str = JSON
    stream: AsyncIterator[bytes] | None = None

    @classmethod
    def of(cls, value: object, status: HTTPStatus = HTTPStatus.OK) -> Response:
        return cls(status=status, body=json.dumps(value, separators=(",", ":")).encode())


class CutConnection(Exception):  # noqa: N818 -- not an error of ours: the fault that was asked for
    """Send these raw bytes, if any, and reset the connection."""

    def __init__(self, raw: bytes = b"") -> None:
        super().__init__("connection cut on purpose")
        self.raw = raw


class Server:
    """Serves ``handle`` on one port, which can be closed and opened again while connections live on."""

    def __init__(self, handle: Callable[[Request], Awaitable[Response]], *, host: str, port: int) -> None:
        self._handle, self._host, self.port = handle, host, port
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        """Listen as vLLM does: with SO_REUSEPORT, so a second server on the port does not fail."""
        if self._server is None:
            self._server = await asyncio.start_server(self._connection, self._host, self.port, reuse_port=True)
            self.port = self._server.sockets[0].getsockname()[1]

    def close(self) -> None:
        """Stop listening; connections that are open go on."""
        if self._server is not None:
            self._server.close()
            self._server = None

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            while (request := await _read(reader)) is not None:
                if not await self._exchange(request, reader, writer):
                    break
        writer.close()

    async def _exchange(self, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; False ends the connection. A client that leaves cancels its request."""
        answer = asyncio.create_task(self._answer(request, writer))
        gone = asyncio.create_task(_gone(reader))
        await asyncio.wait({answer, gone}, return_when=asyncio.FIRST_COMPLETED)
        gone.cancel()
        if not answer.done():
            answer.cancel()
            await asyncio.wait({answer})
            return False
        answer.result()
        return request.headers.get("connection", "").lower() != "close" and not writer.is_closing()

    async def _answer(self, request: Request, writer: asyncio.StreamWriter) -> None:
        try:
            await _write(writer, await self._handle(request))
        except CutConnection as cut:
            writer.write(cut.raw)
            with contextlib.suppress(ConnectionError):
                await writer.drain()
            writer.transport.abort() if not cut.raw else writer.close()


async def _gone(reader: asyncio.StreamReader) -> None:
    while not reader.at_eof():  # noqa: ASYNC110 -- the reader has no event for it
        await asyncio.sleep(0.05)


async def _read(reader: asyncio.StreamReader) -> Request | None:
    """Read one request; None at the end of the connection or for what is no HTTP."""
    try:
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), KEEP_ALIVE)
    except (TimeoutError, asyncio.IncompleteReadError):
        return None
    first, *lines = head[:-4].decode("latin-1").split("\r\n")
    parts = first.split(" ")
    if len(parts) != 3:
        return None
    pairs = (line.partition(":") for line in lines)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    return Request(parts[0], parts[1].partition("?")[0], headers, await _body(reader, headers))


async def _body(reader: asyncio.StreamReader, headers: dict[str, str]) -> bytes:
    if headers.get("transfer-encoding", "").lower() != "chunked":
        return await reader.readexactly(int(headers.get("content-length", 0)))
    body = b""
    while True:
        size = int((await reader.readline()).split(b";")[0], 16)
        chunk = await reader.readexactly(size + 2)
        if not size:
            return body
        body += chunk[:-2]


async def _write(writer: asyncio.StreamWriter, response: Response) -> None:
    headers = {"date": email.utils.formatdate(usegmt=True), "server": "uvicorn"}
    if response.body or response.stream:
        headers["content-type"] = response.kind
    headers |= {"transfer-encoding": "chunked"} if response.stream else {"content-length": str(len(response.body))}
    lines = [f"HTTP/1.1 {response.status.value} {response.status.phrase}", *(f"{k}: {v}" for k, v in headers.items())]
    writer.write(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + response.body)
    await writer.drain()
    if response.stream is None:
        return
    async with contextlib.aclosing(response.stream) as chunks:  # type: ignore[type-var] -- they are generators
        async for chunk in chunks:
            writer.write(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n")
            await writer.drain()
    writer.write(b"0\r\n\r\n")
    await writer.drain()
