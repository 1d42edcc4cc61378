"""Chat and text completions, streamed and whole."""

from __future__ import annotations

import json
import time
import uuid
from typing import TYPE_CHECKING, Any, Literal

from fake_engine import errors, surface, text
from fake_engine.http import CutConnection, Response
from fake_engine.scheduler import CUT

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from fake_engine.answers import Answer
    from fake_engine.engine import Engine
    from fake_engine.scheduler import Sequence

Kind = Literal["chat", "text"]
PER_MESSAGE = 4  # tokens that a chat template adds to each message
NO_MESSAGE = "Cannot apply chat template to an empty conversation. Provide at least one message."
FINGERPRINT = {"system_fingerprint": f"vllm-{surface.VERSION}-00000000"}
GARBAGE = bytes(range(128, 256))


class Generation:
    """One admitted request and the shapes of its replies."""

    def __init__(self, engine: Engine, body: dict[str, Any], kind: Kind) -> None:
        self.engine, self.body, self.kind = engine, body, kind
        self.model = engine.check_model(body)
        self.number = engine.next_number()
        self.sequence, self.answer = _prepare(engine, body, kind, self.number)
        self.head = {
            "id": f"{'chatcmpl' if kind == 'chat' else 'cmpl'}-{uuid.uuid4().hex[:16]}",
            "object": {"chat": "chat.completion", "text": "text_completion"}[kind],
            "created": int(time.time()),
            "model": self.model,
        }
        if kind == "chat" and body.get("stream"):
            self.head["object"] = "chat.completion.chunk"
        self.call = f"chatcmpl-tool-{uuid.uuid4().hex}"

    def usage(self) -> dict[str, Any]:
        prompt, completion = len(self.sequence.prompt), self.sequence.done
        usage: dict[str, Any] = {"prompt_tokens": prompt, "total_tokens": prompt + completion}
        usage["completion_tokens"] = completion
        if self.engine.options.get("enable-prompt-tokens-details"):
            usage["prompt_tokens_details"] = {"cached_tokens": self.sequence.cached}
        return usage

    def finish(self, reason: str) -> str:
        return "tool_calls" if reason == "stop" and self.answer.tool else reason

    async def pieces(self) -> AsyncIterator[tuple[str, str | None]]:
        """Text and finish_reason, token by token; a client that leaves, or the fault, ends the sequence."""
        try:
            reason: str | None = None
            while reason is None:
                piece, reason = await self.sequence.out.get()
                if self.engine.faults.hits("die_mid_stream", self.number) and self._halfway():
                    raise CutConnection
                yield piece, reason
        finally:
            self.engine.scheduler.drop(self.sequence)

    def _halfway(self) -> bool:
        return self.sequence.done >= max(1, len(self.sequence.answer) // 2)

    async def whole(self) -> Response:
        collected, reason = [], "abort"
        async for piece, ended in self.pieces():
            collected.append(piece)
            reason = ended if ended not in {None, CUT} else "abort"
        said, choice = "".join(collected), {"index": 0, "logprobs": None}
        if self.kind == "text":
            choice["text"] = said
        else:
            choice["message"] = self._message(said)
        choice |= {"finish_reason": self.finish(reason), "stop_reason": self.answer.stop_reason}
        return Response.of(self.head | {"choices": [choice], "usage": self.usage()} | FINGERPRINT)

    def _message(self, said: str) -> dict[str, Any]:
        message: dict[str, Any] = {"role": "assistant", "content": said, "refusal": None, "reasoning": None}
        if self.answer.tool:
            function = {"name": self.answer.tool, "arguments": said}
            message |= {"content": None, "tool_calls": [{"id": self.call, "type": "function", "function": function}]}
        return message

    def stream(self) -> Response:
        return Response(kind="text/event-stream; charset=utf-8", stream=self._events())

    async def _events(self) -> AsyncIterator[bytes]:
        first = True
        async for piece, reason in self.pieces():
            if first and self.kind == "chat":
                yield self._chunk({"delta": {"role": "assistant", "content": ""}}, None)
            if reason != CUT:
                yield self._chunk(self._delta(piece, first=first), reason)
            first = False
        if self._usage_asked():
            yield _event(self.head | {"choices": [], "usage": self.usage()} | FINGERPRINT)
        yield b"data: [DONE]\n\n"

    def _usage_asked(self) -> bool:
        options = self.body.get("stream_options") or {}
        return bool(options.get("include_usage") or self.engine.options.get("enable-force-include-usage"))

    def _delta(self, piece: str, *, first: bool) -> dict[str, Any]:
        if self.kind == "text":
            return {"text": piece}
        if not self.answer.tool:
            return {"delta": {"content": piece}}
        call: dict[str, Any] = {"index": 0, "function": {"arguments": piece}}
        if first:
            call |= {"id": self.call, "type": "function"}
            call["function"] = {"name": self.answer.tool, "arguments": piece}
        return {"delta": {"tool_calls": [call]}}

    def _chunk(self, part: dict[str, Any], reason: str | None) -> bytes:
        choice = {"index": 0, **part, "logprobs": None, "finish_reason": self.finish(reason) if reason else None}
        if reason:
            choice["stop_reason"] = self.answer.stop_reason
        last = reason and not self._usage_asked()  # the fingerprint is on the last event
        return _event(self.head | {"choices": [choice]} | (FINGERPRINT if last else {}))


async def complete(engine: Engine, body: dict[str, Any], kind: Kind) -> Response:
    """Serve one request. Raises ApiError and CutConnection."""
    generation = Generation(engine, body, kind)
    engine.admit()
    faults, number = engine.faults, generation.number
    if faults.oom:
        raise MemoryError
    if faults.hits("garbage", number):
        raise CutConnection(GARBAGE)
    if faults.hits("error", number):
        raise errors.internal("Internal server error")
    engine.scheduler.submit(generation.sequence)
    return generation.stream() if body.get("stream") else await generation.whole()


def _prepare(engine: Engine, body: dict[str, Any], kind: Kind, number: int) -> tuple[Sequence, Answer]:
    if kind == "chat":
        if "messages" not in body:
            raise errors.invalid("missing", "body.messages", "Field required", f"<dict of {len(body)} items>")
        messages = body["messages"]
        if not messages:
            raise errors.bad_request(NO_MESSAGE)
        prompt = chat_tokens(messages)
    else:
        prompt = prompt_tokens(body.get("prompt"))
    return engine.sequence(body, prompt, number)


def chat_tokens(messages: list[dict[str, Any]]) -> list[str]:
    """The pieces of a chat after its template."""
    pieces: list[str] = []
    for message in messages:
        content = message.get("content") or ""
        said = content if isinstance(content, str) else " ".join(part.get("text", "") for part in content)
        pieces += [f"<{message.get('role')}>", *["<template>"] * (PER_MESSAGE - 1), *text.tokens(said)]
    return pieces


def prompt_tokens(prompt: object) -> list[str]:
    """The pieces of a text prompt: text, or token numbers. Raises ApiError."""
    if isinstance(prompt, str) and prompt:
        return text.tokens(prompt)
    if isinstance(prompt, list) and len(prompt) == 1 and isinstance(prompt[0], str):
        return text.tokens(prompt[0])
    if isinstance(prompt, list) and prompt and all(isinstance(number, int) for number in prompt):
        return [str(number) for number in prompt]
    raise errors.bad_request("Either prompt or prompt_embeds must be provided and non-empty.", "prompt")


def _event(value: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(value, separators=(",", ":")).encode() + b"\n\n"
