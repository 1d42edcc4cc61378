"""Errors in OpenAI's shape: as a body, or inside a stream that has begun."""

from __future__ import annotations

import math

import orjson

from llm_gateway.types import Refusal

NOT_FOUND = Refusal(status=404, code="not_found", message="There is no such path.", outcome="validation")
TOTAL_TIMEOUT = Refusal(
    status=504, code="timeout_total", message="The request took longer than its model allows.", outcome="timeout_total"
)
SLOW_BODY = Refusal(
    status=408,
    code="request_timeout",
    message="The request body did not arrive in time.",
    outcome="validation",
    headers={"connection": "close"},
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


def headers(refusal: Refusal) -> list[tuple[bytes, bytes]]:
    """Headers that go with the body."""
    found = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in refusal.headers.items()]
    if refusal.retry_after is not None:
        found.append((b"retry-after", str(max(1, math.ceil(refusal.retry_after))).encode()))
    return found
