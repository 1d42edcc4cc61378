"""Whatever bytes come, there is exactly one answer, and a body that goes on to an engine is within every bound.

corpus/ holds bodies that once mattered: each is replayed as it is, and mutated. A new finding is saved there.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.gateway.policy.conftest import identity, snapshot
from tests.gateway.policy.test_tokens import CHATML, train

from llm_gateway import tokens
from llm_gateway.decisions import decide, refit
from llm_gateway.types import Endpoint, Plan, Refusal
from llm_gateway.validation.parameters import PARAMETERS

CORPUS = Path(__file__).parent / "corpus"
EXPECTED: dict[str, str] = json.loads((CORPUS / "expected.json").read_text())
BODIES = {name: (CORPUS / name).read_bytes() for name in EXPECTED}
ENDPOINTS: tuple[Endpoint, ...] = ("chat", "completions", "embeddings", "rerank")
NEVER_SENT = {
    "priority",
    "request_id",
    "kv_transfer_params",
    "chat_template",
    "vllm_xargs",
    "use_beam_search",
    "best_of",
}

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20)
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)
messages = st.lists(
    st.fixed_dictionaries(
        {
            "role": st.sampled_from(["system", "user", "assistant", "tool", "developer"]) | anything,
            "content": st.text(max_size=60) | anything,
        },
        optional={"tool_calls": anything, "name": anything, "tool_call_id": anything, "reasoning": anything},
    ),
    max_size=4,
)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, tokens.Counters]:
    folder = train(tmp_path_factory.mktemp("tokenizer"), CHATML)
    config = snapshot({"models": {"chat": {"tokenizer": {"path": str(folder)}}}})
    return config, tokens.build(config)


def answer(world: tuple[Any, tokens.Counters], endpoint: Endpoint, body: bytes) -> Plan | Refusal:
    config, counters = world
    given_ = asyncio.run(decide(config, counters, identity(), endpoint, {}, body))
    check(config, given_)
    if isinstance(given_, Plan) and given_.model == "chat":
        check(config, asyncio.run(refit(config, counters, given_, "small")))
    return given_


def check(config: Any, given_: Plan | Refusal) -> None:
    if isinstance(given_, Refusal):
        assert given_.status in (400, 404)
        assert given_.outcome == "validation"
        assert given_.code
        assert given_.message
        return
    model = config.models[given_.model]
    sent = orjson.loads(given_.body)
    assert sent["model"] == model.served_name
    assert not NEVER_SENT & sent.keys()
    assert sent.keys() <= {*PARAMETERS[given_.request.endpoint], "max_tokens"}
    assert 0 <= given_.tokens.longest <= model.max_prompt_tokens
    if model.kind == "generate":
        assert sent["max_tokens"] == given_.max_tokens <= model.max_completion_tokens
        assert given_.tokens.longest + given_.max_tokens <= model.context_tokens
        assert sent.get("min_tokens", 0) <= sent["max_tokens"]
        assert len(sent.get("stop", [])) <= model.max_stop_sequences
    assert given_.cost == given_.tokens.tokens + given_.request.choices * given_.max_tokens
    for warning in given_.warnings:
        assert warning.isascii()
        assert warning.isprintable()


@pytest.mark.parametrize("name", BODIES)
def test_saved_bodies(world: tuple[Any, tokens.Counters], name: str) -> None:
    given_ = answer(world, "chat", BODIES[name])
    assert ("ok" if isinstance(given_, Plan) else given_.code) == EXPECTED[name]
    for endpoint in ENDPOINTS[1:]:
        answer(world, endpoint, BODIES[name])


def test_every_file_of_the_corpus_is_replayed() -> None:
    assert {file.name for file in CORPUS.iterdir()} == {*EXPECTED, "expected.json"}


@settings(max_examples=300, deadline=None)
@given(
    name=st.sampled_from(sorted(BODIES)),
    endpoint=st.sampled_from(ENDPOINTS),
    cuts=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 12), st.binary(max_size=6)), max_size=4),
)
def test_mutated_bodies(
    world: tuple[Any, tokens.Counters], name: str, endpoint: Endpoint, cuts: list[tuple[float, int, bytes]]
) -> None:
    body = BODIES[name]
    for place, length, insert in cuts:
        at = int(place * len(body))
        body = body[:at] + insert + body[at + length :]
    answer(world, endpoint, body)


@settings(max_examples=300, deadline=None)
@given(data=st.data(), endpoint=st.sampled_from(ENDPOINTS))
def test_known_parameters_with_any_value(
    world: tuple[Any, tokens.Counters], data: st.DataObject, endpoint: Endpoint
) -> None:
    names = [*PARAMETERS[endpoint], "unknown"]
    body = data.draw(st.dictionaries(st.sampled_from(names), anything, max_size=5))
    if data.draw(st.booleans()):
        body |= {"messages": data.draw(messages), "prompt": "a", "input": ["a"], "query": "q", "documents": ["d"]}
        body.pop("model", None)
    try:
        raw = orjson.dumps(body)
    except TypeError:  # an integer that JSON of this library cannot hold
        raw = json.dumps(body).encode()
    answer(world, endpoint, raw)


@settings(max_examples=100, deadline=None)
@given(raw=st.binary(max_size=200), endpoint=st.sampled_from(ENDPOINTS))
def test_noise(world: tuple[Any, tokens.Counters], raw: bytes, endpoint: Endpoint) -> None:
    answer(world, endpoint, raw)
