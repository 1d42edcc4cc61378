"""Bytes from a client → Request: parsed, typed, normalised; nothing here depends on the model that will answer."""

from __future__ import annotations

import re
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, get_args

import orjson

from llm_gateway.types import Endpoint, Headers, Identity, Refusal, Request, TrafficClass
from llm_gateway.validation.formats import check_response_format, check_structured_outputs, check_tools
from llm_gateway.validation.messages import Size, check_inputs, check_messages
from llm_gateway.validation.parameters import PARAMETERS, PROMPT_FIELD
from llm_gateway.validation.problems import Invalid, too_deep, wrong_type

if TYPE_CHECKING:
    from llm_gateway.config.snapshot import Snapshot

Body = dict[str, Any]

_CLASSES: dict[bytes, TrafficClass] = {word.encode(): word for word in get_args(TrafficClass)}
_TRACKS = {b"stable": "stable", b"canary": "canary", b"previous": "previous"}
_PRINTABLE = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_LONGEST_STOP = 1024
_MOST_STOPS = 64
_MOST_WARNED = 8
_SAMPLE = 4096
"""Bytes of the first message that tell conversations apart."""


def parse(
    snapshot: Snapshot, endpoint: Endpoint, body: bytes, headers: Headers, identity: Identity
) -> Request | Refusal:
    """Check a body and the headers that steer the gateway. The first mistake is the answer."""
    try:
        return _parse(snapshot, endpoint, body, headers, identity)
    except Invalid as problem:
        return problem.refusal()
    except orjson.JSONEncodeError:
        return too_deep().refusal()


def _parse(snapshot: Snapshot, endpoint: Endpoint, raw: bytes, headers: Headers, identity: Identity) -> Request:
    body = _json(raw)
    warnings: list[str] = []
    asked = body.get("model")
    _fields(snapshot, endpoint, body, asked, warnings)
    inputs, size = _prompt(endpoint, body)
    stop = _stop(body, warnings)
    wants_usage = _stream(body)
    requires_json, tools = _formats(endpoint, body)
    choices = body.get("n", 1) * (inputs if endpoint == "completions" else 1)
    return Request(
        endpoint=endpoint,
        asked=asked or None,
        body=body,
        stream=body.get("stream", False),
        wants_usage=wants_usage,
        max_tokens=_max_tokens(endpoint, body),
        choices=choices,
        stop=stop,
        requires_json=requires_json,
        tools=tools,
        klass=_class(headers),
        min_quality=_quality(headers),
        track=_track(headers, identity, warnings),
        conversation=_conversation(endpoint, body, headers, identity),
        explain=headers.get(b"x-llm-explain") in (b"1", b"true"),
        text_bytes=size.characters,
        media_parts=size.media,
        warnings=tuple(warnings),
        headers=headers,
    )


def _json(raw: bytes) -> Body:
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        # `error.msg` names no content; the document itself (`error.doc`) must not leak into a log.
        raise Invalid(f"the body is not valid JSON: {error.msg}", code="invalid_json") from None
    if type(body) is not dict:
        raise Invalid("the body must be a JSON object", code="invalid_json")
    return body


def _fields(snapshot: Snapshot, endpoint: Endpoint, body: Body, asked: object, warnings: list[str]) -> None:
    """Check each parameter by its own rule, in place: null means absent, and what is not supported goes."""
    known = PARAMETERS[endpoint]
    absent: list[str] = []
    unsupported: list[str] = []
    for name, value in body.items():
        if value is None:
            absent.append(name)
        elif (check := known.get(name)) is not None:
            check(name, value)
        else:
            unsupported.append(name)
    for name in absent:
        del body[name]
    if unsupported:
        unsupported = _not_allowed_by_model(snapshot, asked, unsupported)
    if not unsupported:
        return
    shown = [name if _PRINTABLE.fullmatch(name) else "?" for name in unsupported]
    if snapshot.unsupported_parameters == "refuse":
        raise Invalid(f"{shown[0]}: this parameter is not supported", param=shown[0], code="unsupported_parameter")
    for name in unsupported:
        del body[name]
    more = f" and {len(shown) - _MOST_WARNED} more" if len(shown) > _MOST_WARNED else ""
    warnings.append(f"not supported, removed: {', '.join(shown[:_MOST_WARNED])}{more}")


def _not_allowed_by_model(snapshot: Snapshot, asked: object, names: list[str]) -> list[str]:
    routing = snapshot.routing
    name = asked if isinstance(asked, str) else routing.default
    model = snapshot.models.get(routing.aliases.get(name, name)) if name is not None else None
    return names if model is None else [word for word in names if word not in model.parameters]


def _prompt(endpoint: Endpoint, body: Body) -> tuple[int, Size]:
    field = PROMPT_FIELD[endpoint]
    if field not in body:
        raise Invalid(f"{field}: is needed", param=field, code="missing_parameter")
    if endpoint == "chat":
        return 1, check_messages(body[field])
    if endpoint == "rerank":
        if "query" not in body:
            raise Invalid("query: is needed", param="query", code="missing_parameter")
        size = Size()
        size.characters = sum(map(len, body[field])) + len(body["query"]) * len(body[field])
        return len(body[field]), size
    return check_inputs(field, body[field])


