"""Routes, and what surrounds every request: key, errors, metrics."""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
import time
import uuid
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from fake_engine import errors, generate, surface, text
from fake_engine.http import CutConnection, Response

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from fake_engine.engine import Engine
    from fake_engine.http import Request

    Handler = Callable[[Request], Awaitable[Response]]

GUARDED = ("/v1", "/v2", "/inference", "/cohere")  # prefixes that --api-key protects; everything else is open
DIMENSIONS = 64
EXPOSITION = "text/plain; version=0.0.4; charset=utf-8"


class App:
    """Dispatches requests to one engine."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.routes: dict[tuple[str, str], Handler] = {
            ("GET", "/health"): self.health,
            ("GET", "/ping"): self.health,
            ("POST", "/ping"): self.health,
            ("GET", "/metrics"): self.metrics,
            ("GET", "/version"): self.version,
            ("GET", "/load"): self.load,
            ("GET", "/v1/models"): self.models,
            ("POST", "/tokenize"): self.tokenize,
        }
        if engine.pooling:
            self.routes["POST", "/v1/embeddings"] = self.embeddings
        else:
            self.routes["POST", "/v1/chat/completions"] = self.chat
            self.routes["POST", "/v1/completions"] = self.completions

    async def __call__(self, request: Request) -> Response:
        """Answer one request and record it."""
        known = (request.method, request.path) in self.routes
        started = time.monotonic()
        try:
            response = await self._respond(request)
        except (asyncio.CancelledError, CutConnection):
            self._record(request, known=known, status=HTTPStatus.OK, started=started)
            raise
        if response.stream is not None:
            response.stream = self._recorded(response.stream, request, started)
        else:
            self._record(request, known=known, status=response.status, started=started, sent=len(response.body))
        return response

    async def _respond(self, request: Request) -> Response:
        try:
            if self.engine.api_keys and request.path.startswith(GUARDED) and not self._authorized(request):
                return Response.of({"error": "Unauthorized"}, HTTPStatus.UNAUTHORIZED)
            handler = self.routes.get((request.method, request.path))
            if handler is None:
                status = HTTPStatus.METHOD_NOT_ALLOWED if self._served(request.path) else HTTPStatus.NOT_FOUND
                return Response.of({"detail": status.phrase}, status)
            return await handler(request)
        except errors.ApiError as error:
            return Response.of(error.body(), error.status)
        except MemoryError:
            sys.stderr.write(errors.OUT_OF_MEMORY + "\n")
            sys.stderr.flush()
            os._exit(1)  # at once, as a crash: no handler, no drain

    def _served(self, path: str) -> bool:
        return any(path == served for _, served in self.routes)

    def _authorized(self, request: Request) -> bool:
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        return scheme.lower() == "bearer" and key in self.engine.api_keys

    def _record(self, request: Request, *, known: bool, status: HTTPStatus, started: float, sent: int = 0) -> None:
        self.engine.records.http(
            handler=request.path if known else "none",
            method=request.method,
            status=status.value,
            seconds=time.monotonic() - started,
            received=len(request.body),
            sent=sent,
        )

    async def _recorded(self, stream: AsyncIterator[bytes], request: Request, started: float) -> AsyncIterator[bytes]:
        try:
            async for chunk in stream:
                yield chunk
        finally:
            await stream.aclose()  # type: ignore[attr-defined] -- it is a generator
            self._record(request, known=True, status=HTTPStatus.OK, started=started)

    async def health(self, _: Request) -> Response:
        """503 only when the engine is dead: 200 when saturated, hanging or draining."""
        return Response(status=HTTPStatus.SERVICE_UNAVAILABLE if self.engine.faults.dead else HTTPStatus.OK)

    async def metrics(self, _: Request) -> Response:
        return Response(body=self.engine.records.render().encode(), kind=EXPOSITION)

    async def version(self, _: Request) -> Response:
        return Response.of({"version": surface.VERSION})

    async def load(self, _: Request) -> Response:
        """Counts only with --enable-server-load-tracking."""
        tracked = self.engine.options.get("enable-server-load-tracking")
        return Response.of({"server_load": self.engine.scheduler.unfinished if tracked else 0})

    async def models(self, _: Request) -> Response:
        permission = {
            "object": "model_permission", "allow_create_engine": False, "allow_sampling": True, "allow_logprobs": True,
            "allow_search_indices": False, "allow_view": True, "allow_fine_tuning": False, "organization": "*",
            "group": None, "is_blocking": False,
        }  # fmt: skip
        now = int(time.time())
        cards = [
            {
                "id": name, "object": "model", "created": now, "owned_by": "vllm", "root": self.engine.model,
                "parent": None, "max_model_len": self.engine.max_model_len,
                "permission": [{"id": f"modelperm-{uuid.uuid4().hex}", "created": now, **permission}],
            }
            for name in self.engine.names
        ]  # fmt: skip
        return Response.of({"object": "list", "data": cards})

    async def chat(self, request: Request) -> Response:
        return await generate.complete(self.engine, _body(request), "chat")

    async def completions(self, request: Request) -> Response:
        return await generate.complete(self.engine, _body(request), "text")

    async def tokenize(self, request: Request) -> Response:
        body = _body(request)
        self.engine.check_model(body)
        self.engine.refuse_while_draining()
        messages = body.get("messages")
        pieces = generate.chat_tokens(messages) if messages else generate.prompt_tokens(body.get("prompt"))
        ids = [text.token_id(piece) for piece in pieces]
        strings = pieces if body.get("return_token_strs") else None
        size = {"count": len(ids), "max_model_len": self.engine.max_model_len}
        return Response.of(size | {"tokens": ids, "token_strs": strings})

    async def embeddings(self, request: Request) -> Response:
        body = _body(request)
        model = self.engine.check_model(body)
        given = body.get("input")
        inputs = given if isinstance(given, list) and given and isinstance(given[0], (str, list)) else [given]
        prompts = [generate.prompt_tokens(one) for one in inputs]
        data, total = [], 0
        for index, prompt in enumerate(prompts):
            self.engine.admit()
            sequence, _ = self.engine.sequence({"max_tokens": 1}, prompt, self.engine.next_number())
            self.engine.scheduler.submit(sequence)
            await sequence.out.get()
            total += len(prompt)
            rng = random.Random("".join(prompt))  # noqa: S311 -- the same text has the same vector
            vector = [round(rng.gauss(0, DIMENSIONS**-0.5), 6) for _ in range(DIMENSIONS)]
            data.append({"index": index, "object": "embedding", "embedding": vector})
        head = {"id": f"embd-{uuid.uuid4().hex}", "object": "list", "created": int(time.time()), "model": model}
        usage = {"prompt_tokens": total, "total_tokens": total, "completion_tokens": 0, "prompt_tokens_details": None}
        return Response.of(head | {"data": data, "usage": usage})


def _body(request: Request) -> dict[str, Any]:
    """The JSON object of a request. Raises ApiError."""
    if not request.body:
        raise errors.invalid("missing", "body", "Field required", "None")
    try:
        body = request.json()
    except json.JSONDecodeError as error:
        reason = f", 'ctx': {{'error': '{error.msg}'}}"
        where = f"body.{error.pos}"
        raise errors.invalid("json_invalid", where, "JSON decode error", "<dict of 0 items>", reason) from error
    if not isinstance(body, dict):
        raise errors.invalid("model_attributes_type", "body", "Input should be a valid dictionary", str(body))
    return body
