"""Verdicts on answers: what is judged, how, and that neither the cuts of a stream nor a hostile schema changes it."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterable
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_gateway import quality
from llm_gateway.quality import Collector
from llm_gateway.quality.collect import MOST_CHARACTERS, MOST_PARTS
from llm_gateway.quality.schema import UndecidedError, fits
from llm_gateway.types import Request
from llm_gateway.upstream.sse import EventStream, summarize

CITY: dict[str, Any] = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "people": {"type": "integer", "minimum": 0}},
    "required": ["city"],
    "additionalProperties": False,
}
TOOLS = [
    {"type": "function", "function": {"name": "weather", "parameters": CITY}},
    {"type": "function", "function": {"name": "now"}},
]


def request(**body: Any) -> Request:
    wanted = (body.get("response_format") or {}).get("type") in {"json_object", "json_schema"}
    wanted = wanted or "structured_outputs" in body
    return Request(endpoint="chat", asked="chat", body=body, requires_json=wanted, tools="tools" in body)


JSON = request(response_format={"type": "json_object"})
SCHEMA = request(response_format={"type": "json_schema", "json_schema": {"name": "c", "schema": CITY}})
CALLS = request(tools=TOOLS)
MUST_CALL = request(tools=TOOLS, tool_choice="required")


def answer(content: str | None = None, *calls: tuple[str, str], finish: str = "stop", **more: Any) -> dict[str, Any]:
    """One choice of a whole answer."""
    message: dict[str, Any] = {"role": "assistant", "content": content, "refusal": more.pop("refusal", None)}
    if calls:
        message["tool_calls"] = [
            {"id": f"c{number}", "type": "function", "function": {"name": name, "arguments": arguments}}
            for number, (name, arguments) in enumerate(calls)
        ]
    return {"index": 0, "message": message, "finish_reason": finish, **more}


def verdict(asked: Request, *choices: dict[str, Any]) -> tuple[str, str, str | None] | None:
    collector = Collector()
    collector.whole(json.dumps({"choices": [choice | {"index": n} for n, choice in enumerate(choices)]}).encode())
    judged = quality.judge(asked, collector.said())
    return None if judged is None else (judged.kind, judged.result, judged.why)


@pytest.mark.parametrize(
    ("asked", "said", "expected"),
    [
        (JSON, answer('{"any": 1}'), ("json", "valid", None)),
        (JSON, answer("[1]"), ("json", "invalid", "schema")),
        (JSON, answer("Sure! {}"), ("json", "invalid", "not_json")),
        (JSON, answer(""), ("json", "invalid", "not_json")),
        (JSON, answer(None), ("json", "invalid", "not_json")),
        (JSON, answer('{"a": NaN}'), ("json", "invalid", "not_json")),
        (JSON, answer('{"a": "b', finish="length"), ("json", "truncated", None)),
        (JSON, answer('{"a": "b', stop_reason="END"), ("json", "truncated", None)),
        (JSON, answer('{"a": 1}', stop_reason=128_009), ("json", "valid", None)),
        (JSON, answer(None, refusal="I cannot."), None),
        (JSON, answer("I ca", finish="content_filter"), None),
        (SCHEMA, answer('{"city": "Ulm", "people": 5}'), ("json", "valid", None)),
        (SCHEMA, answer('{"people": 5}'), ("json", "invalid", "schema")),
        (SCHEMA, answer('{"city": "Ulm", "people": -1}'), ("json", "invalid", "schema")),
        (SCHEMA, answer('{"city": "Ulm", "mayor": "x"}'), ("json", "invalid", "schema")),
        (request(structured_outputs={"json": CITY}), answer('{"city": 5}'), ("json", "invalid", "schema")),
        (request(structured_outputs={"json": json.dumps(CITY)}), answer('{"city": 5}'), ("json", "invalid", "schema")),
        (request(structured_outputs={"json_object": True}), answer("{}"), ("json", "valid", None)),
        (CALLS, answer("It is sunny."), None),
        (CALLS, answer(None, ("weather", '{"city": "Ulm"}')), ("tools", "valid", None)),
        (CALLS, answer("Let me see", ("now", "{}"), finish="tool_calls"), ("tools", "valid", None)),
        (CALLS, answer(None, ("now", "{}"), ("weather", "{}")), ("tools", "invalid", "arguments_schema")),
        (CALLS, answer(None, ("wether", "{}")), ("tools", "invalid", "unknown_function")),
        (CALLS, answer(None, ("now", "")), ("tools", "invalid", "arguments_not_json")),
        (CALLS, answer(None, ("now", "[]")), ("tools", "invalid", "arguments_not_an_object")),
        (CALLS, answer(None, ("now", "{"), finish="length"), ("tools", "truncated", None)),
        (MUST_CALL, answer("It is sunny."), ("tools", "invalid", "no_call")),
        (request(**JSON.body, tools=TOOLS), answer('{"a": 1}'), ("json", "valid", None)),
        (request(**JSON.body, tools=TOOLS), answer(None, ("now", "{}")), ("tools", "valid", None)),
        (request(**JSON.body, echo=True), answer('prompt {"a": 1}'), ("json", "unchecked", None)),
        (JSON, {"text": '{"a": 1}', "finish_reason": "stop"}, ("json", "valid", None)),
        (JSON, answer('"' + "x" * MOST_CHARACTERS + '"'), ("json", "unchecked", None)),
        (SCHEMA, answer(json.dumps({"city": "x", "people": {"a": [[]] * 9000}})), ("json", "invalid", "schema")),
    ],
)
def test_what_an_answer_is_worth(asked: Request, said: dict[str, Any], expected: object) -> None:
    assert verdict(asked, said) == expected


def test_the_worst_choice_counts() -> None:
    good, cut, bad = answer("{}"), answer("{", finish="length"), answer("no")
    assert verdict(JSON, good, cut) == ("json", "truncated", None)
    assert verdict(JSON, bad, cut, good) == ("json", "invalid", "not_json")
    assert verdict(JSON, good, answer(None, refusal="no")) == ("json", "valid", None)


def test_nobody_else_pays() -> None:
    assert quality.collector(request()) is None
    assert quality.collector(request(response_format={"type": "text"})) is None
    assert quality.collector(JSON) is not None


@pytest.mark.parametrize(
    ("said", "refused"),
    [
        (answer("fine"), False),
        (answer('"refusal": "no"'), False),
        (answer(None, refusal="I cannot."), True),
        (answer("I c", finish="content_filter"), True),
    ],
)
def test_refusals_are_what_engines_mark(said: dict[str, Any], *, refused: bool) -> None:
    assert summarize(json.dumps({"choices": [said]}).encode()).refused is refused
    stream = EventStream(hide_usage=False)
    stream.feed(b"".join(streamed(said, 3)))
    assert stream.summary().refused is refused


# Streams: any answer, cut into deltas and into reads anywhere.


def streamed(choice: dict[str, Any], size: int) -> Iterable[bytes]:
    """A whole choice as a server streams it, ``size`` characters to a delta."""

    def event(delta: dict[str, Any], **more: Any) -> bytes:
        return (
            b"data: " + json.dumps({"choices": [{"index": choice["index"], "delta": delta, **more}]}).encode() + b"\n\n"
        )

    def pieces(text: str) -> list[str]:
        return [text[at : at + size] for at in range(0, len(text), size)]

    message = choice["message"]
    yield event({"role": "assistant", "content": ""}, finish_reason=None)
    for field in ("content", "refusal"):
        yield from (event({field: piece}) for piece in pieces(message[field] or ""))
    for number, call in enumerate(message.get("tool_calls", ())):
        function = call["function"]
        yield event({"tool_calls": [call | {"index": number, "function": function | {"arguments": ""}}]})
        for piece in pieces(function["arguments"]):
            yield event({"tool_calls": [{"index": number, "function": {"arguments": piece}}]})
    yield event({}, finish_reason=choice["finish_reason"], stop_reason=choice.get("stop_reason"))
    yield b"data: [DONE]\n\n"


texts = st.one_of(
    st.text(max_size=30),
    st.sampled_from(['{"city": "Ulm"}', '{"city": 1}', "{}", "[]", '{"a":"data: [DONE]\\n\\n"}', '{"city": "\u2028\x85"}']),
    st.builds(json.dumps, st.dictionaries(st.text(max_size=5), st.text(max_size=9), max_size=3)),
)  # fmt: skip
calls = st.tuples(st.sampled_from(["weather", "now", "none"]), texts)


@given(
    st.sampled_from([JSON, SCHEMA, CALLS, MUST_CALL, request(**SCHEMA.body, tools=TOOLS)]),
    texts,
    st.lists(calls, max_size=3),
    st.sampled_from(["stop", "length", "tool_calls", "content_filter"]),
    st.integers(1, 9),
    st.data(),
)
def test_a_stream_cut_anywhere_is_worth_what_the_whole_is(
    asked: Request, content: str, called: list[tuple[str, str]], finish: str, size: int, data: st.DataObject
) -> None:
    choice = answer(content, *called, finish=finish)
    raw = b"".join(streamed(choice, size))
    cuts = sorted(data.draw(st.sets(st.integers(1, len(raw) - 1), max_size=20)))
    stream, collector = EventStream(hide_usage=True), Collector()
    for start, end in zip([0, *cuts], [*cuts, len(raw)], strict=True):
        collector.events(stream.feed(raw[start:end]))
    collector.events(stream.rest())
    judged = quality.judge(asked, collector.said())
    assert (None if judged is None else (judged.kind, judged.result, judged.why)) == verdict(asked, choice)


@given(st.lists(st.binary(max_size=60) | st.builds(lambda data: b"data: " + data + b"\n", st.binary(max_size=40))))
def test_no_bytes_of_an_engine_raise(parts: list[bytes]) -> None:
    collector = Collector()
    for part in parts:
        collector.events(part)
    for part in parts:
        collector.whole(part)
    quality.judge(SCHEMA, collector.said())


@pytest.mark.parametrize(("choices", "of_each"), [(MOST_PARTS + 1, 0), (1, MOST_PARTS + 1), (200, 200)])
def test_more_than_any_request_may_ask_for_is_given_up(choices: int, of_each: int) -> None:
    call = [{"index": number, "function": {"arguments": "{{"}} for number in range(of_each)]
    collector = Collector()
    for index in range(choices):
        collector.whole(json.dumps({"choices": [{"index": index, "delta": {"tool_calls": call}}]}).encode())
    assert collector.said() is None


# Schemas: never stricter than the standard, and as strict in what is looked at.

values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from([1.0, 0.5]) | st.sampled_from(["", "a", "b", "ab"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
KINDS = ["string", "number", "integer", "boolean", "object", "array", "null"]


def known(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Schemas of the keywords that are looked at."""
    return st.fixed_dictionaries(
        {},
        optional={
            "type": st.sampled_from(KINDS) | st.lists(st.sampled_from(KINDS), min_size=1, max_size=2, unique=True),
            "enum": st.lists(values, min_size=1, max_size=3),
            "const": values,
            "required": st.lists(st.sampled_from("abc"), max_size=2, unique=True),
            "properties": st.dictionaries(st.sampled_from("abc"), inner, max_size=2),
            "additionalProperties": inner,
            "items": inner,
            "prefixItems": st.lists(inner, min_size=1, max_size=2),
            "anyOf": st.lists(inner, min_size=1, max_size=2),
            "allOf": st.lists(inner, min_size=1, max_size=2),
            "minimum": st.integers(-2, 2),
            "exclusiveMaximum": st.integers(-2, 2),
            "maxItems": st.integers(0, 2),
            "minLength": st.integers(0, 2),
        },
    )


