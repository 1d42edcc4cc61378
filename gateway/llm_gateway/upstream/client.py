"""The HTTP client towards engines."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from functools import lru_cache

import aiohttp
from yarl import URL

from llm_gateway.types import Endpoint

PATHS: dict[Endpoint, str] = {
    "chat": "/v1/chat/completions",
    "completions": "/v1/completions",
    "embeddings": "/v1/embeddings",
    "rerank": "/v1/rerank",
}
KEEP_ALIVE = 4.0  # seconds; vLLM closes idle connections after 5 (VLLM_HTTP_TIMEOUT_KEEP_ALIVE), and whoever closes first should be us
DNS_SECONDS = 5


def open_session() -> aiohttp.ClientSession:
    """One session for all engines. Admission bounds the connections, so the pool does not."""
    connector = aiohttp.TCPConnector(
        limit=0,
        keepalive_timeout=KEEP_ALIVE,
        ttl_dns_cache=DNS_SECONDS,
        socket_factory=_no_delay,
        enable_cleanup_closed=False,
    )
    return aiohttp.ClientSession(
        connector=connector,
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        skip_auto_headers=("accept", "accept-encoding", "content-type", "user-agent"),
        timeout=aiohttp.ClientTimeout(total=None),
        trust_env=False,
    )


@lru_cache(maxsize=4096)
def url(base: str, endpoint: Endpoint) -> URL:
    """An engine's URL, parsed once."""
    return URL(base + PATHS[endpoint])


@lru_cache(maxsize=256)
def timeout(connect: float) -> aiohttp.ClientTimeout:
    """Bound name resolution and connecting; the other deadlines are the request's own."""
    return aiohttp.ClientTimeout(total=None, connect=connect)


def headers(request_id: str, key: str | None, track: Mapping[str, str], trace: Mapping[bytes, bytes]) -> dict[str, str]:
    """All that an engine is told: built anew, so that no header of the client's passes but the trace context."""
    sent = {"content-type": "application/json", "accept-encoding": "identity", "x-request-id": request_id, **track}
    if key is not None:
        sent["authorization"] = f"Bearer {key}"
    for name in (b"traceparent", b"tracestate"):
        if name in trace:
            sent[name.decode()] = trace[name].decode("latin-1")
    return sent


def _no_delay(address: aiohttp.AddrInfoType) -> socket.socket:
    family, kind, protocol, *_ = address
    made = socket.socket(family=family, type=kind, proto=protocol)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    return made
