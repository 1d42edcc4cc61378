"""The mock engine and the load of the gateway benchmark."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

KEY = "sk-bench-0123456789abcdef0123456789abcdef"
CHAT = "/v1/chat/completions"
WORDS = "the gateway counts tokens before the engine sees them and sends whole events without a copy of its own "
CHUNK = (
    b'data: {"id":"chatcmpl-0123456789abcdef0123456789abcdef","object":"chat.completion.chunk","created":1790000000,"model":"chat",'
    b'"choices":[{"index":0,"delta":{"content":" token"},"logprobs":null,"finish_reason":null}]}\n\n'
)
LAST = CHUNK.replace(b'"finish_reason":null', b'"finish_reason":"stop"')
USAGE = b'{"prompt_tokens":205,"total_tokens":237,"completion_tokens":32}'
END = b'data: {"id":"c","object":"chat.completion.chunk","choices":[],"usage":' + USAGE + b"}\n\ndata: [DONE]\n\n"
ANSWER = (
    b'{"id":"c","object":"chat.completion","model":"chat","choices":[{"index":0,"message":{"role":"assistant","content":"'
    + b"token " * 32
    + b'"},"finish_reason":"stop"}],"usage":'
    + USAGE
    + b"}"
)
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: "


def chunked(data: bytes) -> bytes:
    """One chunk of a chunked body."""
    return b"%x\r\n%s\r\n" % (len(data), data)


class Mock(asyncio.Protocol):
    """Answers at once, or streams: the body's ``max_tokens`` tokens, ``every`` seconds apart. It parses no more than it has to."""

    every = 0.02

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A connection came."""
        self.transport: Any = transport
        self.data = b""

    def data_received(self, data: bytes) -> None:
        """Answer each request."""
        self.data += data
        head, found, body = self.data.partition(b"\r\n\r\n")
        if not found:
            return
        lower = head.lower()
        at = lower.find(b"content-length:")
        size = int(lower[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        if len(body) < size:
            return
        self.data = b""
        if b'"stream":true' in body.replace(b" ", b""):
            asked = json.loads(body)
            self.transport.write(HEAD + b"text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
            usage = bool((asked.get("stream_options") or {}).get("include_usage"))
            self.task = asyncio.get_running_loop().create_task(self.stream(asked["max_tokens"], usage=usage))
        else:
            self.transport.write(HEAD + b"application/json\r\ncontent-length: %d\r\n\r\n" % len(ANSWER) + ANSWER)

    async def stream(self, count: int, *, usage: bool) -> None:
        """Send tokens in their own time."""
        loop = asyncio.get_running_loop()
        start = loop.time()
        for number in range(count):
            await asyncio.sleep(max(0.0, start + number * self.every - loop.time()))
            self.transport.write(chunked(LAST if number == count - 1 else CHUNK))
        self.transport.write(chunked(END if usage else b"data: [DONE]\n\n") + b"0\r\n\r\n")


async def mock(port: int) -> None:
    """Serve the mock on a port."""
    server = await asyncio.get_running_loop().create_server(Mock, "127.0.0.1", port, backlog=1024)
    await server.serve_forever()


def request(*, stream: bool, tokens: int) -> bytes:
    """A request of about 1.3 KB."""
    text = (WORDS * 12)[:1100]
    body = {
        "model": "chat",
        "messages": [{"role": "system", "content": "Answer briefly."}, {"role": "user", "content": text}],
    }
    data = json.dumps(
        body | {"max_tokens": tokens, "stream": stream, "temperature": 0.7}, separators=(",", ":")
    ).encode()
    head = f"POST {CHAT} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {KEY}\r\n"
    head += f"content-type: application/json\r\ncontent-length: {len(data)}\r\n"
    return head.encode() + b"\r\n" + data


async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, data: bytes) -> None:
    """Send one request on a kept connection and read its whole answer of known length."""
    writer.write(data)
    head = await reader.readuntil(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(head.decode() + (await reader.read(500)).decode())
    at = head.lower().index(b"content-length:")
    await reader.readexactly(int(head[at + 15 :].split(b"\r\n", 1)[0]))


async def many(port: int, count: int, connections: int) -> list[float]:
    """``count`` requests over so many connections; the seconds that each took."""
    data, left, took = request(stream=False, tokens=32), iter(range(count)), []

    async def client() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in left:
            began = time.perf_counter()
            await one(reader, writer, data)
            took.append(time.perf_counter() - began)
        writer.close()

    await asyncio.gather(*(client() for _ in range(connections)))
    return took


async def paced(port: int, count: int, rate: float) -> list[float]:
    """``count`` requests, ``rate`` of them a second whatever the answers do; the seconds from when each was due to its answer."""
    data, took, free = request(stream=False, tokens=32), [], []
    began = time.perf_counter()

    async def client(due: float) -> None:
        reader, writer = free.pop() if free else await asyncio.open_connection("127.0.0.1", port)
        await one(reader, writer, data)
        took.append(time.perf_counter() - due)
        free.append((reader, writer))

    tasks = []
    for number in range(count):
        due = began + number / rate
        if (early := due - time.perf_counter()) > 0:
            await asyncio.sleep(early)
        tasks.append(asyncio.create_task(client(due)))
    await asyncio.gather(*tasks)
    for _, writer in free:
        writer.close()
    return took


class Sink(asyncio.Protocol):
    """One streamed request; counts bytes until the last chunk."""

    def __init__(self, data: bytes, ended: asyncio.Future[None]) -> None:
        self.data, self.ended, self.first, self.tail = data, ended, b"", b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the request."""
        self.transport: Any = transport
        self.transport.write(self.data)

    def data_received(self, data: bytes) -> None:
        """Look for the end."""
        self.first = self.first or data
        self.tail = (self.tail + data)[-64:]
        if self.tail.endswith(b"0\r\n\r\n") and not self.ended.done():
            self.transport.close()
            self.ended.set_result(None)

    def connection_lost(self, _: Exception | None) -> None:
        """The end, or a cut."""
        if not self.ended.done():
            self.ended.set_exception(RuntimeError(f"cut: {self.first[:300]!r}"))


async def streams(port: int, count: int, tokens: int, opened: Callable[[], None]) -> None:
    """``count`` streams of so many tokens at once; ``opened`` is called in their middle."""
    loop = asyncio.get_running_loop()
    ends = [loop.create_future() for _ in range(count)]
    data = request(stream=True, tokens=tokens)
    for end in ends:
        await loop.create_connection(lambda end=end: Sink(data, end), "127.0.0.1", port)  # type: ignore[misc]
        await asyncio.sleep(0.02 / 7)  # so that tokens do not come in step
    loop.call_later(tokens * Mock.every / 2, opened)
    await asyncio.gather(*ends)
