"""From a body to a plan: parse, count, route, count anew where another tokenizer answers, fit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llm_gateway.routing import asked_model, needs_tokens, route
from llm_gateway.types import Decision, Endpoint, Headers, Identity, Plan, Refusal, TokenCount
from llm_gateway.validation import fit, parse

if TYPE_CHECKING:
    from llm_gateway.config.snapshot import Snapshot
    from llm_gateway.tokens import Counters


async def decide(
    snapshot: Snapshot, counters: Counters, identity: Identity, endpoint: Endpoint, headers: Headers, body: bytes
) -> Plan | Refusal:
    """Everything that is decided before limits and the queue; the same for the same input."""
    request = parse(snapshot, endpoint, body, headers, identity)
    if isinstance(request, Refusal):
        return request
    asked = asked_model(snapshot, request) if needs_tokens(snapshot) else None
    first: TokenCount | Refusal | None = None
    if asked is not None and identity.tenant.may_use(asked.name):
        first = await counters.count(asked.name, request)
    if isinstance(first, Refusal):
        return first
    decision = route(snapshot, identity, request, first)
    if isinstance(decision, Refusal):
        return decision
    if first is not None and asked is not None and counters.alike(asked.name, decision.model):
        return fit(snapshot, request, decision, first)
    counted = await counters.count(decision.model, request)
    return counted if isinstance(counted, Refusal) else fit(snapshot, request, decision, counted)


async def refit(
    snapshot: Snapshot, counters: Counters, plan: Plan, model: str, rule: str = "fallback"
) -> Plan | Refusal:
    """The same request for another model: counted with its tokenizer, clamped to its limits, rendered for its engines."""
    alike = counters.alike(plan.model, model)
    counted = plan.tokens if alike else await counters.count(model, plan.request)
    if isinstance(counted, Refusal):
        return counted
    decision = Decision(model=model, rule=rule, reason=f"{rule} from {plan.model}")
    return fit(snapshot, plan.request, decision, counted)
