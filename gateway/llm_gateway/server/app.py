"""The two ASGI applications: the API, and the one for probes and Prometheus on a port of its own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import orjson

from llm_gateway import routing
from llm_gateway.server import errors
from llm_gateway.server.gateway import Gateway
from llm_gateway.server.generation import authenticate, generate, request_id
from llm_gateway.server.interrupt import Receive, Send
from llm_gateway.server.reply import Reply
from llm_gateway.types import Headers, Identity, Refusal
from llm_gateway.upstream.client import PATHS

Scope = MutableMapping[str, Any]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_ENDPOINTS = {path: endpoint for endpoint, path in PATHS.items()}
_MODELS = "/v1/models"
_TEXT = b"text/plain; charset=utf-8"
_EXPOSITION = b"text/plain; version=0.0.4; charset=utf-8"


def api(gateway: Gateway) -> App:
    """What clients see. Only these paths exist; nothing passes to an engine because it looks like a path."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        headers: Headers = dict(scope["headers"])
        path: str = scope["path"]
        endpoint = _ENDPOINTS.get(path)
        if endpoint is not None:
            if scope["method"] == "POST":
                await generate(gateway, endpoint, headers, receive, send)
            else:
                await _plain(gateway, headers, send, errors.not_allowed("POST"))
        elif path == _MODELS or path.startswith(_MODELS + "/"):
            answer = (
                _models(await authenticate(gateway, headers), gateway, path)
                if scope["method"] == "GET"
                else errors.not_allowed("GET")
            )
            await _plain(gateway, headers, send, answer)
        else:
            await _plain(gateway, headers, send, errors.NOT_FOUND)

    return app


def operations(gateway: Gateway) -> App:
    """``/livez``: the loop turns. ``/readyz``: new requests are welcome, whether or not engines are there. ``/metrics``."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        del receive
        if scope["type"] != "http":
            return
        reply = Reply(send, "-", closing=False)
        if scope["path"] == "/livez":
            await reply.whole(200, b"ok\n", _TEXT)
        elif scope["path"] == "/readyz":
            ready = gateway.started and not gateway.draining
            await reply.whole(200 if ready else 503, b"ok\n" if ready else b"draining\n", _TEXT)
        elif scope["path"] == "/metrics":
            await reply.whole(200, gateway.scrape(), _EXPOSITION)
        else:
            await reply.refuse(errors.NOT_FOUND)

    return app


async def _plain(gateway: Gateway, headers: Headers, send: Send, answer: bytes | Refusal) -> None:
    reply = Reply(send, request_id(headers), closing=gateway.draining)
    if isinstance(answer, Refusal):
        await reply.refuse(answer)
    else:
        await reply.whole(200, answer)


def _models(identity: Identity | Refusal, gateway: Gateway, path: str) -> bytes | Refusal:
    """The models that this tenant may use: all, or the one that the path names."""
    if isinstance(identity, Refusal):
        return identity
    visible = routing.visible_models(gateway.snapshot, identity)
    entries = [{"id": name, "object": "model", "created": 0, "owned_by": "llm-gateway"} for name in visible]
    if path == _MODELS:
        return orjson.dumps({"object": "list", "data": entries})
    wanted = path.removeprefix(_MODELS + "/")
    found = next((entry for entry in entries if entry["id"] == wanted), None)
    if found is None:
        return Refusal(
            status=404,
            code="model_not_found",
            message="There is no such model for you.",
            outcome="validation",
            param="model",
        )
    return orjson.dumps(found)
