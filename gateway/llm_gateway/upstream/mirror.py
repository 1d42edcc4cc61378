"""Copies of requests for a model's shadow revision: sent beside the original, read to the end, and thrown away.

A copy may be dropped at any point and is never waited for, so nothing that happens to it reaches the client. Whoever asked is not billed
for it: its tokens have a metric of their own.
"""

from __future__ import annotations

import asyncio
import hashlib
import math
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Literal, Protocol

from llm_gateway import metrics as names
from llm_gateway import quality
from llm_gateway.upstream import client
from llm_gateway.upstream.attempt import Answer, Attempt, Failure
from llm_gateway.upstream.response import BrokenError
from llm_gateway.upstream.sse import TAIL_BYTES, EventStream, Summary, summarize

if TYPE_CHECKING:
    from llm_gateway.config import Model, Snapshot
    from llm_gateway.logs import Events
    from llm_gateway.metrics import Metrics
    from llm_gateway.providers import Choice, Provider, Verdict
    from llm_gateway.types import Plan
    from llm_gateway.upstream.pool import Pool

SHADOW = "shadow"
SHADOW_HEADER = "x-llm-shadow"
MAX_BYTES = 1 << 20  # of a body that is copied: it stays in memory for as long as the copy runs
_GRAIN = 1 << 32
_PERCENT = 100

Outcome = Literal["ok", "refused", "failed", "timeout"]
Dropped = Literal["full", "no_backend", "too_large"]


class Host(Protocol):
    """What a mirror needs of the gateway; read anew for each copy, because a reload may replace it."""

    snapshot: Snapshot
    pool: Pool
    provider: Provider
    metrics: Metrics
    events: Events


