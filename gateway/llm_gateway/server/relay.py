"""From the first byte to the last: bytes as they come, deadlines by one timer, and an error that is said where it happens."""

from __future__ import annotations

import time
from http import HTTPStatus

from llm_gateway import quality
from llm_gateway.server import errors
from llm_gateway.server.exchange import Exchange
from llm_gateway.server.interrupt import Interrupt, Pulse
from llm_gateway.upstream.attempt import Answer
from llm_gateway.upstream.response import BrokenError
from llm_gateway.upstream.sse import TAIL_BYTES, EventStream, summarize

_BAD_REQUEST = 400  # HTTPStatus.BAD_REQUEST, without the enumeration's cost on every request
ABORTED = "abort"  # vLLM's finish_reason for an answer that its shutdown cut, told as HTTP 200


async def relay(x: Exchange, answer: Answer, interrupt: Interrupt) -> None:
    """Send the whole answer to the client."""
    x.first_byte()
    x.dress()
    x.verdict = "left"
    x.collector = quality.collector(x.decided.request)
    if answer.retry_after is not None:
        x.reply.add({"retry-after": answer.retry_after})
    if not answer.more:
        x.summary = summarize(answer.first)
        x.reply.whole(answer.status, answer.first, answer.kind)
        if x.collector is not None:
            x.collector.whole(answer.first)
        _judge(x, answer)
        return
    pulse = Pulse(interrupt, idle=x.model.idle_timeout_s, write=x.snapshot.server.write_timeout_s)

    def pressed(behind: bool) -> None:  # noqa: FBT001 -- a callback with one meaning
        pulse.writing, pulse.since = behind, time.monotonic()
        if behind:
            answer.response.pause()
        else:
            answer.response.resume()

    x.reply.on_pressure(pressed)
    try:
        if answer.streaming:
            await _stream(x, answer, pulse)
        else:
            await _long(x, answer, pulse)
    finally:
        pulse.close()


async def _stream(x: Exchange, answer: Answer, pulse: Pulse) -> None:
    """Events, whole and untouched."""
    events = x.events = EventStream(hide_usage=x.decided.hide_usage)
    reply, endpoint, feed = x.reply, x.choice.endpoint if x.choice else None, events.feed
    collect = x.collector.events if x.collector is not None else None

    def pass_on(chunk: bytes) -> None:
        out = feed(chunk)
        if out:
            reply.part(out)
            if collect is not None:
                collect(out)
        if not pulse.writing:
            pulse.since = time.monotonic()
        if endpoint is not None:
            endpoint.progress = pulse.since

    reply.begin(answer.status, answer.kind, None, streaming=True)
    pass_on(answer.first)
    try:
        await answer.response.flow(pass_on)
    except BrokenError:
        _broken(x, events)
        return
    await reply.room()
    x.summary = summary = events.summary()
    if not summary.complete and not summary.failed:
        _broken(x, events)
        return
    rest = events.rest()
    reply.part(rest)
    reply.end()
    if collect is not None:
        collect(rest)
    _judge(x, answer)


def _broken(x: Exchange, events: EventStream) -> None:
    """The engine died within its stream: say so, without the [DONE] that would make it look complete."""
    x.summary = events.summary()
    x.ended("upstream_error", error=errors.BROKEN.code, verdict="failed")
    x.reply.refuse(errors.BROKEN)


async def _long(x: Exchange, answer: Answer, pulse: Pulse) -> None:
    """A body that is no stream and too long to collect. Its tail says the usage; a break in it can only cut the connection."""
    reply, tail = x.reply, b""

    def pass_on(chunk: bytes) -> None:
        nonlocal tail
        tail = (tail + chunk)[-TAIL_BYTES:]
        reply.part(chunk)
        if not pulse.writing:
            pulse.since = time.monotonic()

    reply.begin(answer.status, answer.kind, answer.length, streaming=False)
    pass_on(answer.first)
    try:
        await answer.response.flow(pass_on)
    except BrokenError:
        x.ended("upstream_error", error=errors.BROKEN.code, verdict="failed")
        reply.abort()
        return
    await reply.room()
    x.summary = summarize(tail)
    reply.end()
    if x.collector is not None:
        x.collector.lose()
    _judge(x, answer)


def _judge(x: Exchange, answer: Answer) -> None:
    """What a complete answer means for the log and the endpoint."""
    summary = x.summary
    if answer.status >= _BAD_REQUEST:
        limited = answer.status == HTTPStatus.TOO_MANY_REQUESTS
        x.ended("rate_limited" if limited else "validation", error=f"upstream_{answer.status}")
    elif summary is not None and summary.failed:
        x.ended("upstream_error", error="engine_error", verdict="failed")
    elif summary is not None and summary.finish_reason == ABORTED:
        x.ended("upstream_error", error="aborted", verdict="failed")
    else:
        x.ended("ok")
        if x.collector is not None:
            x.judged = quality.judge(x.decided.request, x.collector.said())