schemas = st.recursive(st.booleans() | known(st.booleans()), known, max_leaves=6)


@given(schemas, values)
def test_known_keywords_are_read_as_the_standard_reads_them(schema: Any, value: Any) -> None:
    assert fits(schema, value) == jsonschema.Draft202012Validator(schema).is_valid(value)


def wild(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Schemas with keywords that are not looked at, too."""
    more = st.fixed_dictionaries(
        {},
        optional={
            "not": inner,
            "oneOf": st.lists(inner, min_size=1, max_size=2),
            "if": inner,
            "then": inner,
            "pattern": st.just("^a"),
            "patternProperties": st.dictionaries(st.sampled_from(["^a", "b"]), inner, max_size=2),
            "uniqueItems": st.booleans(),
            "$ref": st.sampled_from(["#", "#/$defs/a", "#/$defs/missing/x"]),
        },
    )
    return st.builds(lambda one, two: {**one, **two}, known(inner), more)


@given(
    st.recursive(st.booleans() | wild(st.booleans()), wild, max_leaves=6), st.booleans() | known(st.booleans()), values
)
def test_no_answer_is_called_invalid_that_is_not(schema: Any, shared: Any, value: Any) -> None:
    if isinstance(schema, dict):
        schema = schema | {"$defs": {"a": shared, "missing": {"x": True}}}
    try:
        fine = fits(schema, value)
        standard = jsonschema.Draft202012Validator(schema).is_valid(value)
    except (UndecidedError, RecursionError):
        return
    assert fine or not standard


keywords = st.sampled_from(
    ["type", "enum", "required", "properties", "items", "allOf", "anyOf", "$ref", "minLength", "prefixItems"]
)


@given(
    st.recursive(values | st.just("#/$ref"), lambda inner: st.dictionaries(keywords, inner, max_size=4), max_leaves=8),
    values,
)
def test_what_is_no_schema_is_undecided(schema: Any, value: Any) -> None:
    """Behind a reference there may be anything: only what is reached as a schema was checked when the request came."""
    with contextlib.suppress(UndecidedError):
        fits(schema, value)


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"$ref": "#"}, 1),
        ({"anyOf": [{"$ref": "#"}, {"$ref": "#"}]}, 1),
        ({"allOf": [{"$ref": "#/allOf/0"}]}, 1),
        ({"items": {"anyOf": [{"type": "string", "minLength": 2}] * 50 + [{}]}}, ["a"] * 5000),
        ({"items": {"enum": list(range(100_000))}}, [99_999] * 5000),
        ({"items": {"required": ["a"] * 100_000}}, [{"a": 1}] * 5000),
        (True, [[]]),
    ],
)
def test_hostile_schemas_end_soon(schema: Any, value: Any) -> None:
    started = time.process_time()
    with contextlib.suppress(UndecidedError):
        assert fits(schema, value) is True
    assert time.process_time() - started < 0.2, "a tenth of it was measured"


def test_a_schema_points_into_itself() -> None:
    tree = {"$defs": {"a/b": {"type": "object", "properties": {"kid": {"$ref": "#/$defs/a~1b"}}, "required": ["n"]}}}
    schema = tree | {"$ref": "#/$defs/a~1b"}
    assert fits(schema, {"n": 1, "kid": {"n": 2}})
    assert not fits(schema, {"n": 1, "kid": {"m": 2}})
