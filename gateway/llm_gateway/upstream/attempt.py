"""One attempt to get an answer from one endpoint, up to its first byte: after that there is no way back."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Literal

import msgspec

from llm_gateway.types import Refusal
from llm_gateway.upstream.client import Target
from llm_gateway.upstream.pool import Pool
from llm_gateway.upstream.response import BrokenError, Response, UnreachableError

_OK = 200  # HTTPStatus.OK, without the enumeration's cost on every request
SHED_WORDS = (b"currently busy", b"backlog limit")  # vLLM 0.32's two refusals; a proxy's own 503 says neither

Reason = Literal["connect", "disconnected", "status", "ttft", "broken", "shed"]


class Answer(msgspec.Struct, frozen=True):
    """The engine answers: its first bytes, and the rest still to read where ``more``."""

    status: int
    kind: bytes
    streaming: bool
    first: bytes
    more: bool
    length: int | None
    response: Response
    retry_after: str | None = None
    revision: str | None = None  # what the mesh says it chose, where it says so


class Failure(msgspec.Struct, frozen=True):
    """No answer. ``retry``: another endpoint may be asked, since nothing reached the client and the fault is not the request's."""

    reason: Reason
    refusal: Refusal
    retry: bool


class Attempt:
    """A request on its way to one endpoint."""

    __slots__ = ("_response",)

    def __init__(self) -> None:
        self._response: Response | None = None

    async def open(
        self, pool: Pool, target: Target, data: bytes, *, connect: float, ttft: float | None
    ) -> Answer | Failure:
        """Send the request and wait for the first bytes; ``connect`` seconds for the connection, ``ttft`` for all of it, where given."""
        try:
            if ttft is None:
                response = await pool.ask(target.origin, data, connect=connect)
            else:
                async with asyncio.timeout(ttft):
                    response = await pool.ask(target.origin, data, connect=connect)
        except TimeoutError:
            return _late(ttft or 0.0)
        except UnreachableError:
            return _failure("connect", "The engine could not be reached.")
        except BrokenError as error:
            if error.within_answer:
                return _failure("broken", "The engine broke the connection within its answer.", retry=False)
            return _failure("disconnected", "The engine broke the connection before it answered.")
        self._response = response
        status = response.status
        if status != _OK and (failure := _unusable(response)) is not None:
            return failure
        return _answer(response)

    def close(self) -> None:
        """Abort what is still running: the engine sees the connection end. Harmless after the end of the answer."""
        if self._response is not None:
            self._response.close()


def _answer(response: Response) -> Answer | Failure:
    headers = response.headers
    first = response.take()
    if response.streaming and not first:
        return _failure("disconnected", "The engine ended the stream before its first byte.")
    length, after, revision = (
        headers.get(b"content-length"),
        headers.get(b"retry-after"),
        headers.get(b"x-llm-revision"),
    )
    return Answer(
        response.status,
        headers.get(b"content-type", b"application/json"),
        response.streaming,
        first,
        response.streaming or not response.complete,
        int(length) if length is not None else None,
        response,
        after.decode("latin-1") if after is not None else None,
        revision.decode("latin-1") if revision is not None else None,
    )


def _unusable(response: Response) -> Failure | None:
    """What a status other than 200 means, None where it is an answer for the client."""
    status = response.status
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return _refused(status, response.take())
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return _failure("status", "The engine refused the gateway's own credentials.", retry=False)
    return None


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
