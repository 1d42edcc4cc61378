"""Which model answers: the first rule that holds, else what was asked for, else the default. Total and deterministic."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llm_gateway.types import Decision, Identity, Refusal, Request, TokenCount

if TYPE_CHECKING:
    from llm_gateway.config.snapshot import Model, Routing, Rule, Snapshot

_KINDS = {"chat": "generate", "completions": "generate", "embeddings": "embed", "rerank": "rerank"}


def asked_model(snapshot: Snapshot, request: Request) -> Model | None:
    """Model that the request names, itself or by an alias; the default where it names none; None where there is none."""
    routing = snapshot.routing
    name = request.asked if request.asked is not None else routing.default
    if name is None:
        return None
    return snapshot.models.get(routing.aliases.get(name, name))


def needs_tokens(snapshot: Snapshot) -> bool:
    """Whether any rule asks how long the prompt is."""
    return any(rule.needs_tokens for rule in snapshot.routing.rules)


def route(snapshot: Snapshot, identity: Identity, request: Request, tokens: TokenCount | None) -> Decision | Refusal:
    """Exactly one answer, the same for the same input. ``tokens`` may be None where `needs_tokens` is False.

    A model that does not exist, or not for this tenant, is one and the same 404 for a name the client chose, so that names
    cannot be found out by trying. A rule never lends a tenant a model it may not use: it is passed over.
    """
    asked = asked_model(snapshot, request)
    if request.asked is not None and (asked is None or not identity.tenant.may_use(asked.name)):
        return _no_such_model(request.asked)
    kind = _KINDS[request.endpoint]
    for rule in snapshot.routing.rules:
        target = snapshot.models[rule.model]
        if (
            target.kind == kind
            and identity.tenant.may_use(target.name)
            and holds(rule, snapshot.routing, identity, request, tokens)
        ):
            return Decision(model=target.name, rule=rule.name, reason=f"rule {rule.name}")
    if asked is None:
        return Refusal(
            status=400, code="model_required", message="The request names no model, and there is no default.",
            param="model", outcome="validation",
        )  # fmt: skip
    if not identity.tenant.may_use(asked.name):  # the default, which this tenant may not use
        return _no_such_model(asked.name)
    if asked.kind != kind:
        return Refusal(
            status=400, code="wrong_endpoint", message=f"Model {asked.name!r} does not serve this endpoint.",
            param="model", outcome="validation",
        )  # fmt: skip
    return _plain(request, asked)


def holds(rule: Rule, routing: Routing, identity: Identity, request: Request, tokens: TokenCount | None) -> bool:
    """Whether every condition of the rule holds."""
    tenant = identity.tenant
    return (
        (rule.tier is None or rule.tier == tenant.tier)
        and (rule.tenant is None or rule.tenant == tenant.name)
        and (rule.asked is None or _names(rule.asked, routing, request.asked))
        and (rule.klass is None or rule.klass == request.klass)
        and (rule.requires_json is None or rule.requires_json == request.requires_json)
        and (rule.tools is None or rule.tools == request.tools)
        and (rule.min_quality is None or (request.min_quality is not None and request.min_quality >= rule.min_quality))
        and all(request.headers.get(name) == value for name, value in rule.headers)
        and (not rule.needs_tokens or (tokens is not None and _within(rule, tokens.tokens)))
    )


def visible_models(snapshot: Snapshot, identity: Identity) -> list[str]:
    """Names the tenant may ask for, models first, then aliases."""
    may_use = identity.tenant.may_use
    aliases = snapshot.routing.aliases
    return [
        *(name for name in snapshot.models if may_use(name)),
        *(alias for alias, target in aliases.items() if may_use(target)),
    ]


def _names(wanted: str, routing: Routing, asked: str | None) -> bool:
    """Whether what was asked for is ``wanted``, itself or, where that is a model, by one of its aliases."""
    if asked is None:
        asked = routing.default
    return asked == wanted or (asked is not None and routing.aliases.get(asked) == wanted)


def _within(rule: Rule, tokens: int) -> bool:
    return (rule.min_tokens or 0) <= tokens and (rule.max_tokens is None or tokens <= rule.max_tokens)


def _plain(request: Request, model: Model) -> Decision:
    if request.asked is None:
        return Decision(model=model.name, rule="default", reason="no model named")
    if request.asked != model.name:
        return Decision(model=model.name, rule="alias", reason="alias of the model")
    return Decision(model=model.name, rule="asked", reason="model named")


def _no_such_model(name: str) -> Refusal:
    return Refusal(
        status=404, code="model_not_found", message=f"The model {name[:100]!r} does not exist or you may not use it.",
        param="model", outcome="validation",
    )  # fmt: skip
