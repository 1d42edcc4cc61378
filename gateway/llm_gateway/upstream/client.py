"""What engines are sent: one request line and head, built anew, so that no header of the client's passes but the trace context."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import urlsplit

import msgspec

from llm_gateway.types import Endpoint
from llm_gateway.upstream.pool import Origin, Pool

PATHS: dict[Endpoint, str] = {
    "chat": "/v1/chat/completions",
    "completions": "/v1/completions",
    "embeddings": "/v1/embeddings",
    "rerank": "/v1/rerank",
}
_TRACE = (b"traceparent", b"tracestate")
_PORTS = {"http": 80, "https": 443}
_OK = 200


class Target(msgspec.Struct, frozen=True):
    """One endpoint of one engine. start: request line and the headers that never change, up to the value of `x-request-id`."""

    origin: Origin
    start: bytes


@lru_cache(maxsize=4096)
def target(base: str, endpoint: Endpoint) -> Target:
    """An engine's endpoint, parsed once. Raises ValueError for what is no HTTP URL."""
    origin, host, path = _split(base + PATHS[endpoint])
    start = f"POST {path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\naccept-encoding: identity\r\nx-request-id: "
    return Target(origin, start.encode("latin-1"))


def request(
    target: Target,
    body: bytes,
    request_id: str,
    key: str | None,
    track: Mapping[str, str],
    trace: Mapping[bytes, bytes],
) -> bytes:
    """The whole request. ``request_id``, ``key`` and ``track`` are ours, and ``trace`` was parsed: none holds a line's end."""
    lines = f"{request_id}\r\n"
    for name, value in track.items():
        lines += f"{name}: {value}\r\n"
    if key is not None:
        lines += f"authorization: Bearer {key}\r\n"
    head = lines.encode("latin-1")
    for field in _TRACE:
        if field in trace:
            head += b"%b: %b\r\n" % (field, trace[field])
    return b"%bcontent-length: %d\r\n\r\n%b" % (target.start + head, len(body), body)


async def get(pool: Pool, url: str, *, seconds: float) -> bytes:
    """Body of a GET, of at most `WHOLE_BYTES`. Raises OSError, ValueError or TimeoutError."""
    origin, host, path = _split(url)
    data = f"GET {path} HTTP/1.1\r\nhost: {host}\r\naccept: application/json\r\naccept-encoding: identity\r\n\r\n"
    async with asyncio.timeout(seconds):
        response = await pool.ask(origin, data.encode("latin-1"), connect=seconds)
    if response.status != _OK or not response.complete:
        response.close()
        raise ValueError(f"HTTP {response.status}, or an answer that is too large")
    return response.take()


def _split(url: str) -> tuple[Origin, str, str]:
    """Origin, `host` header and path of a URL."""
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname or any(letter <= " " for letter in url):
        raise ValueError("no HTTP URL")
    port = parts.port or _PORTS[parts.scheme]
    name = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    host = name if port == _PORTS[parts.scheme] else f"{name}:{port}"
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Origin(parts.hostname, port, parts.scheme == "https"), host, path
