"""The real `openai` client, with its own retries off, through the gateway to the fake engine: three processes."""

from __future__ import annotations

import time
from collections.abc import Iterator

import openai
import pytest
from tests.fakes.harness import SCHEMA, TOOLS, Engine
from tests.fakes.stage import stage
from tests.gateway.process import Process, serving
from tests.gateway.wire.lab import KEY, settings

QUESTION: list[dict[str, str]] = [{"role": "user", "content": "Say something about rivers."}]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    made = Engine(
        stage(tmp_path_factory.mktemp("fake")), ("--max-num-seqs=8", "--shutdown-timeout=20"), {"itl_base_ms": 5}
    )
    try:
        yield made.wait()
    finally:
        made.process.kill()
        made.process.wait()


@pytest.fixture(scope="module")
def gateway(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    url = f"http://127.0.0.1:{engine.port}"
    document = settings(url, servedName="tiny", limits={"ttftTimeoutSeconds": 1})
    document["models"]["other"] = settings(url, servedName="tiny")["models"]["chat"]
    document["tenants"]["acme"] |= {"models": ["chat"], "limits": {"tokensPerMinute": 200_000}}
    with serving(document, tmp_path_factory.mktemp("gateway")) as process:
        yield process


@pytest.fixture
def client(gateway: Process, engine: Engine) -> Iterator[openai.OpenAI]:
    engine.request("DELETE", "/", port=engine.control_port)  # no faults
    with openai.OpenAI(base_url=f"http://127.0.0.1:{gateway.port}/v1", api_key=KEY, max_retries=0, timeout=15) as made:
        yield made


def test_chat_whole_and_streamed(client: openai.OpenAI) -> None:
    whole = client.chat.completions.create(model="chat", messages=QUESTION, max_tokens=16)  # type: ignore[arg-type]
    assert whole.usage is not None
    assert 0 < whole.usage.completion_tokens <= 16
    assert whole.choices[0].finish_reason in {"stop", "length"}
    events = list(client.chat.completions.create(model="chat", messages=QUESTION, max_tokens=16, stream=True))  # type: ignore[arg-type]
    assert events[-1].choices[0].finish_reason in {"stop", "length"}
    assert all(one.usage is None and one.choices for one in events)  # nobody asked for usage
    asked = list(
        client.chat.completions.create(
            model="chat", messages=QUESTION, max_tokens=16, stream=True, stream_options={"include_usage": True}  # type: ignore[arg-type]
        )
    )  # fmt: skip
    assert asked[-1].usage is not None
    assert asked[-1].choices == []


def test_completions_tools_and_json(client: openai.OpenAI) -> None:
    assert client.completions.create(model="chat", prompt="Rivers are", max_tokens=8).choices[0].text
    called = client.chat.completions.create(
        model="chat", messages=QUESTION, tools=TOOLS, tool_choice="required", max_tokens=200
    )  # type: ignore[call-overload]
    assert called.choices[0].message.tool_calls[0].function.name == "look_up"
    form = {"type": "json_schema", "json_schema": {"name": "thing", "schema": SCHEMA}}
    assert client.chat.completions.create(model="chat", messages=QUESTION, response_format=form, max_tokens=200)  # type: ignore[call-overload]


def test_models_and_errors_are_what_the_client_expects(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == ["chat"]
    with pytest.raises(openai.NotFoundError) as missing:
        client.chat.completions.create(model="other", messages=QUESTION)  # type: ignore[arg-type]
    assert missing.value.code == "model_not_found"
    with pytest.raises(openai.BadRequestError):
        client.chat.completions.create(model="chat", messages=QUESTION, temperature=9)  # type: ignore[arg-type]
    with pytest.raises(openai.AuthenticationError):
        client.with_options(api_key="sk-nothing-of-ours").models.list()


def test_an_engine_that_dies_mid_stream_raises_in_the_client(client: openai.OpenAI, engine: Engine) -> None:
    engine.faults(die_mid_stream=1)
    with pytest.raises(openai.APIError, match="before it was complete"):
        list(client.chat.completions.create(model="chat", messages=QUESTION, max_tokens=64, stream=True))  # type: ignore[arg-type]


@pytest.mark.parametrize(("fault", "status"), [("garbage", 502), ("error", 502), ("dead", 502)])
def test_faults_before_the_first_byte_are_errors_with_a_status(
    client: openai.OpenAI, engine: Engine, fault: str, status: int
) -> None:
    engine.faults(**{fault: 1})
    with pytest.raises(openai.InternalServerError) as found:
        client.chat.completions.create(model="chat", messages=QUESTION, max_tokens=8, stream=True)  # type: ignore[arg-type]
    assert found.value.status_code == status


def test_an_engine_that_hangs_runs_into_the_deadline(client: openai.OpenAI, engine: Engine) -> None:
    engine.faults(hang=1)
    began = time.monotonic()
    with pytest.raises(openai.InternalServerError) as found:
        client.chat.completions.create(model="chat", messages=QUESTION, max_tokens=8, stream=True)  # type: ignore[arg-type]
    assert (found.value.status_code, found.value.code) == (504, "timeout_ttft")
    assert time.monotonic() - began < 4


def test_a_client_that_leaves_frees_the_engine(client: openai.OpenAI, engine: Engine) -> None:
    """Before the answer is done: the engine counts a request whose client is gone nowhere."""
    before = answered(engine)
    stream = client.chat.completions.create(
        model="chat", messages=QUESTION, max_tokens=250, stream=True, stop=["never said"]
    )  # type: ignore[arg-type]
    next(iter(stream))
    engine.until("vllm:num_requests_running", 1, seconds=1)
    stream.close()
    engine.until("vllm:num_requests_running", 0, seconds=2)
    assert answered(engine) == before


def answered(engine: Engine) -> float:
    """Requests that the engine saw to their end."""
    lines = engine.get("/metrics")[1].splitlines()
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith("vllm:request_success_total{"))
