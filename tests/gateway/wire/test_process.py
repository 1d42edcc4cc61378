"""The process: signals, reload, the command line."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from click.testing import CliRunner
from tests.gateway.process import Process, serving
from tests.gateway.wire.lab import DONE, Client, Mock, either, prompt, settings, stream, tokens
from tests.ports import free_port

from llm_gateway.cli import main as cli


def test_sigterm_loses_no_stream(tmp_path: Path) -> None:
    async def main() -> None:
        async with Mock(stream(40, every=0.04)) as engine:
            document = settings(engine.url) | {"server": {"drainDelaySeconds": 0.5, "drainSeconds": 20}}
            with serving(document, tmp_path) as gateway:
                clients = [await Client.open(gateway.port) for _ in range(5)]
                for client in clients:
                    await client.send(prompt(stream=True))
                    await client.head()
                idle = await Client.open(gateway.port)
                gateway.process.send_signal(signal.SIGTERM)
                await asyncio.to_thread(gateway.until, "draining")
                assert (await asyncio.to_thread(gateway.get, "/readyz"))[0] == 503
                # Endpoints still send: it serves on, and asks each connection to go.
                await idle.send(prompt(stream=True))
                late_head = await idle.head()
                assert (late_head[0], late_head[1]["connection"]) == (200, "close")
                bodies = []
                for client in [*clients, idle]:
                    parts = []
                    while part := await client.chunk():
                        parts.append(part)
                    bodies.append(b"".join(parts))
                assert bodies == [b"".join(tokens(40)) + DONE] * 6
                assert await asyncio.to_thread(gateway.process.wait, 5) == 0
                (stopped,) = gateway.events("stopped")
                assert stopped["unfinished"] == 0
                assert [end["outcome"] for end in gateway.events("request_finished")] == ["ok"] * 6

    asyncio.run(main())


def test_a_second_signal_ends_at_once(tmp_path: Path) -> None:
    async def main() -> None:
        async with Mock(stream(1000, every=0.05)) as engine:
            with serving(settings(engine.url), tmp_path) as gateway:
                client = await Client.open(gateway.port)
                await client.send(prompt(stream=True))
                await client.head()
                gateway.process.send_signal(signal.SIGTERM)
                await asyncio.to_thread(gateway.until, "draining")
                gateway.process.send_signal(signal.SIGTERM)
                began = time.monotonic()
                await asyncio.to_thread(gateway.process.wait, 5)
                assert time.monotonic() - began < 3

    asyncio.run(main())


def test_a_reload_validates_then_swaps_and_a_mistake_changes_nothing(tmp_path: Path) -> None:
    async def main() -> None:
        async with Mock(stream(60, every=0.05)) as slow, Mock(either) as other:
            with serving(settings(slow.url), tmp_path) as gateway:
                file = tmp_path / "gateway.yaml"
                good = json.loads(file.read_text())
                client = await Client.open(gateway.port)
                await client.send(prompt(stream=True))
                await client.head()
                file.write_text(json.dumps(good | {"models": {"chat": {"limits": {}}}}))
                await asyncio.to_thread(gateway.until, "config_rejected")
                assert b'llm_gateway_config_reloads_total{result="rejected"} 1.0' in gateway.get("/metrics")[1]
                changed = json.loads(json.dumps(good))
                changed["models"]["chat"]["upstream"]["urls"] = [other.url]
                changed["models"]["extra"] = changed["models"]["chat"]
                file.write_text(json.dumps(changed))
                await asyncio.to_thread(gateway.until, "config_applied")
                again = await Client.open(gateway.port)
                await again.send(prompt() | {"model": "extra"})
                assert (await again.read()).status == 200
                await again.send(prompt())
                assert (await again.read()).status == 200
                assert len(other.seen) == 2
                parts = []
                while part := await client.chunk():
                    parts.append(part)
                assert b"".join(parts) == b"".join(tokens(60)) + DONE  # it began before, and ends as it began
                # A key that is taken out is refused from then on.
                changed["tenants"]["acme"]["keys"] = {"other": {"sha256": "sha256:" + "0" * 64}}
                file.write_text(json.dumps(changed))
                await asyncio.to_thread(gateway.until, "config_applied", 2)
                await again.send(prompt())
                assert (await again.read()).status == 401

    asyncio.run(main())


def test_upstream_alone_is_useful_on_a_laptop(tmp_path: Path) -> None:
    listing = {"object": "list", "data": [{"id": "org/tiny", "object": "model"}]}

    async def script(seen: Any, writer: asyncio.StreamWriter) -> None:
        from tests.gateway.wire.lab import whole  # noqa: PLC0415

        await (whole(value=listing)(seen, writer) if seen.path == "/v1/models" else either(seen, writer))

    async def main() -> None:
        async with Mock(script) as engine:
            process = Process(["--upstream", engine.url + "/v1/"], port=8080, admin=9090, log=tmp_path / "log")
            try:
                await asyncio.to_thread(process.wait)
                client = await Client.open(8080)
                await client.send(prompt(stream=True) | {"model": "org/tiny"}, authorization="")
                assert (await client.read()).body == b"".join(tokens(3)) + DONE
            finally:
                await asyncio.to_thread(process.stop)

    asyncio.run(main())


def test_check_says_what_is_wrong_like_a_compiler(tmp_path: Path) -> None:
    file = tmp_path / "gateway.yaml"
    file.write_text("models:\n  chat:\n    limits: {maxPromptTokens: many}\n")
    result = CliRunner().invoke(cli, ["check", str(file)])
    assert result.exit_code == 1
    assert f"{file}:3:" in result.stderr
    file.write_text(json.dumps(settings("http://127.0.0.1:8000")))
    result = CliRunner().invoke(cli, ["check", str(file)])
    assert (result.exit_code, result.stdout) == (0, f"{file}: fine: 1 models, 1 tenants, 1 keys\n")
    assert CliRunner().invoke(cli, ["check", str(tmp_path / "none")]).exit_code == 1
    assert CliRunner().invoke(cli, []).exit_code == 2
    assert CliRunner().invoke(cli, ["--upstream", "ftp://x", "--config", str(file)]).exit_code == 2
    unreachable = CliRunner().invoke(cli, ["--upstream", f"http://127.0.0.1:{free_port()}"])
    assert unreachable.exit_code == 1
    assert "--model" in unreachable.stderr


def test_a_start_that_cannot_be_says_why(tmp_path: Path) -> None:
    def start(document: dict[str, Any]) -> subprocess.CompletedProcess[str]:
        file = tmp_path / "gateway.yaml"
        file.write_text(json.dumps(document))
        command = [sys.executable, "-m", "llm_gateway", "--config", str(file)]
        return subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        document = settings("http://127.0.0.1:9") | {"server": {"host": "127.0.0.1", "port": port, "adminPort": 0}}
        ended = start(document)
    assert (ended.returncode, ended.stderr.strip()) == (1, f"Error: port {port} of 127.0.0.1: Address already in use")
    (tmp_path / "tok").mkdir()
    document = settings("http://127.0.0.1:9", tokenizer={"path": str(tmp_path / "tok")}) | {
        "server": {"port": 0, "adminPort": 0}
    }
    ended = start(document)
    assert ended.returncode == 1
    assert "tokenizer.json" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_help_imports_nothing_heavy() -> None:
    code = "import sys, llm_gateway.cli; print(*(m for m in ('aiohttp','uvicorn','jinja2','tokenizers','redis') if m in sys.modules))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == ""
