"""A fake engine as a process of its own that gets real signals, and the client that tests drive it with."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from tests.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CHAT = "/v1/chat/completions"
SCHEMA = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "size": {"enum": ["s", "l"]},
        "count": {"type": "integer", "minimum": 3},
        "tags": {"type": "array", "items": {"type": "string"}, "minItems": 2},
    },
}
TOOLS = [{"type": "function", "function": {"name": "look_up", "parameters": SCHEMA}}]
JSON_FORMAT = {"type": "json_schema", "json_schema": {"name": "thing", "schema": SCHEMA}}


class Engine:
    """One running fake; ``ask`` and ``stream`` are what a client sees."""

    def __init__(self, staged: Path, flags: tuple[str, ...], fake: dict[str, Any]) -> None:
        self.port, self.control_port = free_port(), free_port()
        values = {"load_seconds": 0, "teardown_seconds": 0, "control_port": self.control_port, **fake}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "fake_engine", "serve", "org/model", "--served-model-name", "tiny", "alias",
             f"--port={self.port}", "--max-model-len=2048", *flags],
            env={**os.environ, "PYTHONPATH": str(staged), **{f"FAKE_{k.upper()}": str(v) for k, v in values.items()}},
            stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def wait(self, seconds: float = 10) -> Engine:
        """Until it serves."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            with contextlib.suppress(OSError):
                if self.get("/health")[0] == 200:
                    return self
            time.sleep(0.02)
        raise TimeoutError(f"not serving after {seconds} s")

    def controlled(self, seconds: float = 10) -> Engine:
        """Until it takes faults and signals, be it loading or not."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            with contextlib.suppress(OSError):
                if self.request("GET", "/", port=self.control_port)[0] == 200:
                    return self
            time.sleep(0.02)
        raise TimeoutError(f"not started after {seconds} s")

    def request(self, method: str, path: str, body: Any = None, *, port: int | None = None) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=20)
        with contextlib.closing(connection):
            connection.request(method, path, None if body is None else json.dumps(body))
            reply = connection.getresponse()
            return reply.status, reply.read().decode()

    def get(self, path: str) -> tuple[int, str]:
        return self.request("GET", path)

    def post(self, path: str, **body: Any) -> tuple[int, Any]:
        status, text = self.request("POST", path, {"model": "tiny"} | body)
        return status, json.loads(text)

    def chat(self, content: str = "Hello there", **body: Any) -> tuple[int, Any]:
        return self.post(CHAT, messages=[{"role": "user", "content": content}], **body)

    def stream(self, **body: Any) -> list[Any]:
        """The events of a streamed chat, ``[DONE]`` as text. Raises what a client would when it is cut."""
        body = {"model": "tiny", "stream": True, "messages": [{"role": "user", "content": "Hello"}]} | body
        status, text = self.request("POST", CHAT, body)
        assert status == 200, text
        events = [line.removeprefix("data: ") for line in text.split("\n\n") if line]
        return [event if event == "[DONE]" else json.loads(event) for event in events]

    def faults(self, **changes: Any) -> None:
        status, text = self.request("POST", "/", changes, port=self.control_port)
        assert status == 200, text

    def metric(self, series: str) -> float:
        lines = self.get("/metrics")[1].splitlines()
        return next(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(series))

    def until(self, series: str, value: float, seconds: float = 10) -> None:
        """Wait until a gauge is ``value``, or a counter has reached it."""
        end, counter = time.monotonic() + seconds, series.split("{", maxsplit=1)[0].endswith("_total")
        while not (self.metric(series) >= value if counter else self.metric(series) == value):
            assert time.monotonic() < end, f"{series} is {self.metric(series)}, not {value}, after {seconds} s"
            time.sleep(0.02)

    def end(self, seconds: float = 20) -> tuple[int, str]:
        """Exit code and log."""
        log = self.process.communicate(timeout=seconds)[1]
        return self.process.returncode, log


async def together(count: int, call: Callable[[], Any]) -> list[Any]:
    """Run a blocking call so many times at once."""
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(count) as pool:  # the loop's own pool has a thread or two per core, and would queue
        return await asyncio.gather(*(loop.run_in_executor(pool, call) for _ in range(count)))
