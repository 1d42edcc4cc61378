"""What the policy tests share: a configuration, identities, a throw-away Redis, a tokenizer trained on the spot."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from llm_gateway import config
from llm_gateway.types import Identity, Key, Limits, Tenant

BASE: dict[str, Any] = {
    "models": {
        "chat": {
            "quality": 80,
            "limits": {"maxPromptTokens": 6000, "maxCompletionTokens": 2000, "queueTimeoutSeconds": 5},
            "upstream": {"urls": ["http://127.0.0.1:8000"]},
            "revisions": {"v1": {"concurrency": 8}, "v2": {"concurrency": 4}},
            "tracks": {"stable": {"revision": "v1"}, "canary": {"revision": "v2", "weight": 10}},
        },
        "small": {
            "limits": {"maxPromptTokens": 1000, "maxCompletionTokens": 500},
            "upstream": {"urls": ["http://127.0.0.1:8001"]},
        },
        "embed": {"kind": "embed", "limits": {"maxPromptTokens": 512}, "upstream": {"urls": ["http://127.0.0.1:8002"]}},
    },
    "routing": {"default": "chat", "aliases": {"gpt-4o-mini": "small"}},
    "tenants": {"acme": {"tier": "premium"}, "other": {}},
}


def merged(base: Any, patch: Any) -> Any:
    if not isinstance(base, dict) or not isinstance(patch, dict):
        return patch
    both = {key: merged(base.get(key), value) for key, value in patch.items() if value is not None}
    return {**{key: value for key, value in base.items() if key not in patch}, **both}


def snapshot(patch: dict[str, Any] | None = None) -> config.Snapshot:
    return config.loads(json.dumps(merged(BASE, patch or {})), "config.yaml")


def identity(name: str = "acme", *, limits: dict[str, int] | None = None, **more: Any) -> Identity:
    tenant = Tenant(name=name, limits=Limits(**(limits or {})), **more)
    return Identity(tenant=tenant, key=Key(name="k1", digest=b""))


def sha(key: str) -> str:
    return "sha256:" + sha256(key.encode()).hexdigest()


class RedisServer:
    """A redis-server of our own on a free port; it can be killed and started again."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.folder = folder
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        binary = shutil.which("redis-server") or shutil.which("valkey-server")
        assert binary is not None
        self.process = subprocess.Popen(
            [binary, "--port", str(self.port), "--save", "", "--appendonly", "no", "--bind", "127.0.0.1"],
            cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=0.2) as connection:
                    connection.sendall(b"PING\r\n")
                    if connection.recv(16).startswith(b"+PONG"):
                        return
            except OSError:
                time.sleep(0.02)
        raise AssertionError("redis-server did not start")

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def signal(self, number: int) -> None:
        assert self.process is not None
        self.process.send_signal(number)


@pytest.fixture(scope="module")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    if shutil.which("redis-server") is None and shutil.which("valkey-server") is None:
        pytest.skip("no redis-server on PATH")
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.stop()
