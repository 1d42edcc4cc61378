"""The three POST endpoints, in the order of cost: size, key, body, policy, limits, queue, engine."""

from __future__ import annotations

import asyncio
import itertools
import os
import re
from typing import TYPE_CHECKING

from llm_gateway import auth
from llm_gateway import metrics as names
from llm_gateway.decisions import decide
from llm_gateway.logs import Record
from llm_gateway.server import errors
from llm_gateway.server.attempts import obtain
from llm_gateway.server.exchange import Exchange
from llm_gateway.server.incoming import ClientLeftError, Incoming
from llm_gateway.server.interrupt import Interrupt
from llm_gateway.server.relay import relay
from llm_gateway.server.reply import Reply
from llm_gateway.types import Endpoint, Headers, Identity, Refusal

if TYPE_CHECKING:
    from llm_gateway.server.gateway import Gateway

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_OWN = os.urandom(8).hex()  # of this process; a number makes it a request's
_numbers = itertools.count()


async def generate(gateway: Gateway, endpoint: Endpoint, request: Incoming, reply: Reply) -> None:
    """Serve one request to its end; every way out is logged and counted."""
    ticket = _new_id()
    record = Record(given_id(request.headers) or f"req-{ticket}", endpoint)
    reply.extra = b"x-request-id: %b\r\n" % record.request_id.encode()
    x = Exchange(gateway, record, reply, request.headers, ticket=ticket)
    interrupt = Interrupt(request.task)
    gateway.open += 1
    try:
        refusal = await _serve(x, endpoint, request, interrupt)
        if refusal is not None:
            _refuse(x, refusal)
    except ClientLeftError:
        x.ended("client_cancel", verdict="left")
    except asyncio.CancelledError:
        if not interrupt.caught():
            x.ended("upstream_error", error="gateway_stopped", verdict="left")
            raise
        _interrupted(x, interrupt)
    except Exception as error:  # noqa: BLE001 -- the last resort: said, counted, and the process lives on
        gateway.events.say("internal_error", request_id=record.request_id, error=type(error).__name__, at=_where(error))
        _refuse(x, errors.INTERNAL)
    finally:
        interrupt.close()
        gateway.open -= 1
        await x.close()


async def _serve(x: Exchange, endpoint: Endpoint, request: Incoming, interrupt: Interrupt) -> Refusal | None:
    """Every step may refuse; the first refusal ends it."""
    settings = x.snapshot.server
    identity = await authenticate(x.gateway, x.headers)
    if isinstance(identity, Refusal):
        return identity
    x.take_identity(identity)
    if request.complete:
        body = await request.read(settings.max_body_bytes)
    else:
        timer = interrupt.deadline(settings.body_timeout_s, "slow_body")
        body = await request.read(settings.max_body_bytes)
        timer.cancel()
    if isinstance(body, Refusal):
        return body
    plan = await decide(x.snapshot, x.counters, identity, endpoint, x.headers, body)
    if isinstance(plan, Refusal):
        return plan
    x.take_plan(plan)
    x.gateway.metrics.inc(names.DEMAND, plan.model)
    grant = await x.gateway.store.reserve(identity, plan.model, plan.cost, request_id=x.ticket)
    if isinstance(grant, Refusal):
        return grant
    x.grant = grant
    interrupt.watch(request)
    interrupt.deadline(x.model.request_timeout_s, "total")
    answer = await obtain(x)
    if isinstance(answer, Refusal):
        return answer
    await relay(x, answer, interrupt)
    return None


async def authenticate(gateway: Gateway, headers: Headers) -> Identity | Refusal:
    """Who asks, by key or by token."""
    if gateway.verifier is not None and auth.looks_like_jwt(headers):
        return await gateway.verifier.authenticate(gateway.snapshot, headers)
    return auth.authenticate(gateway.snapshot, headers)


def request_id(headers: Headers) -> str:
    """The client's own id where it is a plain one, else a new one."""
    return given_id(headers) or f"req-{_new_id()}"


def given_id(headers: Headers) -> str | None:
    """The client's own id, where it is a plain one."""
    given = headers.get(b"x-request-id")
    return given.decode() if given is not None and _REQUEST_ID.fullmatch(given) else None


def _new_id() -> str:
    return f"{_OWN}{next(_numbers):08x}"


def _refuse(x: Exchange, refusal: Refusal) -> None:
    x.refused(refusal)
    if not x.reply.started:
        x.dress()
    x.reply.refuse(refusal)


def _interrupted(x: Exchange, interrupt: Interrupt) -> None:
    """The client left, or a deadline passed."""
    if x.events is not None and x.summary is None:
        x.summary = x.events.summary()
    if interrupt.reason in {"client_left", "slow_reader"}:
        x.ended("client_cancel", error="slow_reader" if interrupt.reason == "slow_reader" else None, verdict="left")
        if interrupt.reason == "slow_reader":
            x.reply.abort()
        return
    if interrupt.reason == "slow_body":
        _refuse(x, errors.SLOW_BODY)
        return
    refusal = errors.TOTAL_TIMEOUT if interrupt.reason == "total" else errors.IDLE_TIMEOUT
    x.ended("timeout_total", error=refusal.code, verdict="failed")
    if not x.reply.started:
        x.dress()
    x.reply.refuse(refusal)
    if not x.reply.ended:
        x.reply.abort()


def _where(error: BaseException) -> str:
    """File and line of an error, without its text: that may quote the request."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace is not None else "unknown"
