"""The two scripts that run in pods: the hang check and `helm test`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest
from tests.chart.conftest import CHART

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RUNNING, TOKENS, PROMPT = "vllm:num_requests_running", "vllm:generation_tokens_total", "vllm:prompt_tokens_total"


class FakeEngine:
    """Answers /health, /metrics and /v1/models as told."""

    def __init__(self) -> None:
        self.healthy, self.running, self.tokens, self.prompt, self.served = True, 0, 0, 0, "chat"
        self.key = ""
        engine = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                code, text = engine.answer(self.path, self.headers.get("Authorization", ""))
                self.send_response(code)
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def answer(self, path: str, key: str) -> tuple[int, str]:
        if path == "/health":
            return (200 if self.healthy else 503), ""
        if path == "/metrics":
            labels, other = (f'{{engine="{rank}",model_name="chat"}}' for rank in (0, 1))
            values = {
                RUNNING + labels: self.running,
                RUNNING + other: 0,
                TOKENS + labels: self.tokens,
                PROMPT + labels: self.prompt,
            }
            return 200, "".join(f"{name} {value}.0\n" for name, value in values.items())
        if self.key and key.strip() != f"Bearer {self.key}":
            return 401, ""
        return 200, json.dumps({"data": [{"id": self.served}]})


@pytest.fixture
def engine() -> Iterator[FakeEngine]:
    fake = FakeEngine()
    thread = threading.Thread(target=fake.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield fake
    fake.server.shutdown()
    thread.join()
    fake.server.server_close()


def hang(engine: FakeEngine, state: Path, seconds: float = 0.3) -> int:
    script = (CHART / "files" / "hang.py").read_text()
    command = [
        sys.executable,
        "-c",
        script,
        engine.url,
        "/health",
        "/metrics",
        str(seconds),
        str(state),
        RUNNING,
        TOKENS,
        PROMPT,
    ]
    return subprocess.run(command, capture_output=True, check=False).returncode


def test_an_engine_with_requests_and_no_token_is_hung(engine: FakeEngine, tmp_path: Path):
    engine.running, engine.tokens = 2, 10
    assert hang(engine, tmp_path / "state") == 0, "the first look only remembers"
    time.sleep(0.35)
    assert hang(engine, tmp_path / "state") == 1
    assert hang(engine, tmp_path / "state") == 1, "it stays hung"


def test_a_token_a_prefill_or_an_idle_moment_is_progress(engine: FakeEngine, tmp_path: Path):
    state = tmp_path / "state"
    for change in ({"tokens": 11}, {"prompt": 5}, {"running": 0}):
        engine.running, engine.tokens, engine.prompt = 2, 10, 0
        state.unlink(missing_ok=True)
        assert hang(engine, state) == 0
        time.sleep(0.35)
        for name, value in change.items():
            setattr(engine, name, value)
        assert hang(engine, state) == 0, change


def test_an_idle_engine_is_never_hung(engine: FakeEngine, tmp_path: Path):
    for _ in range(2):
        assert hang(engine, tmp_path / "state") == 0
        time.sleep(0.35)


def test_another_process_starts_over(engine: FakeEngine, tmp_path: Path):
    """The state file outlives a restart of the container."""
    state = tmp_path / "state"
    engine.running = 1
    assert hang(engine, state) == 0
    state.write_text(json.dumps({**json.loads(state.read_text()), "engine": "another", "since": 0}))
    assert hang(engine, state) == 0


def test_a_broken_state_file_starts_over(engine: FakeEngine, tmp_path: Path):
    engine.running = 1
    (tmp_path / "state").write_text("{")
    assert hang(engine, tmp_path / "state") == 0


def test_a_dead_engine_fails_the_check(engine: FakeEngine, tmp_path: Path):
    engine.healthy = False
    assert hang(engine, tmp_path / "state") == 1


def ask(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    script = (CHART / "files" / "ask.sh").read_text()
    variables = {"PATH": os.environ["PATH"], "TIMEOUT": "5", "NO_KEY": "", **environment}
    return subprocess.run(
        ["sh", "-euc", script, "ask", *arguments], capture_output=True, text=True, env=variables, check=False
    )


def test_helm_test_passes_where_every_revision_serves_its_model(engine: FakeEngine):
    url = f"{engine.url}/v1/models"
    done = ask(url, "chat", "NO_KEY", url, "chat", "NO_KEY")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("ok: ") == 2


def test_helm_test_names_what_fails_and_asks_the_rest(engine: FakeEngine):
    url = f"{engine.url}/v1/models"
    done = ask(url, "other", "NO_KEY", url, "chat", "NO_KEY")
    assert done.returncode == 1
    assert f"FAILED: {url} does not serve other" in done.stderr
    assert f"ok: {url} serves chat" in done.stdout


def test_helm_test_brings_the_engines_key(engine: FakeEngine):
    engine.key = "swordfish"
    url = f"{engine.url}/v1/models"
    assert ask(url, "chat", "KEY_1", KEY_1="swordfish").returncode == 0
    done = ask(url, "chat", "KEY_1", KEY_1="wrong")
    assert done.returncode == 1
    assert "wrong" not in done.stderr + done.stdout


def test_helm_test_takes_a_refusal_for_an_answer_and_sends_no_empty_key(engine: FakeEngine):
    engine.served, seen = "missing_api_key", []
    answer = engine.answer
    engine.answer = lambda path, key: (seen.append(key), (401, answer(path, key)[1]))[1]  # type: ignore[method-assign]
    assert ask(f"{engine.url}/v1/models", "missing_api_key", "NO_KEY").returncode == 0
    assert seen == [""]
