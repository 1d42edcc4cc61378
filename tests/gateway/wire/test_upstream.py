"""One connection to an engine, fed byte by byte: whatever way the bytes are cut, the answer is the same, and what is no HTTP is an error."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_gateway.upstream.connection import OVERHEAD_BYTES, Connection
from llm_gateway.upstream.response import WHOLE_BYTES, BrokenError, Response

SSE = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"


class Transport:
    """Takes what is written, and remembers what was done to it."""

    def __init__(self) -> None:
        self.written = b""
        self.closed = self.aborted = self.paused = False
        self.waiting = 0

    def write(self, data: bytes) -> None:
        self.written += data

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.closed = self.aborted = True

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None:
        self.paused = True

    def resume_reading(self) -> None:
        self.paused = False

    def get_write_buffer_size(self) -> int:
        return self.waiting


class Home:
    """Whoever takes connections back."""

    def __init__(self) -> None:
        self.back: list[Connection] = []
        self.gone: list[Connection] = []

    def idle(self, connection: Connection) -> None:
        self.back.append(connection)

    def lost(self, connection: Connection) -> None:
        self.gone.append(connection)


def run(test: Callable[[Connection, Any, Any], Awaitable[None]]) -> None:
    async def main() -> None:
        home, transport = Home(), Transport()
        connection = Connection(home)  # type: ignore[arg-type]
        connection.connection_made(transport)  # type: ignore[arg-type]
        await test(connection, transport, home)

    asyncio.run(main())


def feed(connection: Connection, data: bytes, cuts: list[int]) -> None:
    """Deliver the data in pieces that end at ``cuts``."""
    start = 0
    for end in [*sorted({cut % (len(data) + 1) for cut in cuts}), len(data)]:
        if end > start:
            connection.data_received(data[start:end])
            start = end


def framed(body: bytes, framing: str, sizes: list[int]) -> bytes:
    """A whole answer with this body."""
    if framing == "length":
        return OK + b"content-length: %d\r\n\r\n" % len(body) + body
    if framing == "end":
        return OK + b"\r\n" + body
    out, start = OK + b"transfer-encoding: chunked\r\n\r\n", 0
    for size in [*sizes, len(body)]:
        part = body[start : start + size]
        if part:
            out += b"%x;ext=1\r\n%b\r\n" % (len(part), part)
            start += len(part)
    return out + b"0\r\nx-trailer: 1\r\n\r\n"


CUTS = st.lists(st.integers(0, 5000), max_size=12)


@settings(deadline=None, max_examples=150)
@given(
    body=st.binary(max_size=600),
    framing=st.sampled_from(["length", "chunked", "end"]),
    interim=st.sampled_from([b"", b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early\r\nlink: x\r\n\r\n" * 2]),
    sizes=st.lists(st.integers(1, 90), max_size=10),
    cuts=CUTS,
)
def test_any_framing_in_any_pieces_is_the_same_body(
    body: bytes, framing: str, interim: bytes, sizes: list[int], cuts: list[int]
) -> None:
    async def test(connection: Connection, transport: Any, home: Any) -> None:
        response = connection.request(b"request")
        feed(connection, interim + framed(body, framing, sizes), cuts)
        if framing == "end":
            assert not response.complete
            connection.connection_lost(None)
        await response.opened()
        assert (response.status, response.complete, response.take()) == (200, True, body)
        assert response.headers[b"content-type"] == b"application/json"
        assert b"link" not in response.headers
        assert b"x-trailer" not in response.headers
        # A connection whose answer has its own end is kept, one that ended with its answer is not.
        assert (home.back == [connection]) == (framing != "end")
        assert not transport.aborted

    run(test)


@settings(deadline=None, max_examples=100)
@given(parts=st.lists(st.binary(min_size=1, max_size=50), min_size=1, max_size=12), cuts=CUTS, when=st.integers(0, 12))
def test_a_stream_is_pushed_on_in_order_whenever_the_taker_comes(
    parts: list[bytes], cuts: list[int], when: int
) -> None:
    async def test(connection: Connection, transport: Any, home: Any) -> None:
        del transport, home
        response = connection.request(b"request")
        chunks = [b"%x\r\n%b\r\n" % (len(part), part) for part in parts]
        feed(connection, SSE + b"".join(chunks[:when]), cuts)
        taken: list[bytes] = []
        if response.begun and when:
            await response.opened()
            taken.append(response.take())
        flow = asyncio.ensure_future(response.flow(taken.append))
        await asyncio.sleep(0)
        feed(connection, b"".join(chunks[when:]) + b"0\r\n\r\n", cuts)
        await flow
        assert b"".join(taken) == b"".join(parts)

    run(test)


@settings(deadline=None, max_examples=150)
@given(garbage=st.binary(min_size=1, max_size=300), cuts=CUTS, begun=st.booleans())
def test_no_garbage_raises_or_looks_complete(garbage: bytes, cuts: list[int], begun: bool) -> None:  # noqa: FBT001 -- a case
    async def test(connection: Connection, transport: Any, home: Any) -> None:
        response = connection.request(b"request")
        feed(connection, (OK + b"content-length: 100000\r\n\r\n" if begun else b"") + garbage, cuts)
        connection.connection_lost(None)
        assert not home.back
        if not begun and not garbage.startswith(b"HTTP/1."):
            assert (
                transport.aborted or garbage in (b"H", b"HT", b"HTT", b"HTTP", b"HTTP/") or not garbage.strip(b"\r\n")
            )
        with pytest.raises(BrokenError):
            await response.opened()

    run(test)


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nab",
        SSE + b"5\r\nab",
        SSE + b"5\r\nabcde\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-le",
        b"",
    ],
)
@pytest.mark.parametrize("error", [None, ConnectionResetError()])
def test_an_end_before_the_end_is_an_error(data: bytes, error: Exception | None) -> None:
    async def test(connection: Connection, transport: Any, home: Any) -> None:
        del transport
        response = connection.request(b"request")
        if data:
            connection.data_received(data)
        connection.connection_lost(error)
        with pytest.raises(BrokenError):
            await response.flow(lambda _: None)
        assert response.received == bool(data)
        assert home.gone == [connection]

    run(test)


def test_a_reset_is_no_end_of_an_answer_without_a_length() -> None:
    async def test(connection: Connection, transport: Any, home: Any) -> None:
        del transport, home
        response = connection.request(b"request")
        connection.data_received(OK + b"\r\nabc")
        connection.connection_lost(ConnectionResetError())
        with pytest.raises(BrokenError) as caught:
            await response.opened()
        assert caught.value.within_answer

    run(test)


@pytest.mark.parametrize(
    ("data", "kept"),
    [
        (OK + b"content-length: 1\r\n\r\nx", True),
        (OK + b"connection: close\r\ncontent-length: 1\r\n\r\nx", False),
        (b"HTTP/1.0 200 OK\r\ncontent-length: 1\r\n\r\nx", False),
        (b"HTTP/1.1 204 No Content\r\n\r\n", True),
        (OK + b"content-length: 1\r\n\r\nxHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", False),  # a second, unasked
        (OK + b"content-length: 1\r\n\r\nxgarbage", False),
    ],
)
def test_a_connection_is_kept_only_where_the_next_answer_cannot_be_anothers(data: bytes, *, kept: bool) -> None:
    async def test(connection: Connection, transport: Any, home: Any) -> None:
        response = connection.request(b"request")
        connection.data_received(data)
        await response.opened()
        assert response.complete
        assert (home.back == [connection], transport.closed) == (kept, not kept)

    run(test)


def test_a_connection_that_still_sends_is_not_kept() -> None:
    """An engine may answer before it has read the request; what is left of it would be taken for the next one."""

    async def test(connection: Connection, transport: Any, home: Any) -> None:
        transport.waiting = 10
        response = connection.request(b"request")
        connection.data_received(b"HTTP/1.1 413 X\r\ncontent-length: 0\r\n\r\n")
        await response.opened()
        assert not home.back
        assert transport.closed

    run(test)


def test_what_speaks_unasked_is_cut_off() -> None:
    async def test(connection: Connection, transport: Any, home: Any) -> None:
        del home
        connection.data_received(b"HTTP/1.1 408 Timeout\r\ncontent-length: 0\r\n\r\n")
        assert transport.aborted

    run(test)


@pytest.mark.parametrize(
    ("start", "more"),
    [
        (b"HTTP/1.1 200 OK\r\n", b"x: " + b"y" * 990 + b"\r\n"),
        (b"HTTP/1.1 200 OK\r\nx: ", b"y" * 1000),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 40),
        (SSE + b"1\r\nx\r\n0\r\n", b"x: " + b"y" * 990 + b"\r\n"),
        (SSE + b"1;", b"y" * 1000),
    ],
    ids=["headers", "one header", "interim answers", "trailers", "chunk extension"],
)
def test_heads_and_framing_without_end_are_cut(start: bytes, more: bytes) -> None:
    async def test(connection: Connection, transport: Any, home: Any) -> None:
        del home
        response = connection.request(b"request")
        if start:
            connection.data_received(start)
        sent = 0
        while not transport.aborted:
            connection.data_received(more)
            sent += len(more)
            assert sent < OVERHEAD_BYTES + 4000
        assert response.error is not None

    run(test)


def test_what_nobody_takes_is_bounded() -> None:
    async def test(connection: Connection, transport: Any, home: Any) -> None:
        response = connection.request(b"request")
        size = WHOLE_BYTES * 3
        connection.data_received(OK + b"content-length: %d\r\n\r\n" % size)
        sent = 0
        while not transport.paused:
            connection.data_received(b"x" * 65_536)
            sent += 65_536
            assert sent <= WHOLE_BYTES + 65_536
        await response.opened()
        assert not response.complete
        taken = len(response.take())
        flow = asyncio.ensure_future(response.flow(lambda part: lengths.append(len(part))))
        lengths = [taken]
        await asyncio.sleep(0)
        assert not transport.paused
        response.pause()
        assert transport.paused
        response.resume()
        while sent < size:
            part = min(65_536, size - sent)
            connection.data_received(b"x" * part)
            sent += part
        await flow
        assert sum(lengths) == size
        assert home.back == [connection]

    run(test)


def test_a_taker_that_fails_ends_the_answer_and_the_connection() -> None:
    async def test(connection: Connection, transport: Any, home: Any) -> None:
        del home
        response = connection.request(b"request")
        connection.data_received(SSE + b"1\r\nx\r\n")
        await response.opened()
        response.take()

        def fails(part: bytes) -> None:
            raise ValueError(part)

        flow = asyncio.ensure_future(response.flow(fails))
        await asyncio.sleep(0)
        connection.data_received(b"1\r\ny\r\n")
        with pytest.raises(BrokenError, match="ValueError"):
            await flow
        assert transport.aborted

    run(test)


def test_nothing_is_pushed_on_after_the_taker_has_left() -> None:
    async def test(connection: Connection, transport: Any, home: Any) -> None:
        del home
        response = connection.request(b"request")
        connection.data_received(SSE + b"1\r\nx\r\n")
        taken: list[bytes] = []
        flow = asyncio.ensure_future(response.flow(taken.append))
        await asyncio.sleep(0)
        flow.cancel()
        await asyncio.gather(flow, return_exceptions=True)
        connection.data_received(b"1\r\ny\r\n")
        assert taken == [b"x"]
        response.close()
        assert transport.aborted

    run(test)


def test_reading_by_hand_sees_every_part_and_the_end() -> None:
    async def test(connection: Connection, transport: Any, home: Any) -> None:
        del transport, home

        async def read(response: Response) -> list[bytes]:
            parts = []
            while part := await response.read():
                parts.append(part)
            return parts

        response = connection.request(b"request")
        reading = asyncio.ensure_future(read(response))
        for data in (OK + b"content-length: 4\r\n\r\n", b"ab", b"cd"):
            await asyncio.sleep(0)
            connection.data_received(data)
        assert b"".join(await reading) == b"abcd"

    run(test)
