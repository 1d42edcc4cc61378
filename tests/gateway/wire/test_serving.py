"""What a client sees: answers, errors, paths, models, and what the log and the metrics say about it."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import pytest
from tests.gateway.wire.lab import (
    DONE,
    KEY,
    SECRET_PROMPT,
    USAGE_EVENT,
    Client,
    Mock,
    either,
    event,
    prompt,
    raw,
    running,
    settings,
    stream,
    tokens,
    whole,
)  # fmt: skip

from llm_gateway import logs


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log"


def test_a_stream_passes_byte_for_byte_but_for_the_usage_nobody_asked_for(log: Path) -> None:
    async def main() -> None:
        async with Mock(stream(5)) as engine, running(settings(engine.url), log) as lab:
            got = await lab.ask(prompt(stream=True))
            assert (got.status, got.body) == (200, b"".join(tokens(5)) + DONE)
            assert got.headers["content-type"] == "text/event-stream; charset=utf-8"
            asked = await lab.ask(prompt(stream=True, stream_options={"include_usage": True}))
            assert asked.body == b"".join(tokens(5)) + USAGE_EVENT + DONE
            ends = await lab.finished(2)
            assert [(end["outcome"], end["completion_tokens"], end["finish_reason"]) for end in ends] == [
                ("ok", 3, "stop")
            ] * 2

    asyncio.run(main())


def test_a_whole_answer_passes_byte_for_byte(log: Path) -> None:
    async def main() -> None:
        async with Mock(either) as engine, running(settings(engine.url), log) as lab:
            got = await lab.ask()
            assert got.status == 200
            assert got.json()["choices"][0]["message"]["content"] == "hi"
            long = whole(
                value={"choices": [{"finish_reason": "stop"}], "data": "x" * 3_000_000, "usage": {"prompt_tokens": 1}}
            )
            engine.script = long
            got = await lab.ask()
            assert len(got.body) > 3_000_000
            assert got.whole
            assert got.json()["usage"] == {"prompt_tokens": 1}

    asyncio.run(main())


def test_an_engine_is_told_nothing_but_what_it_needs(log: Path) -> None:
    async def main() -> None:
        async with Mock(either) as engine, running(settings(engine.url), log) as lab:
            trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
            got = await lab.ask(
                cookie="a=b", x_tenant="root", x_llm_track="canary", traceparent=trace, x_request_id="abc-1"
            )
            assert got.headers["x-request-id"] == "abc-1"
            seen = engine.seen[0].headers
            assert set(seen) == {
                "host", "content-type", "content-length", "accept-encoding", "x-request-id", "x-llm-track", "traceparent",
            }  # fmt: skip
            assert (seen["x-llm-track"], seen["x-request-id"]) == ("stable", "abc-1")
            assert (await lab.ask(x_request_id="no good\t")).headers["x-request-id"].startswith("req-")

    asyncio.run(main())


def test_requests_of_one_id_are_counted_each_and_given_back(log: Path) -> None:
    """A client may send its own id twice at once, by mistake, or to get around a limit or block another's."""

    async def main() -> None:
        async with Mock(whole(after=0.2)) as engine:
            document = settings(engine.url)
            document["tenants"]["acme"]["limits"] = {"concurrentRequests": 2, "tokensPerDay": 1_000_000}
            async with running(document, log) as lab:
                for _ in range(2):
                    together = await asyncio.gather(*(lab.ask(x_request_id="abc-1") for _ in range(4)))
                    assert sorted(got.status for got in together) == [200, 200, 429, 429]
                    assert {got.headers["x-request-id"] for got in together} == {"abc-1"}
                await lab.finished(8)
                assert lab.gateway.store.usage("acme")["tenant.concurrentRequests"] == 0
                assert (await lab.ask()).status == 200

    asyncio.run(main())


