"""Errors in OpenAI's shape: as a body, or inside a stream that has begun."""

from __future__ import annotations

import math
from collections.abc import Mapping

import orjson

from llm_gateway.types import Refusal

NOT_FOUND = Refusal(status=404, code="not_found", message="There is no such path.", outcome="validation")
TOTAL_TIMEOUT = Refusal(
    status=504, code="timeout_total", message="The request took longer than its model allows.", outcome="timeout_total"
)
IDLE_TIMEOUT = Refusal(
    status=504,
    code="timeout_idle",
    message="The engine stopped sending for longer than its model allows.",
    outcome="timeout_total",
)
BROKEN = Refusal(
    status=502,
    code="upstream_error",
    message="The engine ended the answer before it was complete.",
    outcome="upstream_error",
)
INTERNAL = Refusal(status=500, code="internal_error", message="The gateway failed.", outcome="upstream_error")


def _last(status: int, code: str, message: str) -> Refusal:
    """What comes is not to be read on: the connection ends with the answer."""
    return Refusal(status=status, code=code, message=message, outcome="validation", headers={"connection": "close"})


SLOW_BODY = _last(408, "request_timeout", "The request body did not arrive in time.")
SLOW_HEAD = _last(408, "request_timeout", "The request's head did not arrive in time.")
HEAD_TOO_LARGE = _last(431, "head_too_large", "The request's head is too large.")
BAD_REQUEST = _last(400, "bad_request", "This is no HTTP/1.1 request.")


def too_large(limit: int) -> Refusal:
    """413; ``limit`` in bytes."""
    return _last(413, "request_too_large", f"The request body is larger than {limit} bytes.")


def not_allowed(allowed: str) -> Refusal:
    """405 with the method that the path takes."""
    return Refusal(
        status=405,
        code="method_not_allowed",
        message=f"This path takes {allowed}.",
        outcome="validation",
        headers={"allow": allowed},
    )


def body(refusal: Refusal) -> bytes:
    """The JSON body."""
    error = {"message": refusal.message, "type": refusal.type, "param": refusal.param, "code": refusal.code}
    return orjson.dumps({"error": error})


def event(refusal: Refusal) -> bytes:
    """The event that ends a stream in the place of [DONE]."""
    return b"data: " + body(refusal) + b"\n\n"


def head(refusal: Refusal) -> bytes:
    """Header lines that go with the body."""
    found = refusal.lines + (lines(refusal.headers) if refusal.headers else b"")
    if refusal.retry_after is not None:
        found += b"retry-after: %d\r\n" % max(1, math.ceil(refusal.retry_after))
    return found


def lines(headers: Mapping[str, str]) -> bytes:
    """Headers as they are sent. A value that would end its line early is one that some configuration, or an engine, should not hold."""
    text = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
    if text.count("\n") != len(headers) or text.count("\r") != len(headers):
        text = "".join([f"{name}: {' '.join(value.split())}\r\n" for name, value in headers.items()])
    return text.encode("latin-1", "replace")
