"""Clients' connections: requests in any pieces and in a row, and bounds on what a client can make a connection hold."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.gateway.wire.lab import Client

from llm_gateway.server import connection as limits
from llm_gateway.server import listener as times
from llm_gateway.server.incoming import UNASKED_BYTES, ClientLeftError, Incoming
from llm_gateway.server.listener import Handler, Listener, listen
from llm_gateway.server.reply import Reply
from llm_gateway.types import Refusal

LIMIT = 1 << 20


async def echo(request: Incoming, reply: Reply) -> None:
    """Say what came."""
    body = await request.read(LIMIT)
    if isinstance(body, Refusal):
        reply.refuse(body)
    else:
        reply.whole(200, f"{request.method} {request.path} ".encode() + body, b"text/plain")


@contextlib.asynccontextmanager
async def serving(handler: Handler, *, idle: float = 75, head: float = 10) -> AsyncIterator[tuple[Listener, int]]:
    found = listen("127.0.0.1", 0)
    listener = Listener(handler, idle=idle, head=head)
    await listener.start(found)
    try:
        yield listener, found.getsockname()[1]
    finally:
        await listener.stop(0)
        assert not listener.connections or all(one._transport.is_closing() for one in listener.connections)


def run(test: Callable[[Listener, int], Awaitable[None]], handler: Handler = echo, **seconds: float) -> None:
    async def main() -> None:
        async with serving(handler, **seconds) as (listener, port):
            await asyncio.wait_for(test(listener, port), 20)

    asyncio.run(main())


async def send(port: int, data: bytes) -> Client:
    client = await Client.open(port)
    client.writer.write(data)
    await client.writer.drain()
    return client


def post(body: bytes = b"{}", head: str = "") -> bytes:
    return f"POST /x?y HTTP/1.1\r\nhost: x\r\n{head}content-length: {len(body)}\r\n\r\n".encode() + body


@settings(deadline=None, max_examples=60)
@given(
    bodies=st.lists(st.binary(max_size=200), min_size=1, max_size=5),
    chunked=st.booleans(),
    cuts=st.lists(st.integers(0, 2000), max_size=8),
)
def test_requests_in_a_row_in_any_pieces_are_answered_in_order(
    bodies: list[bytes],
    chunked: bool,  # noqa: FBT001 -- a case
    cuts: list[int],
) -> None:
    async def main() -> None:
        listener = Listener(echo)
        listener.date = b"date: x\r\n"
        wire = Wire()
        one = limits.Connection(listener)
        one.connection_made(wire)
        data = b""
        for body in bodies:
            if chunked:
                parts = b"".join(b"%x\r\n%b\r\n" % (1, body[i : i + 1]) for i in range(len(body)))
                data += b"POST /p HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n" + parts + b"0\r\nt: 1\r\n\r\n"
            else:
                data += b"POST /p HTTP/1.1\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)
        start = 0
        for end in [*sorted({cut % (len(data) + 1) for cut in cuts}), len(data)]:
            if end > start:
                one.data_received(data[start:end])
                await asyncio.sleep(0)
            start = end
        for _ in range(4 * len(bodies) + 4):
            await asyncio.sleep(0)
        expected = b"".join(
            b"HTTP/1.1 200 OK\r\ndate: x\r\ncontent-type: text/plain\r\ncontent-length: %d\r\n\r\nPOST /p %b"
            % (len(body) + 8, body)
            for body in bodies
        )
        assert wire.written == expected
        assert not wire.closed
        one.connection_lost(None)
        assert not listener.connections

    asyncio.run(main())


class Wire(asyncio.Transport):
    """Takes what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.closed = self.paused = self.ended = False

    def write(self, data: bytes) -> None:  # type: ignore[override]
        self.written += data

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None:
        self.paused = True

    def resume_reading(self) -> None:
        self.paused = False

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.ended = True


