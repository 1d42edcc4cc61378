"""The two handlers of requests: the API, and the one for probes and Prometheus on a port of its own."""

from __future__ import annotations

import orjson

from llm_gateway import routing
from llm_gateway.server import errors
from llm_gateway.server.gateway import Gateway
from llm_gateway.server.generation import authenticate, generate, request_id
from llm_gateway.server.incoming import Incoming
from llm_gateway.server.listener import Handler
from llm_gateway.server.reply import Reply
from llm_gateway.types import Identity, Refusal
from llm_gateway.upstream.client import PATHS

_ENDPOINTS = {path: endpoint for endpoint, path in PATHS.items()}
_MODELS = "/v1/models"
_TEXT = b"text/plain; charset=utf-8"
_EXPOSITION = b"text/plain; version=0.0.4; charset=utf-8"


def api(gateway: Gateway) -> Handler:
    """What clients see. Only these paths exist; nothing passes to an engine because it looks like a path."""

    async def handle(request: Incoming, reply: Reply) -> None:
        reply.closing = reply.closing or gateway.draining
        path = request.path
        endpoint = _ENDPOINTS.get(path)
        if endpoint is not None and request.method == "POST":
            await generate(gateway, endpoint, request, reply)
            return
        reply.add({"x-request-id": request_id(request.headers)})
        if endpoint is not None:
            reply.refuse(errors.not_allowed("POST"))
        elif path == _MODELS or path.startswith(_MODELS + "/"):
            if request.method == "GET":
                _answer(reply, _models(await authenticate(gateway, request.headers), gateway, path))
            else:
                reply.refuse(errors.not_allowed("GET"))
        else:
            reply.refuse(errors.NOT_FOUND)

    return handle


def operations(gateway: Gateway) -> Handler:
    """``/livez``: the loop turns. ``/readyz``: new requests are welcome, whether or not engines are there. ``/metrics``."""

    async def handle(request: Incoming, reply: Reply) -> None:
        if request.path == "/livez":
            reply.whole(200, b"ok\n", _TEXT)
        elif request.path == "/readyz":
            ready = gateway.started and not gateway.draining
            reply.whole(200 if ready else 503, b"ok\n" if ready else b"draining\n", _TEXT)
        elif request.path == "/metrics":
            reply.whole(200, gateway.scrape(), _EXPOSITION)
        else:
            reply.refuse(errors.NOT_FOUND)

    return handle


def _answer(reply: Reply, answer: bytes | Refusal) -> None:
    if isinstance(answer, Refusal):
        reply.refuse(answer)
    else:
        reply.whole(200, answer)


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