def test_paths_that_do_not_exist_are_404_and_reach_no_engine(log: Path) -> None:
    async def main() -> None:
        async with Mock(either) as engine, running(settings(engine.url), log) as lab:
            for path in (
                "/",
                "/metrics",
                "/health",
                "/v1/chat/completions/",
                "/v1/files",
                "/invocations",
                "/v1//chat/completions",
                "/tokenize",
            ):
                got = await lab.ask(path=path)
                assert (got.status, got.error["code"]) == (404, "not_found"), path
            got = await lab.ask(method="GET", body=b"")
            assert (got.status, got.headers["allow"]) == (405, "POST")
            assert engine.seen == []

    asyncio.run(main())


def test_models_are_those_of_the_tenant(log: Path) -> None:
    async def main() -> None:
        document = settings("http://127.0.0.1:9")
        document["models"]["secret-model"] = document["models"]["chat"]
        document["tenants"]["acme"]["models"] = ["chat"]
        async with running(document, log) as lab:
            got = await lab.ask(b"", path="/v1/models", method="GET")
            assert [one["id"] for one in got.json()["data"]] == ["chat"]
            assert (await lab.ask(b"", path="/v1/models/chat", method="GET")).json()["id"] == "chat"
            hidden = await lab.ask(b"", path="/v1/models/secret-model", method="GET")
            assert (hidden.status, hidden.error["code"]) == (404, "model_not_found")
            assert (await lab.ask(b"", path="/v1/models", method="GET", authorization="")).status == 401

    asyncio.run(main())


def test_a_body_too_large_is_refused_before_it_is_read(log: Path) -> None:
    async def main() -> None:
        document = settings("http://127.0.0.1:9") | {"server": {"maxBodyBytes": 2048, "bodyTimeoutSeconds": 0.3}}
        async with running(document, log) as lab:
            client = await Client.open(lab.port)
            await client.send(b"", content_length=str(1 << 30))  # nothing of it is ever sent
            got = await asyncio.wait_for(client.read(), 1)
            assert (got.status, got.error["code"]) == (413, "request_too_large")
            assert got.headers["connection"] == "close"
            unsaid = await Client.open(lab.port)
            await unsaid.send(
                b"800\r\n" + b"x" * 2048 + b"\r\n1\r\nx\r\n", content_length="", transfer_encoding="chunked"
            )
            assert (await asyncio.wait_for(unsaid.read(), 1)).status == 413
            slow = await Client.open(lab.port)
            await slow.send(b"{", content_length="100")
            assert (await asyncio.wait_for(slow.read(), 1)).status == 408

    asyncio.run(main())


def test_errors_have_openais_shape_and_a_stable_code(log: Path) -> None:
    async def main() -> None:
        async with Mock(either) as engine, running(settings(engine.url), log) as lab:
            cases: list[tuple[Any, dict[str, str], int, str]] = [
                (prompt(), {"authorization": "Bearer wrong"}, 401, "auth"),
                (b"{", {}, 400, "validation"),
                (prompt() | {"model": "nope"}, {}, 404, "validation"),
                (prompt(max_tokens=-1), {}, 400, "validation"),
            ]
            for body, headers, status, _ in cases:
                got = await lab.ask(body, **headers)
                assert got.status == status, got.body
                assert set(got.error) == {"message", "type", "param", "code"}
                assert isinstance(got.error["code"], str)
            ends = await lab.finished(len(cases))
            assert [end["outcome"] for end in ends] == [outcome for *_, outcome in cases]
            assert engine.seen == []

    asyncio.run(main())


def test_what_an_engine_refuses_about_the_request_is_passed_on(log: Path) -> None:
    async def main() -> None:
        error = {"error": {"message": "too long", "type": "BadRequestError", "param": None, "code": 400}}
        async with Mock(whole(400, error)) as engine, running(settings(engine.url), log) as lab:
            got = await lab.ask(prompt(stream=True))
            assert (got.status, got.json()) == (400, error)
            engine.script = whole(401, {"error": {"message": "bad engine key"}})
            assert (await lab.ask()).status == 502  # the client's key is fine: the gateway's own is not
            ends = await lab.finished(2)
            assert [(end["outcome"], end["attempts"]) for end in ends] == [("validation", 1), ("upstream_error", 1)]

    asyncio.run(main())


