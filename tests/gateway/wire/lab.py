"""A scripted engine and a gateway in one event loop, so that a test sees both ends of a request and the time between them."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from llm_gateway import config
from llm_gateway.logs import Events
from llm_gateway.server.app import api, operations
from llm_gateway.server.gateway import Gateway
from llm_gateway.server.listener import Listener, listen

CHAT = "/v1/chat/completions"
KEY = "sk-test-0123456789abcdef0123456789abcdef"
SECRET_PROMPT = "the launch code is 8141"  # noqa: S105 -- a prompt
USAGE = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
HEAD = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "chat"}


@dataclass
class Seen:
    """A request as the engine saw it."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    at: float
    left: float | None = None  # when the connection ended before the answer did
    gone: asyncio.Event = field(default_factory=asyncio.Event)


Script = Callable[[Seen, asyncio.StreamWriter], Awaitable[None]]


class Mock:
    """Serves whatever ``script`` says; a connection that the gateway ends cancels it."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.seen: list[Seen] = []
        self.arrived = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=1 << 24)
        self.port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while await self._one(reader, writer):
                pass
        writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in head[1:] if line)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        seen = Seen(head[0].split(" ")[1], headers, json.loads(body or b"{}"), time.perf_counter())
        self.seen.append(seen)
        self.arrived.set()
        answer = asyncio.ensure_future(self.script(seen, writer))
        ended = asyncio.ensure_future(reader.read(1))
        await asyncio.wait({answer, ended}, return_when=asyncio.FIRST_COMPLETED)
        cut = answer.done() and not answer.cancelled() and isinstance(answer.exception(), ConnectionError)
        if cut or not answer.done():
            seen.left = time.perf_counter()
            seen.gone.set()
            answer.cancel()
            ended.cancel()
            return False
        ended.cancel()
        answer.result()
        with contextlib.suppress(asyncio.CancelledError):
            await ended
        return not writer.is_closing()


def event(value: object) -> bytes:
    return b"data: " + json.dumps(value, separators=(",", ":")).encode() + b"\n\n"


def token(text: str, reason: str | None = None) -> bytes:
    return event(HEAD | {"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": reason}]})


def tokens(count: int) -> list[bytes]:
    last = count - 1
    return [token(f"t{i} ", "stop" if i == last else None) for i in range(count)]


USAGE_EVENT = event(HEAD | {"choices": [], "usage": USAGE})
DONE = b"data: [DONE]\n\n"
SSE_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked\r\n\r\n"


def chunk(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


def stream(count: int = 3, *, every: float = 0.0, first: float = 0.0, size: int = 0) -> Script:
    """``count`` tokens; then usage where it was asked for, and [DONE]."""

    async def script(seen: Seen, writer: asyncio.StreamWriter) -> None:
        writer.write(SSE_HEAD)
        await asyncio.sleep(first)
        for part in tokens(count):
            writer.write(chunk(part + (b": " + b"x" * size + b"\n\n" if size else b"")))
            await writer.drain()
            await asyncio.sleep(every)
        if (seen.body.get("stream_options") or {}).get("include_usage"):
            writer.write(chunk(USAGE_EVENT))
        writer.write(chunk(DONE) + b"0\r\n\r\n")

    return script


def whole(status: int = 200, value: object = None, *, after: float = 0.0, headers: str = "") -> Script:
    """One JSON answer."""
    answer = {"id": "1", "object": "chat.completion", "model": "chat", "usage": USAGE,
              "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "hi"}}]}  # fmt: skip
    body = json.dumps(answer if value is None else value).encode()

    async def script(_: Seen, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(after)
        writer.write(f"HTTP/1.1 {status} X\r\ncontent-type: application/json\r\n{headers}".encode())
        writer.write(f"content-length: {len(body)}\r\n\r\n".encode() + body)

    return script


def either(seen: Seen, writer: asyncio.StreamWriter) -> Awaitable[None]:
    """As it was asked: a stream or one answer."""
    return (stream() if seen.body.get("stream") else whole())(seen, writer)


def raw(data: bytes, *, abort: bool = False, pause: float = 0.0) -> Script:
    """These bytes, then the end of the connection."""

    async def script(_: Seen, writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await writer.drain()
        await asyncio.sleep(pause)
        writer.transport.abort() if abort else writer.close()

    return script


async def hang(_: Seen, __: asyncio.StreamWriter) -> None:
    """Accept and never answer."""
    await asyncio.sleep(3600)


def settings(*urls: str, **model: Any) -> dict[str, Any]:
    """A configuration with one model at these URLs and one tenant; ``model`` overrides the model's keys."""
    limits = {"maxPromptTokens": 4096, "maxCompletionTokens": 256} | model.pop("limits", {})
    chat = {"limits": limits, "upstream": {"urls": list(urls)}} | model
    digest = "sha256:" + hashlib.sha256(KEY.encode()).hexdigest()
    return {"models": {"chat": chat}, "tenants": {"acme": {"keys": {"main": {"sha256": digest}}}}}


