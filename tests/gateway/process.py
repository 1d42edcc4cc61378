"""The gateway as a process of its own, as a container runs it."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.ports import free_port


class Process:
    """A running ``llm-gateway``; what it says is in ``events``."""

    def __init__(self, arguments: list[str], *, port: int, admin: int, log: Path) -> None:
        self.port, self.admin, self._log = port, admin, log
        with log.open("wb") as out:
            self.process = subprocess.Popen([sys.executable, "-m", "llm_gateway", *arguments], stdout=out, stderr=out)

    def wait(self, seconds: float = 15) -> Process:
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.process.poll() is None:
            with contextlib.suppress(OSError):
                if self.get("/readyz")[0] == 200:
                    return self
            time.sleep(0.03)
        raise AssertionError(f"not ready: {self._log.read_text()}")

    def get(self, path: str, *, port: int | None = None) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", port or self.admin, timeout=5)
        with contextlib.closing(connection):
            connection.request("GET", path)
            reply = connection.getresponse()
            return reply.status, reply.read()

    def events(self, name: str) -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in self._log.read_text().splitlines() if line.startswith("{")]
        return [line for line in lines if line["event"] == name]

    def until(self, name: str, count: int = 1, seconds: float = 8) -> list[dict[str, Any]]:
        end = time.monotonic() + seconds
        while len(found := self.events(name)) < count:
            assert time.monotonic() < end, f"no {name}: {self._log.read_text()}"
            time.sleep(0.03)
        return found

    def stop(self, seconds: float = 15) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=seconds)

    def rss(self) -> int:
        """Bytes of memory it holds."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def descriptors(self) -> int:
        """Files and connections it holds."""
        return sum(1 for _ in Path(f"/proc/{self.process.pid}/fd").iterdir())


@contextlib.contextmanager
def serving(document: dict[str, Any], folder: Path) -> Iterator[Process]:
    """``llm-gateway --config`` with this configuration on free ports."""
    file = folder / "gateway.yaml"
    ports = {"host": "127.0.0.1", "port": free_port(), "adminPort": free_port()}
    document = document | {"server": ports | document.get("server", {})}
    file.write_text(json.dumps(document))
    process = Process(["--config", str(file)], port=ports["port"], admin=ports["adminPort"], log=folder / "log")  # type: ignore[arg-type]
    try:
        yield process.wait()
    finally:
        process.process.kill()
        process.process.wait()