@settings(deadline=None, max_examples=200)
@given(
    garbage=st.one_of(st.binary(max_size=400), st.lists(st.sampled_from([
        b"POST ", b"GET ", b"/", b" HTTP/1.1", b"\r\n", b"\n", b"content-length: ", b"transfer-encoding: chunked\r\n", b"5", b"0", b":",
        b"\r\n\r\n", b"connection: upgrade\r\nupgrade: h2c\r\n", b"\0", b"expect: 100-continue\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ]), max_size=25).map(b"".join)),
    cuts=st.lists(st.integers(0, 400), max_size=4),
)  # fmt: skip
def test_no_bytes_raise(garbage: bytes, cuts: list[int]) -> None:
    async def main() -> None:
        listener = Listener(echo)
        wire = Wire()
        one = limits.Connection(listener)
        one.connection_made(wire)
        start = 0
        for end in [*sorted({cut % (len(garbage) + 1) for cut in cuts}), len(garbage)]:
            if end > start:
                one.data_received(garbage[start:end])
                await asyncio.sleep(0)
            start = end
        for _ in range(8):
            await asyncio.sleep(0)
        one.connection_lost(None)
        for _ in range(8):
            await asyncio.sleep(0)
        assert not wire.written or wire.written.startswith(b"HTTP/1.1 ")
        assert not listener._tasks
        assert not listener.connections

    asyncio.run(main())


def test_a_connection_serves_many_requests_and_closes_when_asked() -> None:
    async def test(_: Listener, port: int) -> None:
        client = await send(port, post(b"a"))
        assert (await client.read()).body == b"POST /x a"
        client.writer.write(post(b"b", "connection: close\r\n"))
        got = await client.read()
        assert (got.body, got.headers["connection"]) == (b"POST /x b", "close")
        assert "date" in got.headers
        assert await client.reader.read() == b""

    run(test)


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"hello\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),  # TLS
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nx", 400),
        (b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nz\r\n", 400),
        (b"GET / HTTP/1.1\r\nx: " + b"y" * 70_000, 431),
        (b"GET / HTTP/1.1\r\n" + b"x: y\r\n" * 12_000, 431),
    ],
)
def test_what_is_no_request_is_told_so_and_ends_the_connection(data: bytes, status: int) -> None:
    async def test(_: Listener, port: int) -> None:
        client = await send(port, data)
        got = await client.read()
        assert (got.status, got.headers["connection"]) == (status, "close")
        assert got.error["code"] in {"bad_request", "head_too_large"}
        assert await client.reader.read() == b""

    run(test)


def test_trailers_and_chunk_extensions_have_a_bound() -> None:
    async def test(_: Listener, port: int) -> None:
        for start, more in ((b"1\r\nx\r\n0\r\n", b"t: " + b"y" * 1000 + b"\r\n"), (b"1;", b"y" * 1000)):
            client = await send(port, b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n" + start)
            with contextlib.suppress(ConnectionError):
                for _ in range(8):
                    client.writer.write(more * 40)
                    await client.writer.drain()
                    await asyncio.sleep(0.02)  # one read at a time is within the bound
            assert (await client.read()).status == 400

    run(test)


def test_a_head_that_does_not_end_and_a_silent_client_are_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(_: Listener, port: int) -> None:
        slow = await send(port, b"POST / HTTP/1.1\r\nhost")
        silent = await Client.open(port)
        answered = await send(port, post())
        await answered.read()
        began = time.monotonic()
        assert (await slow.read()).status == 408
        assert await silent.reader.read() == b""
        assert await answered.reader.read() == b""
        assert time.monotonic() - began < 6

    monkeypatch.setattr(times, "LINGER_SECONDS", 0.1)
    run(test, idle=0.3, head=0.2)


def test_a_client_that_waits_for_100_gets_it_only_where_the_body_is_wanted() -> None:
    async def test(_: Listener, port: int) -> None:
        head = b"POST / HTTP/1.1\r\nexpect: 100-continue\r\ncontent-length: "
        client = await send(port, head + b"2\r\n\r\n")
        assert await client.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.writer.write(b"ab")
        assert (await client.read()).body == b"POST / ab"
        large = await send(port, head + b"9999999\r\n\r\n")
        assert (await large.read()).status == 413

    run(test)


def test_an_answer_reaches_a_client_that_is_still_sending() -> None:
    """Closing at once would reset the connection, and the reset may overtake the answer."""

    async def test(_: Listener, port: int) -> None:
        client = await send(port, b"POST / HTTP/1.1\r\ncontent-length: 100000000\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            for _ in range(20):
                client.writer.write(b"x" * 65_536)
                await client.writer.drain()
        assert (await client.read()).status == 413

    run(test)


def test_a_body_that_nobody_asked_for_is_not_kept() -> None:
    go = asyncio.Event()

    async def later(request: Incoming, reply: Reply) -> None:
        await go.wait()
        await echo(request, reply)

    async def test(listener: Listener, port: int) -> None:
        size = 1 << 20
        client = await Client.open(port)
        sending = asyncio.ensure_future(client.send(b"x" * size))
        await asyncio.sleep(0.2)
        (one,) = listener.connections
        assert one._answering is not None
        assert UNASKED_BYTES < one._answering._size < UNASKED_BYTES + (1 << 19)
        go.set()
        await sending
        assert len((await client.read()).body) > size

    run(test, later)


def test_pipelined_requests_have_a_bound() -> None:
    async def hang(_: Incoming, __: Reply) -> None:
        await asyncio.sleep(30)

    async def test(listener: Listener, port: int) -> None:
        await send(port, post() * 200)
        await asyncio.sleep(0.1)
        (one,) = listener.connections
        assert len(one._queue) <= limits.PIPELINED + 1

    run(test, hang)


def test_old_clients_and_those_who_want_only_heads() -> None:
    async def stream(_: Incoming, reply: Reply) -> None:
        reply.begin(200, b"text/event-stream", None, streaming=True)
        reply.part(b"data: 1\n\n")
        reply.end()

    async def test(_: Listener, port: int) -> None:
        client = await send(port, b"GET / HTTP/1.0\r\n\r\n")
        head, body = (await client.reader.read()).split(b"\r\n\r\n", 1)
        assert b"transfer-encoding" not in head
        assert body == b"data: 1\n\n"
        client = await send(port, b"HEAD / HTTP/1.1\r\nconnection: close\r\n\r\n")
        assert (await client.reader.read()).endswith(b"x-accel-buffering: no\r\nconnection: close\r\n\r\n")

    run(test, stream)


def test_an_offer_of_another_protocol_is_passed_over() -> None:
    """Java's client offers h2c with its first request on every connection."""

    async def test(_: Listener, port: int) -> None:
        client = await send(
            port, post(b"a", "connection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABk\r\n")
        )
        assert (await client.read()).body == b"POST /x a"
        client.writer.write(post(b"b") + post(b"c"))
        assert [(await client.read()).body for _ in range(2)] == [b"POST /x b", b"POST /x c"]

    run(test)


def test_paths_are_read_as_clients_mean_them() -> None:
    async def test(_: Listener, port: int) -> None:
        for target, path in ((b"/a%20b?c=/d", "/a b"), (b"http://x/y?z", "/y"), (b"*", "*"), (b"/%ff", "/\ufffd")):
            client = await send(port, b"GET " + target + b" HTTP/1.1\r\n\r\n")
            assert (await client.read()).body.decode().rstrip() == f"GET {path}".rstrip()

    run(test)


def test_who_reads_slower_than_we_write_is_told_of() -> None:
    seen: list[bool] = []

    async def much(_: Incoming, reply: Reply) -> None:
        reply.on_pressure(seen.append)
        reply.begin(200, b"text/plain", None, streaming=False)
        for _ in range(200):
            reply.part(b"x" * 100_000)
        await reply.room()
        reply.end()

    async def test(_: Listener, port: int) -> None:
        client = await Client.open(port, window=4096)
        client.writer.write(b"GET / HTTP/1.1\r\n\r\n")
        await asyncio.sleep(0.1)
        assert seen == [True]
        assert len((await client.read()).body) == 20_000_000
        assert seen == [True, False]

    run(test, much)


def test_a_handler_that_ends_without_a_word_is_a_500_and_one_that_stops_midway_a_cut() -> None:
    async def silent(request: Incoming, reply: Reply) -> None:
        if request.path == "/cut":
            reply.begin(200, b"text/plain", 10, streaming=False)
            reply.part(b"abc")

    async def test(_: Listener, port: int) -> None:
        client = await send(port, b"GET / HTTP/1.1\r\n\r\n")
        assert (await client.read()).status == 500
        client = await send(port, b"GET /cut HTTP/1.1\r\n\r\n")
        assert not (await client.read()).whole

    run(test, silent)


def test_a_client_that_leaves_while_it_sends_is_noticed() -> None:
    noticed: list[type[BaseException]] = []

    async def handler(request: Incoming, reply: Reply) -> None:
        try:
            await echo(request, reply)
        except ClientLeftError as error:
            noticed.append(type(error))

    async def test(_: Listener, port: int) -> None:
        client = await send(port, b"POST / HTTP/1.1\r\ncontent-length: 5\r\n\r\nab")
        await asyncio.sleep(0.05)
        client.leave()
        await asyncio.sleep(0.05)
        assert noticed == [ClientLeftError]

    run(test, handler)


def test_stopping_lets_answers_end_and_takes_no_more() -> None:
    go = asyncio.Event()

    async def waits(request: Incoming, reply: Reply) -> None:
        await go.wait()
        await echo(request, reply)

    async def test(listener: Listener, port: int) -> None:
        idle, busy = await Client.open(port), await send(port, post(b"a"))
        await asyncio.sleep(0.05)
        stopping = asyncio.ensure_future(listener.stop(5))
        assert await idle.reader.read() == b""
        with pytest.raises(OSError):  # refused or reset, as the system likes
            await (await Client.open(port)).reader.readexactly(1)
        go.set()
        assert (await busy.read()).body == b"POST /x a"
        began = time.monotonic()
        await stopping
        assert time.monotonic() - began < 1

    run(test, waits)


def test_stopping_in_a_hurry_cuts_what_is_left() -> None:
    async def forever(_: Incoming, __: Reply) -> None:
        await asyncio.sleep(60)

    async def test(listener: Listener, port: int) -> None:
        client = await send(port, post())
        await asyncio.sleep(0.05)
        hurry = asyncio.Event()
        stopping = asyncio.ensure_future(listener.stop(60, hurry))
        await asyncio.sleep(0.05)
        hurry.set()
        await asyncio.wait_for(stopping, 1)
        assert (await client.reader.read()).startswith(b"HTTP/1.1 500")

    run(test, forever)
