"""From a reservation to the first byte: a slot, an endpoint, one retry pinned to stable, then the fallback chain."""

from __future__ import annotations

import time
from http import HTTPStatus

from llm_gateway import metrics as names
from llm_gateway.decisions import refit
from llm_gateway.providers import Endpoint
from llm_gateway.server.exchange import Exchange
from llm_gateway.types import Refusal
from llm_gateway.upstream import client
from llm_gateway.upstream.attempt import Answer, Attempt, Failure

STABLE = "stable"


async def obtain(x: Exchange) -> Answer | Refusal:
    """An answer's first byte, or why there is none. Holds slot and endpoint of the answer afterwards."""
    budget = x.gateway.budgets.of(x.decided.model)
    budget.request()
    refusal = await _acquire(x, wait=True)
    if refusal is not None:
        return await _fall_back(x, refusal, "no_backend") if refusal.outcome == "no_backend" else refusal
    x.admitted()
    if x.model.tracks.mirror_percent:
        x.gateway.mirror.offer(x.model, x.decided, x.record.request_id)
    tried: set[Endpoint] = set()
    found = await _try(x, x.decided.track, tried)
    if isinstance(found, Failure) and found.reason == "shed":
        found = await _requeue(x, found, tried)
    if isinstance(found, Failure) and found.retry and _allowed(x):
        x.gateway.metrics.inc(names.RETRIES, x.decided.model, found.reason)
        found = await _try(x, STABLE, tried)
    if isinstance(found, Answer):
        return found
    return await _fall_back(x, found.refusal, found.reason) if found.retry else found.refusal


async def _acquire(x: Exchange, *, wait: bool) -> Refusal | None:
    """Take a slot for the plan's model; without waiting where the queue is not for it."""
    model = x.model
    deadline = time.monotonic() + (model.queue_timeout_s if wait else 0.0)
    slot = await x.gateway.controller.acquire(model.name, x.known, x.decided.klass, deadline)
    if isinstance(slot, Refusal):
        return slot
    x.slot = slot
    return None


async def _requeue(x: Exchange, failure: Failure, tried: set[Endpoint]) -> Answer | Failure:
    """An engine that is full means that our count of slots is ahead of it: once more through the queue, never to another model."""
    _release(x)
    refusal = await _acquire(x, wait=True)
    if refusal is not None:
        return Failure("shed", refusal, retry=False)
    x.gateway.metrics.inc(names.RETRIES, x.decided.model, failure.reason)
    return await _try(x, x.decided.track, tried)


async def _try(x: Exchange, pin: str | None, tried: set[Endpoint]) -> Answer | Failure:
    """One attempt at the plan's model, on an endpoint that was not tried yet where there is one."""
    plan, model, provider = x.decided, x.model, x.gateway.provider
    choice = provider.pick(model, conversation=plan.request.conversation, pin=pin, avoid=tried)
    if choice is None:
        again = model.cold_start_s
        refusal = Refusal(
            status=503, code="no_backend", message="No engine is ready.", outcome="no_backend", retry_after=again
        )
        return Failure("connect", refusal, retry=True)
    x.choice = choice
    tried.add(choice.endpoint)
    record = x.record
    record.attempts += 1
    record.revision, record.track = choice.revision, choice.track
    attempt = x.attempt = Attempt()
    key = model.upstream.api_key
    target = client.target(choice.endpoint.url, plan.request.endpoint)
    x.verdict = "left"  # if the client leaves while we wait, nobody knows how the engine would have done
    found = await attempt.open(
        x.gateway.pool,
        target,
        client.request(target, plan.body, record.request_id, key.reveal() if key else None, choice.headers, x.headers),
        connect=model.connect_timeout_s,
        ttft=model.ttft_timeout_s if plan.request.stream else None,
    )
    if isinstance(found, Failure):
        x.leave_endpoint("shed" if found.reason == "shed" else "failed")
    else:
        choice.endpoint.progress = time.monotonic()
        record.revision = record.revision or found.revision
    return found


async def _fall_back(x: Exchange, refusal: Refusal, reason: str) -> Answer | Refusal:
    """Ask the models of the chain, each once and without queueing; the first refusal stands where none answers."""
    first = x.decided
    _release(x)
    for name in x.model.fallback:
        if not x.known.tenant.may_use(name):
            continue
        if x.record.attempts and not _allowed(x, first.model):  # a first attempt repeats nothing
            break
        if not await _move(x, name):
            continue
        x.record.fallback_from = first.model
        x.admitted()
        found = await _try(x, None, set())
        if isinstance(found, Answer) and found.status < HTTPStatus.BAD_REQUEST:
            x.gateway.metrics.inc(names.FALLBACKS, first.model, name, reason)
            return found
        x.leave_endpoint("ok")
        _release(x)
    x.take_plan(first)  # the refusal is that of the model which was asked, and counts there
    x.record.fallback_from = None
    return refusal


async def _move(x: Exchange, name: str) -> bool:
    """Fit the request to another model, with a reservation and a slot of its own; False where any of it is refused."""
    plan = await refit(x.snapshot, x.counters, x.decided, name, rule="fallback")
    if isinstance(plan, Refusal):
        return False
    store = x.gateway.store
    if x.grant is not None:
        await store.settle(x.grant, 0)
        x.grant = None
    grant = await store.reserve(x.known, name, plan.cost, request_id=f"{x.ticket}.{name}")
    if isinstance(grant, Refusal):
        return False
    x.grant = grant
    x.take_plan(plan)
    return await _acquire(x, wait=False) is None


def _allowed(x: Exchange, model: str | None = None) -> bool:
    """Take one retry from the budget of the model that was decided on first."""
    name = model or x.decided.model
    if x.gateway.budgets.of(name).take():
        return True
    x.gateway.metrics.inc(names.RETRY_BUDGET_EMPTY, name)
    return False


def _release(x: Exchange) -> None:
    if x.slot is not None:
        x.slot.release()
        x.slot = None
