"""Bytes of a stream, under any chunking."""

from __future__ import annotations

import json

from hypothesis import example, given
from hypothesis import strategies as st

from llm_gateway.upstream.sse import HELD_BYTES, EventStream, summarize

USAGE = {"prompt_tokens": 7, "total_tokens": 12, "completion_tokens": 5}
HEAD = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "model": "m"}
DONE = b"data: [DONE]\n\n"

# Text that tries to look like what the scanner looks for.
hostile = st.one_of(
    st.text(max_size=40),
    st.sampled_from(['"usage":{"prompt_tokens":1}', "\n\ndata: [DONE]\n\n", '"finish_reason":"stop"', "\r\n\r\n", '{"choices":[],"usage":{}}']),
)  # fmt: skip
separator = st.sampled_from([b"\n\n", b"\r\n\r\n", b"\r\r"])


def event(value: object, end: bytes = b"\n\n", *, space: bool = True, ascii_only: bool = False) -> bytes:
    return (b"data: " if space else b"data:") + json.dumps(value, ensure_ascii=ascii_only).encode() + end


@st.composite
def delta(draw: st.DrawFn) -> bytes:
    value: dict[str, object] = HEAD | {
        "choices": [{"index": 0, "delta": {"content": draw(hostile)}, "finish_reason": None}]
    }
    if draw(st.booleans()):
        value["usage"] = draw(st.sampled_from([None, USAGE]))  # OpenAI's null, and vLLM's continuous_usage_stats
    prefix = draw(st.sampled_from([b"", b": a comment\n", b"event: message\n", b"id: 4\n"]))
    return prefix + event(value, draw(separator), space=draw(st.booleans()), ascii_only=draw(st.booleans()))


@st.composite
def chunked(draw: st.DrawFn, data: bytes) -> list[bytes]:
    cuts = sorted(set(draw(st.lists(st.integers(1, max(1, len(data) - 1)), max_size=30))))
    return [part for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True) if (part := data[start:end])]


def passed(chunks: list[bytes], *, hide: bool) -> tuple[bytes, EventStream]:
    stream = EventStream(hide_usage=hide)
    out = b"".join(stream.feed(chunk) for chunk in chunks) + stream.rest()
    return out, stream


@given(st.lists(delta(), max_size=8), st.data())
@example([], None)
def test_bytes_pass_unchanged_but_for_the_usage_event_nobody_asked_for(
    events: list[bytes], data: st.DataObject | None
) -> None:
    usage = event(HEAD | {"choices": [], "usage": USAGE})
    whole = b"".join(events) + usage + DONE
    chunks = data.draw(chunked(whole)) if data else [whole]
    out, stream = passed(chunks, hide=True)
    assert out == b"".join(events) + DONE
    assert (stream.summary().prompt_tokens, stream.summary().completion_tokens) == (7, 5)
    out, stream = passed(chunks, hide=False)
    assert out == whole
    assert stream.summary().complete


@given(st.binary(max_size=400), st.data())
def test_anything_passes_unchanged_to_a_client_that_asked_for_usage(blob: bytes, data: st.DataObject) -> None:
    assert passed(data.draw(chunked(blob)), hide=False)[0] == blob


@given(st.lists(delta(), min_size=1, max_size=5), st.data())
def test_what_leaves_ends_where_an_event_ends(events: list[bytes], data: st.DataObject) -> None:
    """So that an error of ours can follow at any time."""
    whole = b"".join(events)
    stream = EventStream(hide_usage=data.draw(st.booleans()))
    sent = b""
    for chunk in data.draw(chunked(whole)):
        sent += stream.feed(chunk)
        ends = [b"".join(events[:count]) for count in range(len(events) + 1)]
        # "\r\n\r\n" may be seen as an end one byte early only by a scanner that takes "\n\r\n" for one.
        assert sent in ends


def test_events_are_not_held_back_when_chunks_are_whole() -> None:
    stream = EventStream(hide_usage=True)
    one = event(HEAD | {"choices": [{"delta": {"content": "x"}}]})
    assert stream.feed(one) is one


def test_an_endless_event_is_passed_on_rather_than_kept() -> None:
    stream = EventStream(hide_usage=True)
    part = b"x" * 65536
    fed = b"".join([part] * 40)
    out = b"".join(stream.feed(part) for _ in range(40))
    assert len(fed) - len(out) <= HELD_BYTES
    assert out + stream.rest() == fed


def test_the_tail_is_all_that_is_kept() -> None:
    stream = EventStream(hide_usage=False)
    one = event(HEAD | {"choices": [{"delta": {"content": "word " * 20}}]})
    for _ in range(10_000):
        stream.feed(one)
    assert sum(map(len, stream._tail)) < 3 * 8192
    assert stream.events == 10_000


def test_the_summary_reads_reasons_errors_and_their_absence() -> None:
    aborted = event(HEAD | {"choices": [{"delta": {}, "finish_reason": "abort"}]}) + DONE
    assert passed([aborted], hide=True)[1].summary().finish_reason == "abort"
    failed = event({"error": {"message": "boom", "code": 500}}) + DONE
    assert passed([failed], hide=True)[1].summary().failed
    cut = event(
        HEAD | {"choices": [{"delta": {"content": 'it said "finish_reason":"stop" and [DONE]'}, "finish_reason": None}]}
    )
    summary = passed([cut], hide=True)[1].summary()
    assert (summary.complete, summary.failed, summary.finish_reason) == (False, False, None)


def test_a_whole_answer_is_summarized_without_building_it() -> None:
    body = {"choices": [{"finish_reason": "length", "message": {"content": "x"}}], "usage": USAGE}
    summary = summarize(json.dumps(body).encode())
    assert (summary.prompt_tokens, summary.completion_tokens, summary.finish_reason) == (7, 5, "length")
    assert summarize(b'{"data":[],"usage":{"prompt_tokens":3,"total_tokens":3}}').prompt_tokens == 3
    for broken in (b"", b"\xff\xfe", b"[1]", b'{"usage":4}', b'{"choices":null'):
        assert summarize(broken).prompt_tokens is None
