"""One attempt to get an answer from one endpoint, up to its first byte: after that there is no way back."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from http import HTTPStatus
from typing import Literal

import aiohttp
from yarl import URL

from llm_gateway.types import Refusal

WHOLE_BYTES = (
    1 << 20
)  # an answer that is no stream is collected up to this size, so that an engine's death is a clean error
ERROR_BYTES = 64 << 10
_OK = 200  # HTTPStatus.OK, without the enumeration's cost on every request
SHED_WORDS = (b"currently busy", b"backlog limit")  # vLLM 0.32's two refusals; a proxy's own 503 says neither

Reason = Literal["connect", "disconnected", "status", "ttft", "broken", "shed"]


@dataclass(frozen=True, slots=True)
class Answer:
    """The engine answers: its first bytes, and the rest still to read where ``more``."""

    status: int
    kind: bytes
    streaming: bool
    first: bytes
    more: bool
    length: int | None
    response: aiohttp.ClientResponse
    retry_after: str | None = None
    revision: str | None = None  # what the mesh says it chose, where it says so


@dataclass(frozen=True, slots=True)
class Failure:
    """No answer. ``retry``: another endpoint may be asked, since nothing reached the client and the fault is not the request's."""

    reason: Reason
    refusal: Refusal
    retry: bool


class Attempt:
    """A request on its way to one endpoint."""

    __slots__ = ("_response",)

    def __init__(self) -> None:
        self._response: aiohttp.ClientResponse | None = None

    async def open(
        self,
        session: aiohttp.ClientSession,
        url: URL,
        body: bytes,
        *,
        headers: dict[str, str],
        connect: aiohttp.ClientTimeout,
        ttft: float | None,
    ) -> Answer | Failure:
        """Send the request and wait for the first bytes; ``ttft`` seconds at most, where given."""
        try:
            if ttft is None:
                return await self._open(session, url, body, headers, connect)
            async with asyncio.timeout(ttft):
                return await self._open(session, url, body, headers, connect)
        except TimeoutError as error:
            self.close()
            if isinstance(error, aiohttp.ServerTimeoutError):
                return _failure("connect", "The engine could not be reached in time.")
            return _late(ttft or 0.0)
        except (aiohttp.ClientConnectorError, ConnectionRefusedError):
            self.close()
            return _failure("connect", "The engine could not be reached.")
        except (aiohttp.ClientError, OSError, ValueError):
            self.close()
            return _failure("disconnected", "The engine broke the connection before it answered.")

    def close(self) -> None:
        """Abort what is still running: the engine sees the connection end. Harmless after the end of the answer."""
        if self._response is not None:
            self._response.close()

    async def _open(
        self,
        session: aiohttp.ClientSession,
        url: URL,
        body: bytes,
        headers: dict[str, str],
        connect: aiohttp.ClientTimeout,
    ) -> Answer | Failure:
        response = self._response = await session.post(
            url, data=body, headers=headers, timeout=connect, allow_redirects=False
        )
        status = response.status
        if status != _OK:
            failure = await _unusable(response)
            if failure is not None:
                return failure
        kind = response.headers.get("content-type", "application/json")
        streaming = kind.startswith("text/event-stream")
        if streaming:
            first, more = await response.content.readany(), True
            if not first:
                return _failure("disconnected", "The engine ended the stream before its first byte.")
        else:
            try:
                first = await _some(response, WHOLE_BYTES)
            except (aiohttp.ClientError, OSError):
                self.close()
                return _failure("broken", "The engine broke the connection within its answer.", retry=False)
            more = not response.content.at_eof()
        return Answer(
            status,
            kind.encode("latin-1"),
            streaming,
            first,
            more,
            response.content_length,
            response,
            response.headers.get("retry-after"),
            response.headers.get("x-llm-revision"),
        )


async def _unusable(response: aiohttp.ClientResponse) -> Failure | None:
    """What a status other than 200 means, None where it is an answer for the client."""
    status = response.status
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return _refused(status, await _some(response, ERROR_BYTES))
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return _failure("status", "The engine refused the gateway's own credentials.", retry=False)
    return None


async def _some(response: aiohttp.ClientResponse, limit: int) -> bytes:
    """The body up to its end or a little above the limit."""
    content = response.content
    first = await content.readany()
    if content.at_eof():
        return first
    parts, size = [first], len(first)
    while size <= limit and not content.at_eof():
        part = await content.readany()
        parts.append(part)
        size += len(part)
    return b"".join(parts)


def _refused(status: int, body: bytes) -> Failure:
    """What a 3xx or 5xx means."""
    if status == HTTPStatus.SERVICE_UNAVAILABLE and any(words in body for words in SHED_WORDS):
        full = Refusal(
            status=429, code="queue_full", message="The engines are full.", outcome="queue_full", retry_after=2
        )
        return Failure("shed", full, retry=False)
    gateway = {HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT}
    return _failure("status", f"The engine answered with HTTP {status}.", retry=status in gateway)


def _failure(reason: Reason, message: str, *, retry: bool = True) -> Failure:
    # Unreachable is 503 and asks to come back; an answer that is no answer is 502.
    code, status, after = ("upstream_unavailable", 503, 1) if reason == "connect" else ("upstream_error", 502, None)
    refusal = Refusal(status=status, code=code, message=message, outcome="upstream_error", retry_after=after)
    return Failure(reason, refusal, retry)


def _late(seconds: float) -> Failure:
    message = f"The engine sent no first token within {seconds:g} s."
    return Failure(
        "ttft", Refusal(status=504, code="timeout_ttft", message=message, outcome="timeout_ttft"), retry=True
    )
