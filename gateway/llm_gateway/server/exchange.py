"""One request and all that it holds: reservation, slot, connection. Whatever happens, `close` gives them back."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from llm_gateway import metrics as names
from llm_gateway.config import Model
from llm_gateway.logs import Outcome, Record
from llm_gateway.providers import Choice, Verdict
from llm_gateway.quality import Collector, Judged
from llm_gateway.server.reply import Reply
from llm_gateway.types import Grant, Headers, Identity, Plan, Refusal, Slot
from llm_gateway.upstream.attempt import Attempt
from llm_gateway.upstream.sse import EventStream, Summary

if TYPE_CHECKING:
    from llm_gateway.server.gateway import Gateway

CLIENT_LEFT = 499  # nginx's status for a client that closed the connection; nobody receives it


class Exchange:
    """One request in flight. It keeps the snapshot it began with, so that a reload changes nothing midway.

    ticket: what the store of limits knows it by. Not the request id, which a client may choose, and use twice at once.
    """

    __slots__ = (
        "attempt", "choice", "collector", "counters", "events", "gateway", "grant", "headers", "identity", "judged", "model",
        "plan", "record", "reply", "slot", "snapshot", "summary", "ticket", "verdict",
    )  # fmt: skip

    def __init__(self, gateway: Gateway, record: Record, reply: Reply, headers: Headers, *, ticket: str) -> None:
        self.gateway = gateway
        self.ticket = ticket
        self.snapshot = gateway.snapshot
        self.counters = gateway.counters
        self.record = record
        self.reply = reply
        self.headers = headers
        self.identity: Identity | None = None
        self.plan: Plan | None = None
        self.model: Model  # the one that answers, once there is a plan
        self.grant: Grant | None = None
        self.slot: Slot | None = None
        self.attempt: Attempt | None = None
        self.choice: Choice | None = None
        self.verdict: Verdict = "failed"
        self.events: EventStream | None = None
        self.summary: Summary | None = None
        self.collector: Collector | None = None  # where the request demanded a form
        self.judged: Judged | None = None

    @property
    def decided(self) -> Plan:
        """The plan, once there is one."""
        if self.plan is None:
            raise RuntimeError("no plan yet")
        return self.plan

    @property
    def known(self) -> Identity:
        """The identity, once it is known."""
        if self.identity is None:
            raise RuntimeError("no identity yet")
        return self.identity

    def take_identity(self, identity: Identity) -> None:
        """Note who asks."""
        self.identity = identity
        self.record.tenant = identity.tenant.name
        self.record.tier = identity.tenant.tier
        self.record.key = identity.key.name

    def take_plan(self, plan: Plan) -> None:
        """Note what is to be done."""
        self.plan = plan
        self.model = self.snapshot.models[plan.decision.model]
        record = self.record
        record.cls = plan.klass
        record.model_asked = plan.request.asked
        record.model = plan.model
        record.rule = plan.decision.rule
        record.decision = plan.decision.reason
        record.stream = plan.request.stream
        record.prompt_tokens = plan.tokens.tokens
        record.prompt_tokens_source = plan.tokens.source
        record.max_tokens = plan.max_tokens

    def admitted(self) -> None:
        """Say that the engine is called now."""
        if self.slot is not None:
            self.record.queue_seconds = self.slot.waited
            self.gateway.metrics.observe(names.QUEUE_WAIT, self.slot.waited, self.decided.model, self.decided.klass)
        self.gateway.events.write(self.record.admitted())

    def first_byte(self) -> None:
        """Note the time to first token."""
        self.record.ttft = time.perf_counter() - self.record.started
        if self.record.stream:
            self.gateway.metrics.observe(names.TTFT, self.record.ttft, self.decided.model, self.decided.klass)

    def dress(self) -> None:
        """Put our own headers on the response, just before it begins."""
        plan, reply = self.plan, self.reply
        if self.grant is not None:
            reply.extra += self.grant.lines
        if plan is None:
            return
        warnings = plan.warnings or plan.request.warnings
        if warnings:
            reply.add({"x-llm-warning": "; ".join(warnings)})
        if self.record.fallback_from is not None:
            reply.add({"x-llm-fallback": plan.model})
        if plan.request.explain:
            record = self.record
            reply.add({"x-llm-decision": f"model={plan.model}; rule={record.rule}; reason={record.decision}; "
                                         f"revision={record.revision or 'unknown'}; attempts={record.attempts}"})  # fmt: skip

    def ended(self, outcome: Outcome, *, error: str | None = None, verdict: Verdict = "ok") -> None:
        """Note how it ended."""
        self.record.outcome = outcome
        self.record.error_code = error
        self.verdict = verdict

    def refused(self, refusal: Refusal) -> None:
        """Note an error of ours as the end."""
        record = self.record
        record.outcome = "upstream_error" if refusal.outcome == "no_backend" else refusal.outcome
        record.error_code = refusal.code
        if self.choice is None and refusal.outcome not in {"upstream_error", "timeout_ttft", "timeout_total"}:
            model = record.model or names.NONE
            self.gateway.metrics.inc(names.REJECTIONS, self.gateway.metrics.tenant(record.tenant), model, refusal.code)

    def used(self) -> int:
        """Tokens to bill: what the engine counted, else the prompt and the events that went by. 0 where no engine answered."""
        plan, summary = self.plan, self.summary
        if plan is None or (summary is None and self.choice is None):
            return 0
        if summary is not None and (summary.prompt_tokens is not None or summary.completion_tokens is not None):
            return (summary.prompt_tokens or 0) + (summary.completion_tokens or 0)
        if self.events is not None:
            return plan.tokens.tokens + max(0, self.events.events - 1)  # the first event carries the role
        if summary is not None:
            return plan.cost  # an answer that says nothing about its size
        return plan.tokens.tokens if self.verdict == "left" else 0

    def leave_endpoint(self, verdict: Verdict) -> None:
        """End the attempt: abort what still runs, and say how it went."""
        if self.attempt is not None:
            self.attempt.close()
            self.attempt = None
        if self.choice is not None:
            ttft = self.record.ttft if verdict == "ok" and self.record.stream else None
            self.gateway.provider.done(self.model, self.choice, verdict, ttft)
            self.choice = None

    async def close(self) -> None:
        """Give everything back and write the end."""
        used = self.used()
        answered = self.choice is not None and self.summary is not None
        self.leave_endpoint(self.verdict)
        if self.slot is not None:
            self.slot.release()
            self.slot = None
        record = self.record
        record.duration = time.perf_counter() - record.started
        record.status = self.reply.status or (CLIENT_LEFT if record.outcome == "client_cancel" else 0)
        if self.summary is not None:
            record.finish_reason = self.summary.finish_reason
            record.completion_tokens = self.summary.completion_tokens
            if record.completion_tokens is None and self.events is not None:
                record.completion_tokens = max(0, self.events.events - 1)
        if self.judged is not None:
            record.structured, record.structured_fault = self.judged.result, self.judged.why
        self.gateway.count(self, answered=answered)
        self.gateway.events.write(record.finished())
        grant, self.grant = self.grant, None
        if grant is not None:
            await self.gateway.store.settle(grant, used)
