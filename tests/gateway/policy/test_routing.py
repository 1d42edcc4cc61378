"""Every request gets exactly one answer, the same for the same input, and never a model its tenant may not use."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.gateway.policy.conftest import BASE, identity, snapshot

from llm_gateway import routing
from llm_gateway.types import Decision, Endpoint, Refusal, Request, TokenCount

NAMES = ["chat", "small", "embed", "gpt-4o-mini"]
MODELS = ["chat", "small", "embed"]
TENANTS = ["acme", "other"]
ENDPOINTS: list[Endpoint] = ["chat", "completions", "embeddings", "rerank"]


def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


single_conditions = {
    "tier": st.sampled_from(["premium", "standard"]),
    "tenant": st.sampled_from(TENANTS),
    "headers": st.just({"X-Quality": "high"}),
    "model": st.sampled_from(NAMES),
    "class": st.sampled_from(["interactive", "batch"]),
    "requiresJson": st.booleans(),
    "tools": st.booleans(),
    "minQuality": st.integers(0, 100),
    "promptTokens": st.builds(
        lambda low, more: {"min": low, "max": low + more + 1}, st.integers(0, 50), st.integers(0, 50)
    ),
}
# One or two conditions a rule: with more, hardly any rule would ever hold.
conditions = st.lists(st.sampled_from(sorted(single_conditions)), min_size=1, max_size=2, unique=True).flatmap(
    lambda names: st.fixed_dictionaries({name: single_conditions[name] for name in names})
)
rules = st.lists(st.tuples(conditions, st.sampled_from(MODELS)), max_size=6)
requests = st.builds(
    Request,
    endpoint=st.sampled_from(ENDPOINTS),
    asked=maybe(st.sampled_from([*NAMES, "nowhere"])),
    body=st.just({}),
    requires_json=st.booleans(),
    tools=st.booleans(),
    klass=maybe(st.sampled_from(["interactive", "batch"])),
    min_quality=maybe(st.integers(0, 100)),
    headers=st.sampled_from([{}, {b"x-quality": b"high"}, {b"x-quality": b"low"}]),
)


def configured(
    given_rules: list[tuple[dict[str, Any], str]], order: list[int] | None = None, *, default: bool = True
) -> Any:
    order = order or list(range(len(given_rules)))
    named = {
        f"r{index}": {"order": order[index], "when": when, "model": model}
        for index, (when, model) in enumerate(given_rules)
    }
    return snapshot({"routing": {"default": "chat" if default else None, "rules": named}})


def simple(conditions_: dict[str, Any], request: Request, tier: str, tenant: str, tokens: int) -> bool:
    """The conditions, told a second time."""
    alias = {"gpt-4o-mini": "small"}
    asked = request.asked or "chat"
    checks = {
        "tier": lambda value: value == tier,
        "tenant": lambda value: value == tenant,
        "headers": lambda value: all(
            request.headers.get(key.lower().encode()) == text.encode() for key, text in value.items()
        ),
        "model": lambda value: value in (asked, alias.get(asked)),
        "class": lambda value: value == request.klass,
        "requiresJson": lambda value: value is request.requires_json,
        "tools": lambda value: value is request.tools,
        "minQuality": lambda value: (request.min_quality if request.min_quality is not None else -1) >= value,
        "promptTokens": lambda value: value["min"] <= tokens <= value["max"],
    }
    return all(checks[name](value) for name, value in conditions_.items())


@settings(max_examples=400, deadline=None)
@given(given_rules=rules, request=requests, tenant=st.sampled_from(TENANTS), tokens=st.integers(0, 120),
       allowed=maybe(st.frozensets(st.sampled_from(MODELS), min_size=1)))  # fmt: skip
def test_total_deterministic_and_as_the_rules_say(
    given_rules: list[tuple[dict[str, Any], str]],
    request: Request,
    tenant: str,
    tokens: int,
    allowed: frozenset[str] | None,
) -> None:
    config = configured(given_rules)
    tier = config.tenants[tenant].tier
    who = identity(tenant, tier=tier, models=allowed)
    counted = TokenCount(tokens, "exact", tokens)
    answer = routing.route(config, who, request, counted)
    assert answer == routing.route(config, who, request, counted)
    asked = {"gpt-4o-mini": "small"}.get(request.asked or "chat", request.asked or "chat")
    if request.asked is not None and (asked not in MODELS or not who.tenant.may_use(asked)):
        assert isinstance(answer, Refusal)
        assert (answer.status, answer.code) == (404, "model_not_found")
        return
    kind = {"chat": "generate", "completions": "generate", "embeddings": "embed", "rerank": "rerank"}[request.endpoint]
    for index, (when, model) in enumerate(given_rules):
        if (
            config.models[model].kind == kind and who.tenant.may_use(model)
            and simple(when, request, tier, tenant, tokens)
        ):  # fmt: skip
            assert isinstance(answer, Decision)
            assert (answer.model, answer.rule) == (model, f"r{index}")
            return
    if config.models[asked].kind == kind and who.tenant.may_use(asked):
        assert isinstance(answer, Decision)
        assert (answer.model, answer.rule) == (asked, {None: "default", asked: "asked"}.get(request.asked, "alias"))
    else:
        assert isinstance(answer, Refusal)
        assert answer.status in (400, 404)


@settings(max_examples=100, deadline=None)
@given(given_rules=rules, request=requests, data=st.data())
def test_order_decides_and_not_the_place_in_the_file(
    given_rules: list[tuple[dict[str, Any], str]], request: Request, data: st.DataObject
) -> None:
    order = data.draw(st.permutations(range(len(given_rules))))
    tokens = TokenCount(10, "exact", 10)
    shuffled = routing.route(configured(given_rules, list(order)), identity(), request, tokens)
    by_order = [rule for _, rule in sorted(zip(order, given_rules, strict=True), key=lambda pair: pair[0])]
    in_place = routing.route(configured(by_order), identity(), request, tokens)
    assert type(shuffled) is type(in_place)
    if isinstance(shuffled, Decision) and isinstance(in_place, Decision):
        assert shuffled.model == in_place.model


def test_no_model_named_and_no_default() -> None:
    answer = routing.route(
        configured([], default=False), identity(), Request(endpoint="chat", asked=None, body={}), None
    )
    assert isinstance(answer, Refusal)
    assert (answer.status, answer.code, answer.param) == (400, "model_required", "model")


def test_wrong_endpoint() -> None:
    answer = routing.route(snapshot(), identity(), Request(endpoint="embeddings", asked="chat", body={}), None)
    assert isinstance(answer, Refusal)
    assert (answer.status, answer.code) == (400, "wrong_endpoint")


def test_a_forbidden_model_looks_like_one_that_is_not_there() -> None:
    who = identity(models=frozenset({"small"}))
    forbidden = routing.route(snapshot(), who, Request(endpoint="chat", asked="chat", body={}), None)
    missing = routing.route(snapshot(), who, Request(endpoint="chat", asked="tahc", body={}), None)
    assert isinstance(forbidden, Refusal)
    assert isinstance(missing, Refusal)
    assert forbidden.message.replace("chat", "tahc") == missing.message
    assert (forbidden.status, forbidden.code) == (missing.status, missing.code)


@pytest.mark.parametrize(
    ("models", "names"),
    [(None, ["chat", "small", "embed", "gpt-4o-mini"]), ({"small"}, ["small", "gpt-4o-mini"]), ({"chat"}, ["chat"])],
)
def test_visible_models(models: set[str] | None, names: list[str]) -> None:
    who = identity(models=frozenset(models) if models else None)
    assert routing.visible_models(snapshot(), who) == names


def test_the_base_configuration_is_what_the_tests_think() -> None:
    assert list(BASE["models"]) == MODELS
    assert BASE["routing"] == {"default": "chat", "aliases": {"gpt-4o-mini": "small"}}


def one_rule(when: dict[str, Any], model: str = "small") -> Any:
    return configured([(when, model)])


def chosen(config: Any, request: Request, tokens: int = 10, **who: Any) -> str:
    answer = routing.route(config, identity(**who), request, TokenCount(tokens, "exact", tokens))
    assert isinstance(answer, Decision), answer
    return answer.model


def test_a_rule_lends_no_model() -> None:
    config = one_rule({"tools": False})
    plain = Request(endpoint="chat", asked="chat", body={})
    assert chosen(config, plain) == "small"
    assert chosen(config, plain, models=frozenset({"chat"})) == "chat"


@pytest.mark.parametrize(("asked", "model"), [(None, "chat"), (79, "chat"), (80, "small"), (81, "small")])
def test_least_quality_is_inclusive(asked: int | None, model: str) -> None:
    assert (
        chosen(one_rule({"minQuality": 80}), Request(endpoint="chat", asked="chat", body={}, min_quality=asked))
        == model
    )


@pytest.mark.parametrize(("tokens", "model"), [(9, "chat"), (10, "small"), (20, "small"), (21, "chat")])
def test_bounds_on_tokens_are_inclusive(tokens: int, model: str) -> None:
    assert (
        chosen(
            one_rule({"promptTokens": {"min": 10, "max": 20}}), Request(endpoint="chat", asked=None, body={}), tokens
        )
        == model
    )


def test_a_rule_for_a_model_holds_for_its_aliases_and_for_the_default() -> None:
    by_model, by_alias = one_rule({"model": "small"}, "chat"), one_rule({"model": "gpt-4o-mini"}, "chat")
    for asked, expected in (("small", ("chat", "small")), ("gpt-4o-mini", ("chat", "chat"))):
        request = Request(endpoint="chat", asked=asked, body={})
        assert (chosen(by_model, request), chosen(by_alias, request)) == expected
    assert chosen(one_rule({"model": "chat"}), Request(endpoint="chat", asked=None, body={})) == "small"
