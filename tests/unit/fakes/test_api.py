"""The HTTP surface: shapes of replies, streams and errors."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.fakes.harness import JSON_FORMAT, SCHEMA, TOOLS

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def engine(start: Callable[..., Any]) -> Any:
    return start("--enable-auto-tool-choice", "--tool-call-parser=hermes")


def test_small_endpoints(engine: Any):
    assert engine.get("/health") == (200, "")
    assert engine.get("/ping") == (200, "")
    assert json.loads(engine.get("/version")[1]) == {"version": "0.32.0"}
    assert json.loads(engine.get("/load")[1]) == {"server_load": 0}
    models = json.loads(engine.get("/v1/models")[1])["data"]
    assert [(card["id"], card["root"], card["max_model_len"]) for card in models] == [
        ("tiny", "org/model", 2048),
        ("alias", "org/model", 2048),
    ]
    status, counted = engine.post("/tokenize", prompt="Hello there, world")
    assert (status, counted["count"], counted["max_model_len"]) == (200, len(counted["tokens"]), 2048)


def test_chat_is_answered_under_the_first_name(engine: Any):
    status, reply = engine.chat(model="alias", max_tokens=5, ignore_eos=True)
    assert (status, reply["model"], reply["object"]) == (200, "tiny", "chat.completion")
    choice = reply["choices"][0]
    assert choice["finish_reason"] == "length"
    assert choice["message"]["content"]
    usage = reply["usage"]
    assert usage["completion_tokens"] == 5
    assert usage["total_tokens"] == usage["prompt_tokens"] + 5


def test_an_answer_ends_by_itself(engine: Any):
    reply = engine.chat()[1]
    assert reply["choices"][0]["finish_reason"] == "stop"
    assert 32 <= reply["usage"]["completion_tokens"] <= 96


def test_stop_strings_cut_and_are_named(engine: Any):
    choice = engine.chat(max_tokens=200, ignore_eos=True, stop=["the", "a"])[1]["choices"][0]
    assert choice["finish_reason"] == "stop"
    assert choice["stop_reason"] == "the"
    assert "the" not in choice["message"]["content"]


def test_streams_role_tokens_usage_and_done(engine: Any):
    events = engine.stream(max_tokens=3, ignore_eos=True, stream_options={"include_usage": True})
    assert events[-1] == "[DONE]"
    first, *tokens, usage = events[:-1]
    assert first["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert [chunk["choices"][0]["finish_reason"] for chunk in tokens] == [None, None, "length"]
    assert usage["choices"] == []
    assert usage["usage"]["completion_tokens"] == 3
    assert {chunk["object"] for chunk in events[:-1]} == {"chat.completion.chunk"}


def test_usage_in_a_stream_only_when_asked_or_forced(engine: Any, start: Callable[..., Any]):
    assert all("usage" not in event for event in engine.stream(max_tokens=2)[:-1])
    forced = start("--enable-force-include-usage").stream(max_tokens=2)
    assert forced[-2]["usage"]["completion_tokens"] == 2


def test_text_completions(engine: Any):
    status, reply = engine.post("/v1/completions", prompt="Once", max_tokens=2, ignore_eos=True)
    assert (status, reply["object"], reply["choices"][0]["finish_reason"]) == (200, "text_completion", "length")
    assert reply["choices"][0]["text"]


def test_json_fits_the_schema(engine: Any):
    said = json.loads(engine.chat(response_format=JSON_FORMAT)[1]["choices"][0]["message"]["content"])
    assert said.keys() == SCHEMA["properties"].keys()
    assert said["size"] in {"s", "l"}
    assert said["count"] == 3
    assert len(said["tags"]) == 2
    assert json.loads(engine.chat(response_format={"type": "json_object"})[1]["choices"][0]["message"]["content"])


def test_tools_are_called_whole_and_streamed(engine: Any):
    choice = engine.chat(tools=TOOLS)[1]["choices"][0]
    assert choice["finish_reason"] == "tool_calls"
    function = choice["message"]["tool_calls"][0]["function"]
    assert function["name"] == "look_up"
    assert json.loads(function["arguments"]).keys() == SCHEMA["properties"].keys()
    deltas = [event["choices"][0] for event in engine.stream(tools=TOOLS)[1:-1]]
    calls = [delta["delta"]["tool_calls"][0]["function"] for delta in deltas]
    assert calls[0]["name"] == "look_up"
    assert json.loads("".join(call["arguments"] for call in calls))
    assert deltas[-1]["finish_reason"] == "tool_calls"
    assert "tool_calls" not in engine.chat(tools=TOOLS, tool_choice="none")[1]["choices"][0]["message"]


def test_embeddings_only_from_a_pooling_engine(engine: Any, start: Callable[..., Any]):
    assert engine.post("/v1/embeddings", input="Hello")[0] == 404
    pooling = start("--runner=pooling")
    status, reply = pooling.post("/v1/embeddings", input=["Hello", "Hello", "World"])
    vectors = [one["embedding"] for one in reply["data"]]
    assert status == 200
    assert vectors[0] == vectors[1] != vectors[2]
    assert pooling.chat()[0] == 404


@pytest.mark.parametrize(
    ("path", "body", "status", "kind", "message"),
    [
        ("/v1/chat/completions", {"model": "x", "messages": [{"role": "user", "content": "a"}]}, 404, "NotFoundError",
         "The model `x` does not exist. Valid aliases: tiny, alias."),
        ("/v1/completions", {"prompt": "a", "max_tokens": 5000}, 400, "BadRequestError",
         "max_tokens=5000 cannot be greater than max_model_len=2048. Please request fewer output tokens. (parameter=max_tokens"),
        ("/v1/completions", {"prompt": "a", "max_tokens": 0}, 400, "BadRequestError",
         "max_tokens must be at least 1, got 0. (parameter=max_tokens, value=0)"),
        ("/v1/completions", {}, 400, "BadRequestError",
         "Either prompt or prompt_embeds must be provided and non-empty. (parameter=prompt)"),
        ("/v1/completions", {"prompt": "a " * 3000}, 400, "BadRequestError",
         "This model's maximum context length is 2048 tokens. However, your prompt contains"),
        ("/v1/chat/completions", {"messages": []}, 400, "BadRequestError",
         "Cannot apply chat template to an empty conversation. Provide at least one message."),
        ("/v1/chat/completions", {}, 400, "Bad Request",
         "1 validation error:\n  {'type': 'missing', 'loc': 'body.messages', 'msg': 'Field required', 'input': '<dict of 1 items>'}"),
    ],
)  # fmt: skip
def test_errors(engine: Any, path: str, body: Any, status: int, kind: str, message: str):
    got, reply = engine.post(path, **body)
    assert (got, reply["error"]["type"], reply["error"]["code"]) == (status, kind, status)
    assert reply["error"]["message"].startswith(message)


def test_what_is_no_route_is_answered_by_the_framework(engine: Any):
    assert engine.post("/v1/nothing") == (404, {"detail": "Not Found"})
    assert engine.post("/v1/models") == (405, {"detail": "Method Not Allowed"})
    assert engine.metric('http_requests_total{handler="none",method="POST",status="4xx"}') == 2


def test_auto_tools_need_their_flags(start: Callable[..., Any]):
    status, reply = start().chat(tools=TOOLS)
    assert status == 400
    assert reply["error"]["message"].startswith('"auto" tool choice requires --enable-auto-tool-choice')


def test_the_key_guards_v1_alone(start: Callable[..., Any]):
    engine = start("--api-key", "secret")
    assert engine.chat() == (401, {"error": "Unauthorized"})
    assert engine.get("/metrics")[0] == 200
    assert engine.post("/tokenize", prompt="open")[0] == 200
