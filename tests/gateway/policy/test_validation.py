"""What is let through, how it is changed, and what is refused."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from tests.gateway.policy.conftest import identity, snapshot

from llm_gateway.types import Decision, Endpoint, Headers, Plan, Refusal, Request, TokenCount
from llm_gateway.validation import fit, parse

HELLO = [{"role": "user", "content": "hello"}]
STRIP = snapshot()
REFUSE = snapshot({"requests": {"unsupportedParameters": "refuse"}})


def ask(
    body: dict[str, Any] | bytes,
    endpoint: Endpoint = "chat",
    headers: Headers | None = None,
    config: Any = STRIP,
    **who: Any,
) -> Request | Refusal:
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    return parse(config, endpoint, raw, headers or {}, identity(**who))


def taken(body: dict[str, Any], *args: Any, **kwargs: Any) -> Request:
    answer = ask(body, *args, **kwargs)
    assert isinstance(answer, Request), answer
    return answer


def refused(body: dict[str, Any] | bytes, *args: Any, **kwargs: Any) -> Refusal:
    answer = ask(body, *args, **kwargs)
    assert isinstance(answer, Refusal), answer
    assert (answer.status, answer.outcome) == (400, "validation")
    return answer


def fitted(request: Request, tokens: int = 10, model: str = "chat", source: Any = "exact") -> Plan | Refusal:
    return fit(STRIP, request, Decision(model=model, rule="asked", reason=""), TokenCount(tokens, source, tokens))


def planned(request: Request, tokens: int = 10, model: str = "chat") -> Plan:
    answer = fitted(request, tokens, model)
    assert isinstance(answer, Plan), answer
    return answer


def chat(**more: Any) -> dict[str, Any]:
    return {"model": "chat", "messages": HELLO, **more}


@pytest.mark.parametrize(
    ("body", "param", "code"),
    [
        (b"", None, "invalid_json"),
        (b"{", None, "invalid_json"),
        (b"[]", None, "invalid_json"),
        (b'"x"', None, "invalid_json"),
        (b'{"a": NaN}', None, "invalid_json"),
        (b'\xff{"model": 1}', None, "invalid_json"),
        (b"[" * 100_000, None, "invalid_json"),
        ({"model": "chat"}, "messages", "missing_parameter"),
        (chat(messages=[]), "messages", "missing_parameter"),
        (chat(messages="hi"), "messages", "invalid_type"),
        (chat(messages=[1]), "messages[0]", "invalid_type"),
        (chat(messages=[{"role": "robot", "content": "x"}]), "messages[0].role", "invalid_value"),
        (chat(messages=[{"role": "user"}]), "messages[0].content", "missing_parameter"),
        (chat(messages=[{"role": "user", "content": 1}]), "messages[0].content", "invalid_type"),
        (chat(messages=[{"role": "user", "content": [{"type": "text"}]}]), "messages[0].content[0].text", "invalid_type"),
        (chat(messages=[{"role": "user", "content": [{"type": "pdf"}]}]), "messages[0].content[0].type", "invalid_value"),
        (
            chat(messages=[{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "file:///etc/passwd"}}]}]),
            "messages[0].content[0].image_url.url",
            "invalid_value",
        ),
        (chat(model=1), "model", "invalid_type"),
        (chat(temperature="hot"), "temperature", "invalid_type"),
        (chat(temperature=True), "temperature", "invalid_type"),
        (chat(temperature=2.1), "temperature", "out_of_range"),
        (chat(top_p=-0.1), "top_p", "out_of_range"),
        (chat(n=0), "n", "out_of_range"),
        (chat(n=1.0), "n", "invalid_type"),
        (chat(max_tokens=0), "max_tokens", "out_of_range"),
        (chat(max_tokens=-1), "max_tokens", "out_of_range"),
        (chat(stream="yes"), "stream", "invalid_type"),
        (chat(stream_options={"include_usage": 1}), "stream_options.include_usage", "invalid_type"),
        (chat(stop=1), "stop", "invalid_type"),
        (chat(stop=["a", 2]), "stop[1]", "invalid_type"),
        (chat(stop=["x" * 2000]), "stop", "too_long"),
        (chat(stop=[str(n) for n in range(65)]), "stop", "too_long"),
        (chat(seed=2**63), "seed", "out_of_range"),
        (chat(logit_bias={"a": 1}), "logit_bias", "invalid_value"),
        (chat(logit_bias={"1": 101}), "logit_bias", "out_of_range"),
        (chat(response_format={"type": "xml"}), "response_format.type", "invalid_value"),
        (chat(response_format={"type": "json_schema"}), "response_format.json_schema", "invalid_type"),
        (chat(response_format={"type": "json_schema", "json_schema": {"name": "x"}}), "response_format.json_schema.schema", "missing_parameter"),
        (
            chat(response_format={"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "strnig"}}}),
            "response_format.json_schema.schema",
            "invalid_schema",
        ),
        (
            chat(response_format={"type": "json_schema", "json_schema": {"schema": {"$ref": "https://example.com/x.json"}}}),
            "response_format.json_schema.schema",
            "invalid_schema",
        ),
        (chat(structured_outputs={"json": {}, "regex": "a"}), "structured_outputs", "invalid_value"),
        (chat(tools={}), "tools", "invalid_type"),
        (chat(tools=[{"type": "function", "function": {"name": "a b"}}]), "tools[0].function.name", "invalid_value"),
        (chat(tool_choice="required"), "tool_choice", "invalid_value"),
        (
            chat(tools=[{"type": "function", "function": {"name": "f"}}], tool_choice={"type": "function", "function": {"name": "g"}}),
            "tool_choice",
            "invalid_value",
        ),
    ],
)  # fmt: skip
def test_refused(body: dict[str, Any] | bytes, param: str | None, code: str) -> None:
    refusal = refused(body)
    assert (refusal.param, refusal.code) == (param, code)


def test_a_schema_that_is_too_deep_or_too_large() -> None:
    deep: dict[str, Any] = {"type": "object"}
    for _ in range(40):
        deep = {"type": "object", "properties": {"a": deep}}
    wide = {"anyOf": [{"type": "string"}] * 6000}
    for schema in (deep, wide):
        body = chat(response_format={"type": "json_schema", "json_schema": {"name": "x", "schema": schema}})
        assert refused(body).code == "schema_too_large"


def test_nested_deeper_than_can_be_written_again() -> None:
    inner = b"1"
    for _ in range(400):
        inner = b'{"a":' + inner + b"}"
    raw = b'{"messages": [{"role": "user", "content": "x", "extra": %b}]}' % inner
    request = ask(raw)
    assert isinstance(request, Request)
    refusal = fitted(request)
    assert isinstance(refusal, Refusal)
    assert refusal.code == "invalid_json"


def test_no_refusal_quotes_the_prompt() -> None:
    prompt = "my-secret-prompt"
    for body in (
        b'{"messages": "my-secret-prompt',
        orjson.dumps(chat(messages=prompt)),
        orjson.dumps(chat(messages=[{"role": prompt, "content": prompt}])),
        orjson.dumps(chat(stop={"a": prompt})),
        orjson.dumps(chat(response_format={"type": prompt})),
    ):
        assert prompt not in str(refused(body))


def test_a_request_never_shows_prompt_or_key() -> None:
    request = taken(
        chat(messages=[{"role": "user", "content": "my-secret-prompt"}]), headers={b"authorization": b"Bearer my-key"}
    )
    plan = planned(request)
    for shown in (repr(request), str(request), repr(plan), str(plan)):
        assert "my-secret-prompt" not in shown
        assert "my-key" not in shown


@pytest.mark.parametrize(
    ("stop", "kept"),
    [(None, ()), ("", ()), ("x", ("x",)), (["a", "b", "a", ""], ("a", "b")), ([], ()), (["\n"], ("\n",))],
)
def test_stop_sequences_have_one_form(stop: Any, kept: tuple[str, ...]) -> None:
    request = taken(chat(stop=stop))
    assert request.stop == kept
    assert request.body.get("stop", []) == list(kept)


def test_null_is_absent() -> None:
    request = taken(chat(temperature=None, stop=None, tools=None, foo=None, max_tokens=None, n=None))
    assert request.body == {"model": "chat", "messages": HELLO}
    assert request.warnings == ()


def test_unsupported_parameters_are_stripped_with_a_warning_or_refused() -> None:
    body = chat(store=True, metadata={"a": "b"}, priority=-5, kv_transfer_params={}, chat_template="{{ 1 }}")
    request = taken(body)
    assert request.body == {"model": "chat", "messages": HELLO}
    assert request.warnings == ("not supported, removed: store, metadata, priority, kv_transfer_params, chat_template",)
    refusal = refused(body, config=REFUSE)
    assert (refusal.code, refusal.param) == ("unsupported_parameter", "store")


def test_a_warning_is_fit_for_a_header() -> None:
    request = taken(chat(**{"evil\r\nset-cookie: x": 1, "ü": 2, **{f"p{n}": 1 for n in range(20)}}))
    assert request.warnings == ("not supported, removed: ?, ?, p0, p1, p2, p3, p4, p5 and 14 more",)
    for warning in planned(request).warnings:
        assert warning.isascii()
        assert warning.isprintable()


def test_a_model_may_take_further_parameters() -> None:
    config = snapshot({"models": {"small": {"parameters": ["special_sampler"]}}})
    assert "special_sampler" in taken(chat(model="gpt-4o-mini", special_sampler=1), config=config).body
    assert "special_sampler" not in taken(chat(special_sampler=1), config=config).body


@pytest.mark.parametrize(
    ("asked", "tokens", "granted", "clamped"),
    [
        (None, 10, 2000, False),  # the default is what the reservation can rely on
        (100, 10, 100, False),
        (2000, 10, 2000, False),
        (2001, 10, 2000, True),
        (10**7, 6000, 2000, True),
    ],
)
def test_completion_is_clamped(asked: int | None, tokens: int, granted: int, clamped: bool) -> None:  # noqa: FBT001
    plan = planned(taken(chat(max_tokens=asked)), tokens)
    assert (plan.max_tokens, plan.cost) == (granted, tokens + granted)
    assert orjson.loads(plan.body)["max_tokens"] == granted
    assert (f"max_tokens clamped to {granted}" in plan.warnings) is clamped


def test_prompt_and_completion_fit_the_context() -> None:
    config = snapshot({"models": {"chat": {"limits": {"contextTokens": 7000}}}})
    decision = Decision(model="chat", rule="asked", reason="")
    for tokens in (1, 4999, 5000, 5001, 6000):
        plan = fit(config, taken(chat()), decision, TokenCount(tokens, "exact", tokens))
        assert isinstance(plan, Plan)
        assert plan.max_tokens == min(2000, 7000 - tokens)


def test_a_prompt_that_is_too_long() -> None:
    refusal = fitted(taken(chat()), 6001)
    assert isinstance(refusal, Refusal)
    assert (refusal.status, refusal.code, refusal.param) == (400, "context_length_exceeded", "messages")
    assert "6001 tokens" in refusal.message
    estimated = fitted(taken(chat()), 6001, source="estimate")
    assert isinstance(estimated, Refusal)
    assert "about 6001" in estimated.message
    assert isinstance(fitted(taken(chat()), 6000), Plan)


@pytest.mark.parametrize(
    ("more", "param"),
    [({"n": 5}, "n"), ({"logprobs": True, "top_logprobs": 21}, "top_logprobs"), ({"stop": list("abcde")}, "stop"),
     ({"prompt_logprobs": 21}, "prompt_logprobs"), ({"top_logprobs": 3}, "top_logprobs")],
)  # fmt: skip
def test_bounds_of_the_model(more: dict[str, Any], param: str) -> None:
    refusal = fitted(taken(chat(**more)))
    assert isinstance(refusal, Refusal)
    assert (refusal.status, refusal.param) == (400, param)


def test_choices_and_prompts_multiply() -> None:
    request = taken({"prompt": ["a", "b"], "n": 2, "max_tokens": 10}, "completions")
    assert request.choices == 4
    assert planned(request, 7).cost == 7 + 4 * 10
    assert isinstance(fitted(taken({"prompt": ["a", "b", "c"], "n": 2}, "completions")), Refusal)


def test_body_for_the_engine() -> None:
    config = snapshot({"models": {"chat": {"servedName": "org/model"}}})
    request = taken(chat(stream=True, max_completion_tokens=5, max_tokens=9, min_tokens=8, user="u"))
    plan = fit(config, request, Decision(model="chat", rule="asked", reason=""), TokenCount(3, "exact", 3))
    assert isinstance(plan, Plan)
    assert orjson.loads(plan.body) == {
        "model": "org/model", "messages": HELLO, "stream": True, "max_tokens": 5, "min_tokens": 5, "user": "u",
        "stream_options": {"include_usage": True},
    }  # fmt: skip
    assert plan.hide_usage
    assert request.body["model"] == "chat", "a fallback starts from the same request"


@pytest.mark.parametrize(
    ("stream", "options", "wants", "hides"),
    [(True, None, False, True), (True, {"include_usage": True}, True, False), (True, {"include_usage": False}, False, True),
     (False, {"include_usage": True}, False, False), (None, None, False, False)],
)  # fmt: skip
def test_usage_in_the_stream(stream: bool | None, options: Any, wants: bool, hides: bool) -> None:  # noqa: FBT001
    request = taken(chat(stream=stream, stream_options=options))
    plan = planned(request)
    assert (request.wants_usage, plan.hide_usage) == (wants, hides)
    assert ("stream_options" in orjson.loads(plan.body)) is bool(stream)


def test_json_and_tools_are_noticed() -> None:
    tool = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
    schema = {
        "type": "json_schema",
        "json_schema": {"name": "x", "schema": {"type": "object", "properties": {"a": True}}},
    }
    assert not taken(chat()).requires_json
    assert taken(chat(response_format={"type": "json_object"})).requires_json
    assert taken(chat(response_format=schema)).requires_json
    assert not taken(chat(response_format={"type": "text"})).requires_json
    assert taken(chat(structured_outputs={"json": {"type": "object"}})).requires_json
    assert not taken(chat(structured_outputs={"regex": "a+"})).requires_json
    assert taken(chat(tools=[tool])).tools
    empty = taken(chat(tools=[], tool_choice="auto"))
    assert not empty.tools
    assert not {"tools", "tool_choice"} & empty.body.keys()


def test_class_quality_and_track_from_headers() -> None:
    request = taken(chat(), headers={b"x-llm-class": b"batch", b"x-llm-quality": b"80", b"x-llm-explain": b"1"})
    assert (request.klass, request.min_quality, request.explain) == ("batch", 80, True)
    assert planned(request).klass == "batch"
    config = snapshot({"models": {"chat": {"class": "batch"}}})
    plan = fit(
        config, taken(chat(), headers={b"x-llm-class": b"interactive"}), Decision(model="chat", rule="", reason=""),
        TokenCount(1, "exact", 1),
    )  # fmt: skip
    assert isinstance(plan, Plan)
    assert plan.klass == "batch", "nobody raises a batch model to interactive"
    for name, value in (
        (b"x-llm-class", b"vip"),
        (b"x-llm-quality", b"101"),
        (b"x-llm-quality", b"-1"),
        (b"x-llm-quality", b"9" * 99),
    ):
        assert refused(chat(), headers={name: value}).param == name.decode()


def test_only_some_tenants_pin_tracks() -> None:
    pinned = {b"x-llm-track": b"canary"}
    assert taken(chat(), headers=pinned, may_pin_track=True).track == "canary"
    request = taken(chat(), headers=pinned)
    assert request.track is None
    assert request.warnings == ("x-llm-track ignored: not allowed",)
    assert refused(chat(), headers={b"x-llm-track": b"../x"}, may_pin_track=True).param == "x-llm-track"


def test_a_conversation_keeps_its_digest_as_it_grows() -> None:
    first = [{"role": "system", "content": "be kind"}, {"role": "user", "content": "hello"}]
    later = [*first, {"role": "assistant", "content": "hi"}, {"role": "user", "content": "and now?"}]
    start = taken(chat(messages=first)).conversation
    assert start == taken(chat(messages=later)).conversation
    assert start != taken(chat(messages=later[1:])).conversation
    assert start != parse(STRIP, "chat", orjson.dumps(chat(messages=first)), {}, identity("other")).conversation  # type: ignore[union-attr]
    named = {b"x-llm-conversation": b"c1"}
    assert taken(chat(messages=first), headers=named).conversation == taken(chat(), headers=named).conversation != start


@pytest.mark.parametrize("prompt", ["a", ["a", "b"], [1, 2, 3], [[1], [2, 3]]])
def test_prompts_and_inputs(prompt: Any) -> None:
    assert taken({"prompt": prompt}, "completions").body["prompt"] == prompt
    assert taken({"model": "embed", "input": prompt}, "embeddings").body["input"] == prompt


@pytest.mark.parametrize("prompt", [1, [], [1, "a"], ["a", 1], [None], [[1], "a"], [-1], [[1.5]], {"a": 1}])
def test_prompts_and_inputs_that_are_none(prompt: Any) -> None:
    assert refused({"prompt": prompt}, "completions").param is not None
    assert refused({"input": prompt}, "embeddings").param is not None


def test_embeddings_complete_nothing() -> None:
    request = taken({"model": "embed", "input": ["a", "b"], "dimensions": 64}, "embeddings")
    plan = planned(request, 8, "embed")
    assert (plan.max_tokens, plan.cost) == (0, 8)
    assert orjson.loads(plan.body) == {"model": "embed", "input": ["a", "b"], "dimensions": 64}


def test_rerank() -> None:
    request = taken({"query": "q", "documents": ["a", "b"], "top_n": 1}, "rerank")
    assert request.text_bytes == 4
    assert refused({"documents": ["a"]}, "rerank").param == "query"
    assert refused({"query": "q"}, "rerank").param == "documents"
