"""Request + the model that answers → Plan: clamped to the model's limits, and rendered as the engine gets it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from llm_gateway.types import Decision, Plan, Refusal, Request, TokenCount, TrafficClass
from llm_gateway.validation.parameters import PROMPT_FIELD
from llm_gateway.validation.problems import Invalid, too_deep

if TYPE_CHECKING:
    from llm_gateway.config.snapshot import Model, Snapshot

_ORDER: dict[TrafficClass, int] = {"interactive": 0, "batch": 1, "experimental": 2}


def fit(snapshot: Snapshot, request: Request, decision: Decision, tokens: TokenCount) -> Plan | Refusal:
    """Check and clamp the request for the decided model. Called anew for a fallback; ``request`` is left as it is."""
    model = snapshot.models[decision.model]
    try:
        _bounded(model, request)
        max_tokens, clamped = _completion(model, request, tokens)
        body = _rendered(model, request, max_tokens)
    except Invalid as problem:
        return problem.refusal()
    except orjson.JSONEncodeError:
        return too_deep().refusal()
    klass = model.klass
    if request.klass is not None and _ORDER[request.klass] > _ORDER[klass]:
        klass = request.klass
    return Plan(
        request=request,
        decision=decision,
        tokens=tokens,
        max_tokens=max_tokens,
        cost=tokens.tokens + request.choices * max_tokens,  # a prompt is computed once, however many choices are drawn
        body=body,
        klass=klass,
        hide_usage=request.stream and not request.wants_usage,
        warnings=(*request.warnings, clamped) if clamped else request.warnings,
    )


def _bounded(model: Model, request: Request) -> None:
    body = request.body
    if request.choices > model.max_choices:
        raise Invalid(
            f"n: this model answers at most {model.max_choices} choices at once", param="n", code="out_of_range"
        )
    if len(request.stop) > model.max_stop_sequences:
        raise Invalid(f"stop: at most {model.max_stop_sequences} sequences", param="stop", code="too_long")
    for name in ("top_logprobs", "logprobs", "prompt_logprobs"):
        value = body.get(name)
        if type(value) is int and value > model.max_logprobs:
            raise Invalid(f"{name}: at most {model.max_logprobs}", param=name, code="out_of_range")
    if body.get("top_logprobs") and not body.get("logprobs"):
        raise Invalid("top_logprobs: needs logprobs to be true", param="top_logprobs")


def _completion(model: Model, request: Request, tokens: TokenCount) -> tuple[int, str | None]:
    """Completion tokens per choice, and a warning where that is less than what was asked for."""
    longest = tokens.longest or tokens.tokens
    if longest > model.max_prompt_tokens:
        about = "about " if tokens.source == "estimate" else ""
        raise Invalid(
            f"The prompt has {about}{longest} tokens; model {model.name!r} accepts {model.max_prompt_tokens}.",
            param=PROMPT_FIELD[request.endpoint], code="context_length_exceeded",
        )  # fmt: skip
    if model.kind != "generate":
        return 0, None
    most = min(model.max_completion_tokens, model.context_tokens - longest)
    if most < 1:
        raise Invalid(
            f"The prompt leaves no room for an answer in the {model.context_tokens} tokens of model {model.name!r}.",
            param=PROMPT_FIELD[request.endpoint], code="context_length_exceeded",
        )  # fmt: skip
    if request.max_tokens is None:
        return most, None
    if request.max_tokens > most:
        return most, f"max_tokens clamped to {most}"
    return request.max_tokens, None


def _rendered(model: Model, request: Request, max_tokens: int) -> bytes:
    """Body for the engine: its own name for the model, the clamped length, and usage in the stream for the accounts."""
    body = {**request.body, "model": model.served_name}
    if model.kind == "generate":
        body["max_tokens"] = max_tokens
        if (least := body.get("min_tokens")) is not None and least > max_tokens:
            body["min_tokens"] = max_tokens
        if request.stream:
            body["stream_options"] = {"include_usage": True}
    return orjson.dumps(body)
