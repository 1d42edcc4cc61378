"""The engine of known capacity and the open-loop clients of the overload benchmark."""

from __future__ import annotations

import asyncio
import json
import random
import statistics
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.gateway.process import Process

SLOTS = 32
FIRST = 0.6  # seconds to the first token: a prompt of 5400 tokens at 9000 per second
TOKENS = 26  # of an answer, in the mean
EVERY = 0.1  # seconds between two tokens; slow, so that the load itself needs little CPU
WARM = 8.0  # seconds of each phase that are not counted, while slots and queue fill
CAPACITY = SLOTS / (FIRST + TOKENS * EVERY)  # requests per second
CHUNK = (
    b'data: {"id":"chatcmpl-0","object":"chat.completion.chunk","created":1,"model":"chat",'
    b'"choices":[{"index":0,"delta":{"content":" token"},"finish_reason":%s}]}\n\n'
)
END = (
    b'data: {"id":"chatcmpl-0","object":"chat.completion.chunk","choices":[],'
    b'"usage":{"prompt_tokens":9,"completion_tokens":26,"total_tokens":35}}\n\ndata: [DONE]\n\n'
)


class Engine(asyncio.Protocol):
    """Streams about TOKENS tokens in their own time; more than SLOTS requests at once would be an engine's queue, and are counted."""

    running = most = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A connection came."""
        self.transport: Any = transport
        self.data = b""
        self.task: asyncio.Task[None] | None = None

    def connection_lost(self, exc: Exception | None) -> None:
        """The gateway left."""
        del exc
        if self.task is not None:
            self.task.cancel()

    def data_received(self, data: bytes) -> None:
        """Answer each request; GET tells the most that ran at once."""
        self.data += data
        head, found, body = self.data.partition(b"\r\n\r\n")
        size = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0] or 0)
        if not found or len(body) < size:
            return
        self.data = b""
        if head.startswith(b"GET"):
            text = str(Engine.most).encode()
            self.transport.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(text), text))
            return
        self.task = asyncio.get_running_loop().create_task(self.answer())

    async def answer(self) -> None:
        """One stream, against the clock: a late timer makes no request longer."""
        Engine.running += 1
        Engine.most = max(Engine.most, Engine.running)
        loop = asyncio.get_running_loop()
        began, count = loop.time(), random.randint(TOKENS // 2, TOKENS + TOKENS // 2)  # noqa: S311
        try:
            self.transport.write(
                b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
            )
            for number in range(count):
                await asyncio.sleep(max(0.0, began + FIRST + number * EVERY - loop.time()))
                data = CHUNK % (b'"stop"' if number == count - 1 else b"null")
                self.transport.write(b"%x\r\n%s\r\n" % (len(data), data))
            await asyncio.sleep(max(0.0, began + FIRST + count * EVERY - loop.time()))
        finally:
            Engine.running -= 1
        self.transport.write(b"%x\r\n%s\r\n0\r\n\r\n" % (len(END), END))


async def engine(port: int) -> None:
    """Serve the engine on a port."""
    server = await asyncio.get_running_loop().create_server(Engine, "127.0.0.1", port, backlog=1024)
    await server.serve_forever()


@dataclass(slots=True)
class Phase:
    """What came of one stretch of load, ``seconds`` of it from ``since`` on.

    good: whole answers that ended in that time. offered, served: requests that came in it, and those of them that were answered.
    """

    seconds: float
    since: float = 0.0
    good: Counter[str] = field(default_factory=Counter)
    offered: Counter[str] = field(default_factory=Counter)
    served: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    ttft: dict[str, list[float]] = field(default_factory=dict)
    memory: list[int] = field(default_factory=list)

    @property
    def goodput(self) -> float:
        """Whole answers per second."""
        return sum(self.good.values()) / self.seconds

    def p95(self, tenant: str) -> float:
        """Seconds."""
        return statistics.quantiles(self.ttft[tenant], n=20)[-1]


class Load:
    """Clients of one gateway."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def phase(self, callers: dict[str, tuple[float, str]], seconds: float) -> Phase:
        """Offer each tenant's requests per second, in its class, for so long."""
        now = time.monotonic()
        end = now + seconds
        found = Phase(seconds - WARM, now + WARM)
        tasks: set[asyncio.Task[None]] = set()
        sources = [self._source(found, tasks, name, rate, klass, end) for name, (rate, klass) in callers.items()]
        await asyncio.gather(*sources, self._watch(found, end))
        await asyncio.gather(*tasks)
        return found

    async def _source(
        self, found: Phase, tasks: set[asyncio.Task[None]], tenant: str, rate: float, klass: str, end: float
    ) -> None:
        due = time.monotonic()
        while True:
            due += random.expovariate(rate)
            if due > end:
                return
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            task = asyncio.create_task(self._one(found, tenant, klass, end))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

    async def _one(self, found: Phase, tenant: str, klass: str, end: float) -> None:
        began = time.monotonic()
        counts = began >= found.since
        found.offered[tenant] += counts
        reader, writer = await self._connection()
        writer.write(request(tenant, klass))
        head = await reader.readuntil(b"\r\n\r\n")
        status = int(head[9:12])
        found.statuses[status] += 1
        if b"content-length:" in head:
            await reader.readexactly(int(head.partition(b"content-length:")[2].split(b"\r\n", 1)[0]))
        else:
            first, last = await body(reader)
            if first >= found.since:
                found.ttft.setdefault(tenant, []).append(first - began)
            whole = status == 200 and b"[DONE]" in last
            found.served[tenant] += counts and whole
            found.good[tenant] += whole and found.since <= time.monotonic() <= end
        self._idle.append((reader, writer))

    async def _connection(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """One that the gateway still holds open; it closes idle ones in time."""
        while self._idle:
            reader, writer = self._idle.pop()
            if not reader.at_eof():
                return reader, writer
            writer.close()
        return await asyncio.open_connection("127.0.0.1", self._process.port)

    async def _watch(self, found: Phase, end: float) -> None:
        while time.monotonic() < end:
            found.memory.append(self._process.rss())
            await asyncio.sleep(min(2.0, max(0.0, end - time.monotonic())))


async def body(reader: asyncio.StreamReader) -> tuple[float, bytes]:
    """Read a chunked body; when its first chunk came, and its last."""
    first, last = 0.0, b""
    while size := int(await reader.readline(), 16):
        first = first or time.monotonic()
        last = (await reader.readexactly(size + 2))[:-2]
    await reader.readline()
    return first, last


def key(tenant: str) -> str:
    """A tenant's key."""
    return f"sk-{tenant}-0123456789abcdef0123456789"


def request(tenant: str, klass: str) -> bytes:
    """A streamed chat; no two begin alike."""
    text = f"{random.random()} " + "the gateway counts tokens before the engine sees them " * 20  # noqa: S311
    data = json.dumps({"model": "chat", "stream": True, "messages": [{"role": "user", "content": text}]}).encode()
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key(tenant)}\r\nx-llm-class: {klass}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(data)}\r\n\r\n"
    )
    return head.encode() + data
