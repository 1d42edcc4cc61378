"""Read a request's body, refusing what is too large before reading it."""

from __future__ import annotations

from llm_gateway.server.interrupt import Receive
from llm_gateway.types import Headers, Refusal


class ClientLeftError(Exception):
    """The client hung up while sending."""


async def read(headers: Headers, receive: Receive, *, limit: int) -> bytes | Refusal:
    """The body, at most ``limit`` bytes. Raises ClientLeftError."""
    announced = headers.get(b"content-length", b"")
    if announced.isdigit() and int(announced) > limit:
        return _too_large(limit)
    parts, size, more = [], 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientLeftError
        part: bytes = message.get("body", b"")
        more = message.get("more_body", False)
        parts.append(part)
        size += len(part)
        if size > limit:
            return _too_large(limit)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _too_large(limit: int) -> Refusal:
    return Refusal(
        status=413,
        code="request_too_large",
        message=f"The request body is larger than {limit} bytes.",
        outcome="validation",
        headers={"connection": "close"},  # what was not read is not skipped either
    )