def _stop(body: Body, warnings: list[str]) -> tuple[str, ...]:
    """One form for stop sequences: a list without empty ones and repeats, in the client's order; absent when empty."""
    value = body.get("stop")
    if value is None:
        return ()
    sequences = [value] if type(value) is str else value
    if type(sequences) is not list:
        raise wrong_type("stop", "a text or a list of texts")
    if len(sequences) > _MOST_STOPS:
        raise Invalid(f"stop: more than {_MOST_STOPS} sequences", param="stop", code="too_long")
    for index, sequence in enumerate(sequences):
        if type(sequence) is not str:
            raise wrong_type(f"stop[{index}]", "a text")
        if len(sequence) > _LONGEST_STOP:
            raise Invalid(f"stop[{index}]: longer than {_LONGEST_STOP} characters", param="stop", code="too_long")
    kept = tuple(dict.fromkeys(sequence for sequence in sequences if sequence))
    if len(kept) < len(sequences):
        warnings.append("empty or repeated stop sequences removed")
    if kept:
        body["stop"] = list(kept)
    else:
        del body["stop"]
    return kept


def _stream(body: Body) -> bool:
    """Check ``stream_options``; return whether the client asked for usage."""
    options = body.pop("stream_options", None)
    if options is None:
        return False
    wants = options.get("include_usage")
    if wants is not None and type(wants) is not bool:
        raise wrong_type("stream_options.include_usage", "true or false")
    return bool(wants) and body.get("stream", False) is True


def _max_tokens(endpoint: Endpoint, body: Body) -> int | None:
    """One name for the completion's length: ``max_tokens``, which every engine knows."""
    old, new = body.pop("max_tokens", None), body.pop("max_completion_tokens", None)
    asked: int | None = new if new is not None else old
    if asked == 0 and endpoint == "chat":
        raise Invalid("max_tokens: must be at least 1", param="max_tokens", code="out_of_range")
    return asked


def _formats(endpoint: Endpoint, body: Body) -> tuple[bool, bool]:
    """Whether JSON is asked for, and whether there are tools."""
    if endpoint not in ("chat", "completions"):
        return False, False
    requires_json = False
    if "response_format" in body:
        requires_json = check_response_format(body["response_format"])
    if "structured_outputs" in body:
        requires_json = check_structured_outputs(body["structured_outputs"]) or requires_json
    if "tools" not in body:
        if body.pop("tool_choice", None) not in (None, "none", "auto"):
            raise Invalid("tool_choice: needs tools", param="tool_choice")
        return requires_json, False
    if not check_tools(body["tools"], body.get("tool_choice")):
        del body["tools"]
        body.pop("tool_choice", None)
        return requires_json, False
    return requires_json, True


def _class(headers: Headers) -> TrafficClass | None:
    value = headers.get(b"x-llm-class")
    if value is None:
        return None
    if value not in _CLASSES:
        raise Invalid(f"x-llm-class: must be one of {', '.join(get_args(TrafficClass))}", param="x-llm-class")
    return _CLASSES[value]


def _quality(headers: Headers) -> int | None:
    value = headers.get(b"x-llm-quality")
    if value is None:
        return None
    if not (value.isdigit() and len(value) <= 3 and int(value) <= 100):  # noqa: PLR2004 -- percent, three digits
        raise Invalid("x-llm-quality: must be a whole number from 0 to 100", param="x-llm-quality")
    return int(value)


def _track(headers: Headers, identity: Identity, warnings: list[str]) -> str | None:
    value = headers.get(b"x-llm-track")
    if value is None:
        return None
    if not identity.tenant.may_pin_track:
        warnings.append("x-llm-track ignored: not allowed")
        return None
    if value not in _TRACKS:
        raise Invalid(f"x-llm-track: must be one of {', '.join(_TRACKS.values())}", param="x-llm-track")
    return _TRACKS[value]


def _conversation(endpoint: Endpoint, body: Body, headers: Headers, identity: Identity) -> bytes:
    """What stays the same within a conversation: the client's own id, else how the conversation began."""
    name = headers.get(b"x-llm-conversation")
    if name is not None:
        parts = [b"id", name]
    elif endpoint == "chat":
        parts = [b"", *[_sample(message.get("content")) for message in body["messages"][:2]]]
    else:
        parts = [b"", _sample(body[PROMPT_FIELD[endpoint]])]
    return blake2b(identity.tenant.name.encode() + b"\0".join(parts), digest_size=8).digest()


def _sample(content: object) -> bytes:
    if isinstance(content, str):
        return content[:_SAMPLE].encode()
    return orjson.dumps(content[:2] if isinstance(content, list) else content)[:_SAMPLE]