def test_two_events_per_request_and_never_a_prompt_or_a_key(log: Path) -> None:
    async def main() -> None:
        async with Mock(either) as engine, running(settings(engine.url), log) as lab:
            await lab.ask(prompt(stream=True))
            await lab.ask(prompt())
            await lab.ask(prompt(temperature=SECRET_PROMPT))
            await lab.ask(prompt(stop=[SECRET_PROMPT], max_tokens="many"))
            await lab.ask(SECRET_PROMPT.encode())
            await lab.ask(authorization=f"Bearer {KEY}x")
            await lab.ask(authorization=f"Basic {KEY}")
            engine.script = raw(b"HTTP/1.1 500 X\r\ncontent-length: 22\r\n\r\n" + SECRET_PROMPT.encode())
            await lab.ask()
            ends = await lab.finished(8)
            admitted = lab.events("request_admitted")
            assert {one["request_id"] for one in admitted} <= {one["request_id"] for one in ends}
            assert len(admitted) == 3
            assert {
                "tenant",
                "class",
                "model_asked",
                "model",
                "prompt_tokens",
                "prompt_tokens_source",
                "max_tokens",
                "rule",
            } <= admitted[0].keys()
            assert {
                "revision",
                "completion_tokens",
                "queue_ms",
                "ttft_ms",
                "duration_ms",
                "attempts",
                "finish_reason",
                "outcome",
            } <= ends[0].keys()
            assert {end["outcome"] for end in ends} <= set(logs.Outcome.__args__)  # type: ignore[attr-defined]
            written = lab.log
            assert SECRET_PROMPT not in written
            assert "8141" not in written
            assert KEY not in written
            assert SECRET_PROMPT not in lab.gateway.scrape().decode()

    asyncio.run(main())


def test_metrics_count_what_happened(log: Path) -> None:
    async def main() -> None:
        async with Mock(either) as engine, running(settings(engine.url), log) as lab:
            await lab.ask(prompt(stream=True))
            await lab.ask(prompt(max_tokens=0))
            await lab.finished(2)
            labels = 'class="interactive",model="chat",outcome="ok",status="200",tenant="acme"'
            assert lab.metric(f"llm_gateway_requests_total{{{labels}}}") == 1
            assert lab.metric('llm_gateway_completion_tokens_total{model="chat",tenant="acme"}') == 3
            assert lab.metric('llm_gateway_prompt_tokens_total{model="chat",source="usage",tenant="acme"}') == 7
            assert lab.metric('llm_gateway_time_to_first_token_seconds_count{class="interactive",model="chat"}') == 1
            assert lab.metric('llm_gateway_track_info{model="chat",revision="v1",track="stable"}') == 1
            assert lab.metric('llm_gateway_endpoints{model="chat",revision="v1",state="ready"}') == 1
            assert lab.metric('llm_gateway_in_flight_requests{model="chat"}') == 0
            assert lab.metric("llm_gateway_open_requests") == 0

    asyncio.run(main())


def test_demand_is_counted_from_zero(log: Path) -> None:
    """A counter that appears with its first request has no rate until the second, and a model at zero would sleep through it."""

    async def main() -> None:
        async with Mock(either) as engine, running(settings(engine.url), log) as lab:
            demand = 'llm_gateway_demand_total{model="chat"}'
            assert lab.metric(demand) == 0
            await lab.ask(prompt())
            assert lab.metric(demand) == 1

    asyncio.run(main())


def test_probes_and_metrics_are_on_a_port_of_their_own(log: Path) -> None:
    async def main() -> None:
        async with running(settings("http://127.0.0.1:9"), log) as lab:
            for path, status in (("/livez", 200), ("/readyz", 200), ("/metrics", 200), ("/v1/models", 404)):
                assert (await lab.ask(b"", path=path, method="GET", port=lab.admin)).status == status
            lab.gateway.draining = True
            assert (await lab.ask(b"", path="/readyz", method="GET", port=lab.admin)).status == 503
            assert (await lab.ask(b"", path="/livez", method="GET", port=lab.admin)).status == 200

    asyncio.run(main())


