"""What a client asked for is judged beside the answer: counted by revision, in the log, and never in the client's way."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from tests.gateway.wire.lab import (
    DONE,
    SSE_HEAD,
    Lab,
    Mock,
    Script,
    Seen,
    chunk,
    either,
    prompt,
    running,
    settings,
    token,
    whole,
)
from tests.gateway.wire.test_kubernetes import until
from tests.gateway.wire.test_mirror import MIRRORED, shadowed

STRUCTURED = 'llm_gateway_structured_answers_total{kind="%s",model="chat",result="%s",revision="%s"}'
ANSWERS = 'llm_gateway_answers_total{model="chat",revision="%s"}'
REFUSALS = 'llm_gateway_refusals_total{model="chat",revision="%s"}'
JSON: dict[str, Any] = {"response_format": {"type": "json_object"}}


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log"


def says(text: str, finish: str = "stop", *, step: int = 3, **message: Any) -> Script:
    """An engine that says this, streamed or whole, as it is asked."""

    async def script(seen: Seen, writer: asyncio.StreamWriter) -> None:
        if not seen.body.get("stream"):
            said = {"role": "assistant", "content": text, **message}
            choices = [{"index": 0, "finish_reason": finish, "message": said}]
            await whole(value={"id": "1", "object": "chat.completion", "choices": choices})(seen, writer)
            return
        parts = [text[at : at + step] for at in range(0, len(text), step)]
        data = b"".join(token(part) for part in parts) + token("", finish) + DONE
        writer.write(SSE_HEAD)
        for at in range(0, len(data), 97):  # no read ends where an event does
            writer.write(chunk(data[at : at + 97]))
            await writer.drain()
            await asyncio.sleep(0)
        writer.write(b"0\r\n\r\n")

    return script


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("text", "finish", "result", "fault"),
    [
        ('{"a": [1, 2, 3]}', "stop", "valid", None),
        ('{"a": [1, 2, 3}', "stop", "invalid", "not_json"),
        ('{"a": [1, 2', "length", "truncated", None),
        (json.dumps({"a": "x" * (64 << 10)}), "stop", "unchecked", None),
    ],
)
def test_a_verdict_is_counted_and_logged(
    log: Path, *, stream: bool, text: str, finish: str, result: str, fault: str | None
) -> None:
    async def main() -> None:
        script = says(text, finish, step=1000 if len(text) > 99 else 3)
        async with Mock(script) as engine, running(settings(engine.url), log) as lab:
            got = await lab.ask(prompt(stream=stream, **JSON))
            (end,) = await lab.finished()
            assert (end["structured"], end.get("structured_fault"), end["outcome"]) == (result, fault, "ok")
            assert lab.metric(STRUCTURED % ("json", result, "v1")) == 1
            assert lab.metric(ANSWERS % "v1") == 1
            assert heard(got.body, stream=stream) == text, "the client has what the engine said"
            assert text[:9] not in lab.log, "no answer in a log"

    asyncio.run(main())


def heard(body: bytes, *, stream: bool) -> str:
    if not stream:
        return str(json.loads(body)["choices"][0]["message"]["content"])
    events = [json.loads(part[6:]) for part in body.split(b"\n\n") if part.startswith(b"data: {")]
    return "".join(choice["delta"]["content"] for event in events for choice in event["choices"])


def test_who_demands_nothing_is_not_judged(log: Path) -> None:
    async def main() -> None:
        async with Mock(either) as engine, running(settings(engine.url), log) as lab:
            for body in (prompt(), prompt(stream=True), prompt(response_format={"type": "text"})):
                assert (await lab.ask(body)).status == 200
            assert not any("structured" in end for end in await lab.finished(3))
            assert lab.metric(ANSWERS % "v1") == 3
            assert total(lab) == 0

    asyncio.run(main())


def total(lab: Lab) -> float:
    lines = lab.gateway.scrape().decode().splitlines()
    return sum(
        float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith("llm_gateway_structured_answers_total{")
    )


def test_failures_and_errors_are_no_answers(log: Path) -> None:
    async def main() -> None:
        for script in (whole(400, {"error": {"message": "no"}}), says("{", "abort")):
            async with Mock(script) as engine, running(settings(engine.url), log) as lab:
                await lab.ask(prompt(**JSON))
                await asyncio.sleep(0.02)
                assert total(lab) == lab.metric(ANSWERS % "v1") == 0

    asyncio.run(main())


@pytest.mark.parametrize("stream", [False, True])
def test_refusals_are_counted(log: Path, *, stream: bool) -> None:
    async def main() -> None:
        async with Mock(says("I", "content_filter")) as engine, running(settings(engine.url), log) as lab:
            for more in (dict[str, Any](), JSON):
                await lab.ask(prompt(stream=stream, **more))
            await lab.finished(2)
            assert lab.metric(REFUSALS % "v1") == 2
            assert total(lab) == 0, "a refusal is no broken JSON"

    asyncio.run(main())


def test_counters_begin_at_nothing(log: Path) -> None:
    """A counter that appears with its first event has no rate until the second."""

    async def main() -> None:
        tracks = {"stable": {"revision": "v1", "weight": 50}, "canary": {"revision": "v2", "weight": 50}}
        async with Mock(either) as engine:
            document = settings(engine.url, revisions={"v1": {}, "v2": {}}, tracks=tracks)
            async with running(document, log) as lab:
                page = lab.gateway.scrape().decode()
                for revision in ("v1", "v2"):
                    for kind in ("json", "tools"):
                        assert (STRUCTURED % (kind, "invalid", revision)) + " 0.0" in page
                    assert (REFUSALS % revision) + " 0.0" in page

    asyncio.run(main())


def test_each_revision_has_its_own_count(log: Path) -> None:
    """With fixed URLs too: a canary needs no Kubernetes."""

    async def main() -> None:
        tracks = {"stable": {"revision": "v1", "weight": 50}, "canary": {"revision": "v2", "weight": 50}}
        async with Mock(says("{}")) as good, Mock(says("{")) as bad:
            document = settings(good.url, revisions={"v1": {}, "v2": {"urls": [bad.url + "/"]}}, tracks=tracks)
            async with running(document, log) as lab:
                for number in range(40):
                    await lab.ask(prompt(f"conversation {number}", **JSON))
                await lab.finished(40)
                one, two = (lab.metric(ANSWERS % revision) for revision in ("v1", "v2"))
                assert one + two == 40
                assert min(one, two) > 5
                assert lab.metric(STRUCTURED % ("json", "valid", "v1")) == one
                assert lab.metric(STRUCTURED % ("json", "invalid", "v2")) == two
                assert len(bad.seen) == two

    asyncio.run(main())


def test_a_shadow_is_judged_by_its_copies(log: Path) -> None:
    async def main() -> None:
        async with Mock(says("{}")) as stable, Mock(says("{")) as shadow, shadowed(log, stable, shadow) as (lab, _):
            for stream in (False, True):
                assert (await lab.ask(prompt(stream=stream, **JSON))).status == 200
            await until(lambda: lab.metric(MIRRORED % "ok") == 2)
            assert lab.metric(STRUCTURED % ("json", "valid", "v1")) == 2
            assert lab.metric(STRUCTURED % ("json", "invalid", "v2")) == 2

    asyncio.run(main())