class Mirror:
    """Decides which requests are copied, and runs the copies. The provider *istio* leaves that to Envoy."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._running: dict[str, set[asyncio.Task[None]]] = {}
        self.braked = False

    def running(self, model: str) -> int:
        """Copies of a model in flight."""
        return len(self._running.get(model, ()))

    def offer(self, model: Model, plan: Plan, request_id: str) -> None:
        """Copy the request if it is its turn. Never waits and never raises; what is not copied is counted."""
        if not self._wanted(model, plan, request_id):
            return
        copies = self._running.setdefault(model.name, set())
        dropped: Dropped | None = None
        choice: Choice | None = None
        if len(plan.body) > MAX_BYTES:
            dropped = "too_large"
        elif len(copies) >= self.bound(model):
            dropped = "full" if copies else "no_backend"
        else:
            choice = self._host.provider.pick(model, conversation=b"", pin=SHADOW, avoid=frozenset())
            dropped = "no_backend" if choice is None else None
        if choice is None:
            self._host.metrics.inc(names.MIRROR_DROPPED, model.name, dropped or "no_backend")
            return
        task = asyncio.get_running_loop().create_task(self._copy(model, plan, choice, request_id))
        copies.add(task)
        task.add_done_callback(copies.discard)

    def bound(self, model: Model) -> int:
        """Copies of a model at once: this gateway's share of what the ready shadow engines run."""
        revision = model.tracks.shadow
        if revision is None or revision not in model.revisions:
            return 0
        ready = self._host.provider.ready(model.name).get(revision, 0)
        return math.ceil(ready * model.revisions[revision].concurrency / max(1, self._host.provider.gateways()))

    async def close(self) -> None:
        """Cut what still runs."""
        tasks = [task for copies in self._running.values() for task in copies]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _wanted(self, model: Model, plan: Plan, request_id: str) -> bool:
        """By conversation, so that a shadow sees whole ones and its prefix cache works as stable's does; pinned requests are tests."""
        tracks = model.tracks
        if self.braked or not tracks.mirror_percent or tracks.shadow is None or plan.track is not None:
            return False
        if self._host.snapshot.provider.kind == "istio":
            return False
        told = plan.request.conversation or request_id.encode()
        digest = hashlib.blake2b(told, digest_size=4, key=b"mirror:" + model.name.encode()[:57]).digest()
        return int.from_bytes(digest) * _PERCENT < tracks.mirror_percent * _GRAIN

    async def _copy(self, model: Model, plan: Plan, choice: Choice, request_id: str) -> None:
        """One copy to its end, whatever that is."""
        began = time.perf_counter()
        attempt = Attempt()
        verdict: Verdict = "left"
        outcome: Outcome = "failed"
        summary: Summary | None = None
        collector = quality.collector(plan.request)
        try:
            async with asyncio.timeout(model.request_timeout_s):
                answer = await self._open(attempt, model, plan, choice, request_id)
                if isinstance(answer, Failure):
                    outcome, verdict = ("refused", "shed") if answer.reason == "shed" else ("failed", "failed")
                else:
                    summary = await _read(answer, choice, collector)
                    outcome, verdict = _judge(answer, summary)
        except TimeoutError:
            outcome, verdict = "timeout", "failed"
        except BrokenError:
            verdict = "failed"
        finally:
            attempt.close()
            self._host.provider.done(model, choice, verdict)
        if outcome == "ok" and summary is not None:
            judged = quality.judge(plan.request, collector.said()) if collector is not None else None
            quality.count(self._host.metrics, model.name, choice.revision, refused=summary.refused, judged=judged)
        self._say(model, choice, outcome, summary, request_id, time.perf_counter() - began)

    async def _open(
        self, attempt: Attempt, model: Model, plan: Plan, choice: Choice, request_id: str
    ) -> Answer | Failure:
        key = model.upstream.api_key
        marks = {**choice.headers, SHADOW_HEADER: "true"}
        target = client.target(choice.endpoint.url, plan.request.endpoint)
        # No trace context: the caller's trace tells of what the caller got.
        data = client.request(target, plan.body, f"{request_id}-{SHADOW}", key.reveal() if key else None, marks, {})
        return await attempt.open(self._host.pool, target, data, connect=model.connect_timeout_s, ttft=None)

    def _say(
        self, model: Model, choice: Choice, outcome: Outcome, summary: Summary | None, request_id: str, seconds: float
    ) -> None:
        host, revision = self._host, choice.revision or names.NONE
        host.metrics.inc(names.MIRRORED, model.name, revision, outcome)
        if summary is not None:
            for kind, count in (("prompt", summary.prompt_tokens), ("completion", summary.completion_tokens)):
                host.metrics.inc(names.MIRRORED_TOKENS, model.name, revision, kind, by=count or 0)
        host.events.say(
            "request_mirrored",
            request_id=request_id,
            model=model.name,
            revision=choice.revision,
            outcome=outcome,
            finish_reason=summary.finish_reason if summary else None,
            completion_tokens=summary.completion_tokens if summary else None,
            duration_ms=round(seconds * 1000, 2),
        )


async def _read(answer: Answer, choice: Choice, collector: quality.Collector | None) -> Summary:
    """Read to the end, keeping what the end says. Raises what the connection raises."""
    events, tail, part = EventStream(hide_usage=False), b"", answer.first
    while part:
        if answer.streaming:
            whole = events.feed(part)
            if collector is not None:
                collector.events(whole)
        else:
            tail = (tail + part)[-TAIL_BYTES:] if answer.more else part
        choice.endpoint.progress = time.monotonic()
        part = await answer.response.read() if answer.more else b""
    if collector is not None and answer.streaming:
        collector.events(events.rest())
    elif collector is not None and answer.more:
        collector.lose()
    elif collector is not None:
        collector.whole(tail)
    return events.summary() if answer.streaming else summarize(tail)


def _judge(answer: Answer, summary: Summary) -> tuple[Outcome, Verdict]:
    if answer.status >= HTTPStatus.BAD_REQUEST:
        return "refused", "ok"
    return ("ok", "ok") if summary.complete and not summary.failed else ("failed", "failed")
