"""Connections to engines: kept and given up at the right time, repeated only where it is safe, and cut when nobody waits."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from pathlib import Path
from typing import Any

import pytest
from tests.gateway.wire.lab import Mock, Seen, hang, raw, whole

from llm_gateway.upstream import client, pool
from llm_gateway.upstream.pool import Origin, Pool
from llm_gateway.upstream.response import BrokenError, UnreachableError


def origin(engine: Mock) -> Origin:
    return Origin("127.0.0.1", engine.port, tls=False)


def request(engine: Mock, body: bytes = b"{}") -> bytes:
    return client.request(client.target(engine.url, "chat"), body, "req-1", None, {}, {})


class Counting(Mock):
    """Counts connections, and can close them while they are idle."""

    def __init__(self, script: Any) -> None:
        super().__init__(script)
        self.connections: list[asyncio.StreamWriter] = []

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections.append(writer)
        await super()._serve(reader, writer)


def test_a_connection_is_used_again_until_it_is_old(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        async with Counting(whole()) as engine:
            kept = Pool()
            for _ in range(3):
                assert (await kept.ask(origin(engine), request(engine), connect=1)).complete
            assert len(engine.connections) == 1
            monkeypatch.setattr(pool, "LIFETIME", 0.0)
            await kept.ask(origin(engine), request(engine), connect=1)
            assert len(engine.connections) == 2
            monkeypatch.undo()
            monkeypatch.setattr(pool, "KEEP_ALIVE", 0.0)
            await kept.ask(origin(engine), request(engine), connect=1)
            assert len(engine.connections) == 3
            kept.close()

    asyncio.run(main())


def test_idle_connections_are_closed_by_us_first(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        monkeypatch.setattr(pool, "KEEP_ALIVE", 0.08)
        async with Counting(whole()) as engine:
            kept = Pool()
            await asyncio.gather(*(kept.ask(origin(engine), request(engine), connect=1) for _ in range(3)))
            assert len(engine.connections) == 3
            for _ in range(100):
                if all(writer.is_closing() for writer in engine.connections):
                    break
                await asyncio.sleep(0.02)
            assert all(writer.is_closing() for writer in engine.connections)
            kept.close()

    asyncio.run(main())


def test_an_idle_connection_that_the_engine_closes_is_replaced_unseen() -> None:
    """Both ways: the close was seen before the next request, or crosses it on the wire."""

    async def main() -> None:
        for seen in (True, False):
            async with Counting(whole()) as engine:
                kept = Pool()
                await kept.ask(origin(engine), request(engine), connect=1)
                engine.connections[0].transport.abort()
                if seen:
                    await asyncio.sleep(0.05)
                response = await kept.ask(origin(engine), request(engine), connect=1)
                assert (response.status, len(engine.connections), len(engine.seen)) == (200, 2, 2)
                kept.close()

    asyncio.run(main())


def test_it_is_repeated_once_and_only_while_no_byte_came() -> None:
    async def main() -> None:
        async with Counting(whole()) as engine:
            kept = Pool()
            await kept.ask(origin(engine), request(engine), connect=1)
            engine.script = raw(b"", abort=True)
            with pytest.raises(BrokenError):
                await kept.ask(origin(engine), request(engine), connect=1)
            assert len(engine.seen) == 3  # the first, the one on the kept connection, its one repetition
            engine.script = whole()
            await kept.ask(origin(engine), request(engine), connect=1)
            engine.script = raw(b"HTTP/1.1 2")
            with pytest.raises(BrokenError):
                await kept.ask(origin(engine), request(engine), connect=1)
            assert len(engine.seen) == 5
            engine.script = raw(b"", abort=True)
            with pytest.raises(BrokenError):  # a new connection that breaks is the caller's to judge
                await kept.ask(origin(engine), request(engine), connect=1)
            assert len(engine.seen) == 6
            kept.close()

    asyncio.run(main())


def test_who_stops_waiting_cuts_the_connection() -> None:
    async def main() -> None:
        async with Counting(hang) as engine:
            kept = Pool()
            asking = asyncio.ensure_future(kept.ask(origin(engine), request(engine), connect=1))
            await engine.arrived.wait()
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
            await asyncio.wait_for(engine.seen[0].gone.wait(), 1)

    asyncio.run(main())


def test_a_name_is_asked_for_once_by_all_and_a_failure_is_not_kept() -> None:
    async def main() -> None:
        async with Mock(whole()) as engine:
            asked: list[str] = []
            failing = True

            async def resolve(host: str, port: int) -> list[Any]:
                asked.append(host)
                await asyncio.sleep(0.01)
                if failing:
                    raise socket.gaierror(-2, "Name or service not known")
                return [("127.0.0.2", port), ("127.0.0.1", port)]  # nobody listens at the first

            kept = Pool(resolve=resolve)
            where = Origin("engine.test", engine.port, tls=False)
            answers = await asyncio.gather(
                *(kept.ask(where, request(engine), connect=1) for _ in range(5)), return_exceptions=True
            )
            assert [type(answer) for answer in answers] == [UnreachableError] * 5
            assert asked == ["engine.test"]
            failing = False
            for _ in range(2):
                await asyncio.gather(*(kept.ask(where, request(engine), connect=1) for _ in range(5)))
            assert asked == ["engine.test"] * 2
            kept.close()

    asyncio.run(main())


def test_a_name_that_never_resolves_and_a_port_that_is_closed_are_unreachable() -> None:
    async def main() -> None:
        async def never(_: str, __: int) -> list[Any]:
            await asyncio.sleep(60)
            return []

        began = time.monotonic()
        with pytest.raises(UnreachableError):
            await Pool(resolve=never).ask(Origin("engine.test", 80, tls=False), b"x", connect=0.05)
        assert time.monotonic() - began < 1
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            with pytest.raises(UnreachableError):
                await Pool().ask(Origin("127.0.0.1", found.getsockname()[1], tls=False), b"x", connect=1)

    asyncio.run(main())


def test_tls_is_verified(tmp_path: Path) -> None:
    async def main() -> None:
        key, certificate = certify(tmp_path, "localhost")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        engine = Mock(whole())
        server = await asyncio.start_server(engine._serve, "127.0.0.1", 0, ssl=context)
        port = server.sockets[0].getsockname()[1]
        target = client.target(f"https://localhost:{port}", "chat")
        data = client.request(target, b"{}", "req-1", None, {}, {})
        kept = Pool()
        with pytest.raises(UnreachableError):
            await kept.ask(target.origin, data, connect=5)
        kept._trust = ssl.create_default_context(cafile=str(certificate))
        for _ in range(2):
            response = await kept.ask(target.origin, data, connect=5)
            assert (response.status, response.complete) == (200, True)
        assert engine.seen[0].headers["host"] == f"localhost:{port}"
        kept.close()
        server.close()

    asyncio.run(main())


def certify(folder: Path, name: str) -> tuple[Path, Path]:
    """A key and its own certificate for a name."""
    import datetime as dt  # noqa: PLC0415

    from cryptography import x509  # noqa: PLC0415
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    files = folder / "key.pem", folder / "certificate.pem"
    encoding, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    files[0].write_bytes(key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, plain))
    files[1].write_bytes(built.public_bytes(encoding))
    return files


@pytest.mark.parametrize(
    ("url", "host", "line"),
    [
        ("http://10.0.0.1:8000", "10.0.0.1:8000", "/v1/chat/completions"),
        ("http://engine", "engine", "/v1/chat/completions"),
        ("https://engine:443", "engine", "/v1/chat/completions"),
        ("http://[fd00::1]:8000", "[fd00::1]:8000", "/v1/chat/completions"),
        ("http://proxy/openai", "proxy", "/openai/v1/chat/completions"),
    ],
)
def test_requests_name_host_and_path_as_the_url_does(url: str, host: str, line: str) -> None:
    target = client.target(url, "chat")
    sent = client.request(target, b'{"a":1}', "req-1", "secret", {"x-llm-track": "stable"}, {b"traceparent": b"00-1"})
    head, body = sent.split(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert lines[0] == f"POST {line} HTTP/1.1"
    assert set(lines[1:]) == {
        f"host: {host}", "content-type: application/json", "accept-encoding: identity", "x-request-id: req-1", "x-llm-track: stable",
        "authorization: Bearer secret", "traceparent: 00-1", "content-length: 7",
    }  # fmt: skip
    assert body == b'{"a":1}'


def test_a_get_is_bounded_and_takes_nothing_but_200() -> None:
    async def main() -> None:
        async def script(seen: Seen, writer: asyncio.StreamWriter) -> None:
            assert seen.path == "/keys?x=1"
            await whole(value={"keys": []})(seen, writer)

        async with Mock(script) as engine:
            kept = Pool()
            assert await client.get(kept, f"{engine.url}/keys?x=1", seconds=1) == b'{"keys": []}'
            for bad in (whole(302), whole(404), whole(value="x" * (1 << 21))):
                engine.script = bad
                with pytest.raises(ValueError, match="HTTP"):
                    await client.get(kept, engine.url, seconds=1)
            engine.script = hang
            with pytest.raises(TimeoutError):
                await client.get(kept, engine.url, seconds=0.1)
            with pytest.raises(ValueError, match="no HTTP URL"):
                await client.get(kept, "ftp://x/", seconds=1)
            kept.close()

    asyncio.run(main())


def test_addresses_that_are_gone_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten thousand pods come and go; what is idle, and what is in use, is kept."""

    async def main() -> None:
        monkeypatch.setattr(pool, "KEEP_ALIVE", 0.4)
        monkeypatch.setattr(pool, "FORGET", 0.4)
        monkeypatch.setattr(pool, "DNS_SECONDS", 0.2)

        async def nobody(host: str, port: int) -> list[Any]:
            del host, port
            return []

        kept = Pool(resolve=nobody)
        for number in range(10_000):
            with pytest.raises(UnreachableError, match="has no address"):
                await kept.ask(Origin(f"10.1.{number >> 8}.{number & 255}", 8000, tls=False), b"", connect=1)
        for _ in range(100):
            if not kept._homes and not kept._names:
                break
            await asyncio.sleep(0.05)
        assert (len(kept._homes), len(kept._names)) == (0, 0)
        assert kept._sweeper is None, "nothing is left to look after"

    asyncio.run(main())


def test_a_home_that_was_forgotten_meanwhile_closes_what_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        monkeypatch.setattr(pool, "KEEP_ALIVE", 0.1)
        monkeypatch.setattr(pool, "FORGET", 0.05)
        async with Counting(hang) as engine:
            kept = Pool()
            asking = asyncio.ensure_future(kept.ask(origin(engine), request(engine), connect=1))
            await engine.arrived.wait()
            for _ in range(100):
                if not kept._homes:
                    break
                await asyncio.sleep(0.02)
            assert not kept._homes
            engine.connections[0].write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
            response = await asyncio.wait_for(asking, 1)
            assert response.complete, "the request in flight is not disturbed"
            await asyncio.wait_for(engine.seen[0].gone.wait(), 1)
            kept.close()

    asyncio.run(main())