def test_the_decision_is_told_on_request(log: Path) -> None:
    async def main() -> None:
        async with Mock(either) as engine, running(settings(engine.url), log) as lab:
            got = await lab.ask(x_llm_explain="1")
            assert got.headers["x-llm-decision"].startswith("model=chat; rule=asked;")
            assert "revision=v1" in got.headers["x-llm-decision"]
            assert "x-llm-decision" not in (await lab.ask()).headers

    asyncio.run(main())


def test_limits_are_told_and_reservations_are_settled_to_the_unit(log: Path) -> None:
    async def main() -> None:
        async with Mock(either) as engine:
            document = settings(engine.url)
            document["tenants"]["acme"]["limits"] = {
                "tokensPerMinute": 2000,
                "requestsPerMinute": 3,
                "concurrentRequests": 2,
            }
            async with running(document, log) as lab:
                for _ in range(3):
                    got = await lab.ask(prompt(stream=True, max_tokens=200))
                    assert got.status == 200
                assert any(name.startswith("x-ratelimit-") for name in got.headers)
                refused = await lab.ask(prompt(stream=True))
                assert (refused.status, refused.error["type"]) == (429, "rate_limit_error")
                assert int(refused.headers["retry-after"]) >= 1
                ends = await lab.finished(4)
                assert ends[-1]["outcome"] == "rate_limited"
                # Three answers of 10 tokens (usage) are billed; what was reserved beyond is given back.
                used = lab.gateway.store.usage("acme")
                assert used["tenant.tokensPerMinute" if "tenant.tokensPerMinute" in used else "tokensPerMinute"] <= 0.2

    asyncio.run(main())


def test_a_slow_reader_costs_bounded_memory_and_is_cut_in_the_end(log: Path) -> None:
    async def main() -> None:
        document = {}
        async with Mock(stream(4000, size=10_000)) as engine:
            document = settings(engine.url) | {"server": {"writeTimeoutSeconds": 0.5}}
            async with running(document, log) as lab:
                client = await Client.open(lab.port, window=4096)
                client.reader._transport.pause_reading()  # type: ignore[attr-defined]
                began = time.perf_counter()
                await client.send(prompt(stream=True))
                await asyncio.wait_for(engine.arrived.wait(), 2)
                await asyncio.wait_for(engine.seen[0].gone.wait(), 3)
                assert 0.4 < time.perf_counter() - began < 2.5
                (end,) = await lab.finished()
                assert (end["outcome"], end["error_code"]) == ("client_cancel", "slow_reader")
                # 40 MB were to be sent: most of it never left the engine's side.
                assert end["completion_tokens"] is None or end["completion_tokens"] < 2500
                client.leave()

    asyncio.run(main())


def test_an_event_that_the_engine_sends_in_the_middle_is_passed_and_counted(log: Path) -> None:
    async def main() -> None:
        failure = event({"error": {"message": "engine core died", "code": 500}})
        from tests.gateway.wire.lab import SSE_HEAD, chunk  # noqa: PLC0415

        script = raw(SSE_HEAD + chunk(tokens(3)[0]) + chunk(failure) + chunk(DONE) + b"0\r\n\r\n")
        async with Mock(script) as engine, running(settings(engine.url), log) as lab:
            got = await lab.ask(prompt(stream=True))
            assert got.body == tokens(3)[0] + failure + DONE
            (end,) = await lab.finished()
            assert (end["outcome"], end["error_code"]) == ("upstream_error", "engine_error")

    asyncio.run(main())


def test_json_lines_stay_json(log: Path) -> None:
    async def main() -> None:
        async with Mock(either) as engine, running(settings(engine.url), log) as lab:
            await lab.ask(prompt() | {"model": 'x"\n{"outcome":"ok"}' + "y" * 500})
            (end,) = await lab.finished()
            assert len(lab.log.splitlines()) == len(lab.events())
            asked = end["model_asked"]
            assert asked is None or len(asked) <= logs.MAX_NAME + 1
            assert json.loads(lab.log.splitlines()[-1])["outcome"] == "validation"

    asyncio.run(main())