class Lab:
    """A running gateway with its log."""

    @property
    def log(self) -> str:
        return self._log.read_text()

    def __init__(self, gateway: Gateway, port: int, admin: int, log: Path) -> None:
        self.gateway, self.port, self.admin, self._log = gateway, port, admin, log

    def events(self, name: str | None = None) -> list[dict[str, Any]]:
        self.gateway.events.flush()
        found = [json.loads(line) for line in self.log.splitlines()]
        return [one for one in found if name is None or one["event"] == name]

    async def finished(self, count: int = 1) -> list[dict[str, Any]]:
        """The final events of so many requests, once they are there."""
        for _ in range(300):
            found = self.events("request_finished")
            if len(found) >= count:
                return found
            await asyncio.sleep(0.01)
        raise AssertionError(f"{count} requests did not end: {self.events()}")

    def metric(self, series: str) -> float:
        lines = self.gateway.scrape().decode().splitlines()
        return next((float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(series)), 0.0)

    async def ask(
        self, body: Any = None, *, path: str = CHAT, method: str = "POST", port: int = 0, **headers: str
    ) -> Got:
        client = await Client.open(port or self.port)
        await client.send(body if body is not None else prompt(), path=path, method=method, **headers)
        return await client.read()


@contextlib.asynccontextmanager
async def running(document: dict[str, Any], log: Path, **kwargs: Any) -> AsyncIterator[Lab]:
    """A gateway with this configuration on free ports."""
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    gateway = Gateway(config.loads(json.dumps(document)), events=Events(descriptor), **kwargs)
    await gateway.start()
    listeners = [Listener(app(gateway)) for app in (api, operations)]
    sockets = [listen("127.0.0.1", 0) for _ in listeners]
    ports = [found.getsockname()[1] for found in sockets]
    for listener, found in zip(listeners, sockets, strict=True):
        await listener.start(found)
    try:
        yield Lab(gateway, *ports, log)
    finally:
        for listener in listeners:
            await listener.stop(0)
        await gateway.close()
        os.close(descriptor)


@dataclass
class Got:
    status: int
    headers: dict[str, str]
    body: bytes
    whole: bool = True  # the framing says that nothing is missing

    @property
    def error(self) -> dict[str, Any]:
        return json.loads(self.body)["error"]

    def json(self) -> Any:
        return json.loads(self.body)


class Client:
    """One connection, byte by byte where a test wants it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def open(cls, port: int, *, window: int = 0) -> Client:
        made = socket.socket()
        if window:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
        made.setblocking(False)
        await asyncio.get_running_loop().sock_connect(made, ("127.0.0.1", port))
        return cls(*await asyncio.open_connection(sock=made, limit=1 << 16))

    async def send(self, body: Any, *, path: str = CHAT, method: str = "POST", **headers: str) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        names = {"authorization": f"Bearer {KEY}", "content-type": "application/json"} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        names.setdefault("content-length", str(len(data)))
        lines = [
            f"{method} {path} HTTP/1.1",
            "host: x",
            *(f"{name}: {value}" for name, value in names.items() if value),
        ]
        self.writer.write(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + data)
        await self.writer.drain()

    async def head(self) -> tuple[int, dict[str, str]]:
        lines = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        return int(lines[0].split(" ")[1]), {
            k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines[1:] if line)
        }

    async def chunk(self) -> bytes:
        """One chunk of a chunked body, b"" at its end."""
        size = int(await self.reader.readline(), 16)
        data = await self.reader.readexactly(size + 2)
        return data[:-2]

    async def read(self) -> Got:
        status, headers = await self.head()
        if "content-length" in headers:
            size, data = int(headers["content-length"]), b""
            with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
                data = await self.reader.readexactly(size)
            return Got(status, headers, data, len(data) == size)
        parts: list[bytes] = []
        try:
            while part := await self.chunk():
                parts.append(part)
        except (asyncio.IncompleteReadError, ConnectionError, ValueError):
            return Got(status, headers, b"".join(parts), whole=False)
        return Got(status, headers, b"".join(parts))

    def leave(self) -> float:
        """Hang up as a client that was killed does; when."""
        self.writer.transport.abort()
        return time.perf_counter()


def prompt(text: str = SECRET_PROMPT, **more: Any) -> dict[str, Any]:
    return {"model": "chat", "messages": [{"role": "user", "content": text}]} | more
