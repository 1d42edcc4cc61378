"""The way from a body to a plan, whole."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import orjson
import pytest
from tests.gateway.policy.conftest import identity, snapshot
from tests.gateway.policy.test_tokens import CHATML, train

from llm_gateway import tokens
from llm_gateway.decisions import decide, refit
from llm_gateway.types import Plan, Refusal

LONG = {"rules": {"long": {"order": 1, "when": {"promptTokens": {"min": 50}}, "model": "small"}}}


class Counting:
    """Counters that note which models were counted for."""

    def __init__(self, counters: tokens.Counters) -> None:
        self.counters = counters
        self.asked: list[str] = []

    async def count(self, model: str, request: Any) -> Any:
        self.asked.append(model)
        return await self.counters.count(model, request)

    def alike(self, one: str, other: str) -> bool:
        return self.counters.alike(one, other)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    one, other = tmp_path_factory.mktemp("one"), tmp_path_factory.mktemp("other")
    return train(one, CHATML), train(other, CHATML, bos=True)


def world(routing: dict[str, Any] | None, chat: Path | None, small: Path | None) -> tuple[Any, Counting]:
    models = {
        name: {"tokenizer": {"path": str(folder)}}
        for name, folder in (("chat", chat), ("small", small))
        if folder is not None
    }
    config = snapshot({"models": models, "routing": routing or {}})
    return config, Counting(tokens.build(config))


def run(config: Any, counters: Any, text: str, **more: Any) -> Plan | Refusal:
    body = orjson.dumps({"messages": [{"role": "user", "content": text}], **more})
    return asyncio.run(decide(config, counters, identity(), "chat", {}, body))


def planned(answer: Plan | Refusal) -> Plan:
    assert isinstance(answer, Plan), answer
    return answer


def test_without_rules_on_length_a_prompt_is_counted_once_with_the_tokenizer_that_answers(
    folders: tuple[Path, Path],
) -> None:
    config, counters = world(None, *folders)
    plan = planned(run(config, counters, "hello", model="gpt-4o-mini"))
    assert (plan.model, plan.decision.rule, plan.tokens.source) == ("small", "alias", "exact")
    assert counters.asked == ["small"]


def test_rules_on_length_count_with_the_tokenizer_that_was_asked_for(folders: tuple[Path, Path]) -> None:
    config, counters = world(LONG, *folders)
    assert planned(run(config, counters, "hello")).model == "chat"
    assert counters.asked == ["chat"], "not counted twice for one model"
    plan = planned(run(config, counters, "word " * 100))
    assert (plan.model, plan.decision.rule) == ("small", "long")
    assert counters.asked == ["chat", "chat", "small"], "counted anew where another tokenizer answers"
    assert plan.max_tokens == config.models["small"].max_completion_tokens


def test_models_that_share_a_tokenizer_are_counted_once(folders: tuple[Path, Path]) -> None:
    config, counters = world(LONG, folders[0], folders[0])
    assert planned(run(config, counters, "word " * 100)).model == "small"
    assert counters.asked == ["chat"]


def test_a_fallback_is_rendered_counted_and_clamped_anew(folders: tuple[Path, Path]) -> None:
    config, counters = world(None, *folders)
    plan = planned(run(config, counters, "hello", max_tokens=1500))
    again = planned(asyncio.run(refit(config, counters, plan, "small")))
    assert (plan.max_tokens, again.max_tokens) == (1500, 500)
    assert (again.decision.rule, again.model) == ("fallback", "small")
    assert orjson.loads(again.body)["model"] == "small"
    assert counters.asked == ["chat", "small"]
    long = planned(run(config, counters, "word " * 1500))
    refusal = asyncio.run(refit(config, counters, long, "small"))
    assert isinstance(refusal, Refusal)
    assert refusal.code == "context_length_exceeded"


def test_the_same_input_gives_the_same_plan(folders: tuple[Path, Path]) -> None:
    config, counters = world(LONG, *folders)
    first, second = (planned(run(config, counters, "hello " * 30, temperature=0.5)) for _ in range(2))
    assert (first.body, first.decision, first.cost) == (second.body, second.decision, second.cost)


def test_refusals_on_the_way() -> None:
    config, counters = world(LONG, None, None)
    for more, code in (
        ({"model": "nope"}, "model_not_found"),
        ({"n": 0}, "out_of_range"),
        ({"model": "embed"}, "wrong_endpoint"),
    ):
        answer = run(config, counters, "hello", **more)
        assert isinstance(answer, Refusal)
        assert answer.code == code
