"""How each gateway of the benchmark is started; each yields (process id, port)."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.ports import free_port

from gateway_load import KEY, WORDS

ROOT = Path(__file__).resolve().parents[1]
TEMPLATE = "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}\n{% endfor %}<|assistant|>"


@contextlib.contextmanager
def process(command: list[str], port: int, *, env: dict[str, str] | None = None, seconds: float = 60) -> Iterator[int]:
    """Run a server until its port answers; its process id."""
    with tempfile.TemporaryFile() as out:
        made = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=out, env={**os.environ, **(env or {})})
        try:
            end = time.monotonic() + seconds
            while True:
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                    break
                if made.poll() is not None or time.monotonic() > end:
                    out.seek(0)
                    raise RuntimeError(f"{command[0]} did not start: {out.read()[-800:].decode()}")
                time.sleep(0.05)
            yield made.pid
        finally:
            made.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                made.wait(5)
            made.kill()
            made.wait()


def tokenizer(folder: Path) -> None:
    """A byte-level BPE trained on this repository's own text."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers  # noqa: PLC0415

    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    texts = [file.read_text() for file in (ROOT / "docs").rglob("*.md")] + [WORDS]
    made.train_from_iterator(
        texts, trainers.BpeTrainer(vocab_size=8000, initial_alphabet=alphabet, show_progress=False)
    )
    folder.mkdir()
    made.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps({"chat_template": TEMPLATE}))


@contextlib.contextmanager
def own(upstream: int, folder: Path, store: dict[str, Any]) -> Iterator[tuple[int, int]]:
    """Our own gateway with every policy on."""
    port, admin = free_port(), free_port()
    if not (folder / "tokenizer").exists():
        tokenizer(folder / "tokenizer")
    digest = "sha256:" + hashlib.sha256(KEY.encode()).hexdigest()
    big = 1_000_000_000
    limits = {"requestsPerMinute": big, "tokensPerMinute": big, "concurrentRequests": 100_000, "tokensPerDay": big}
    chat = {
        "limits": {"maxPromptTokens": 6144, "maxCompletionTokens": 2048},
        "upstream": {"urls": [f"http://127.0.0.1:{upstream}"]},
        "revisions": {"v1": {"concurrency": 4096}},
        "tokenizer": {"path": str(folder / "tokenizer")},
    }
    document = {
        "server": {"host": "127.0.0.1", "port": port, "adminPort": admin},
        "models": {"chat": chat},
        "tenants": {"acme": {"keys": {"main": {"sha256": digest}}, "limits": limits}},
        "limitStore": store,
    }
    file = folder / "gateway.yaml"
    file.write_text(json.dumps(document))
    with process([sys.executable, "-m", "llm_gateway", "--config", str(file)], port) as pid:
        yield pid, port


@contextlib.contextmanager
def own_redis(upstream: int, folder: Path) -> Iterator[tuple[int, int]]:
    """The same with a Redis of its own."""
    port = free_port()
    command = ["redis-server", "--port", str(port), "--save", "", "--appendonly", "no", "--bind", "127.0.0.1"]
    with process(command, port), own(upstream, folder, {"kind": "redis", "address": f"127.0.0.1:{port}"}) as found:
        yield found


@contextlib.contextmanager
def envoy(upstream: int, folder: Path, binary: str) -> Iterator[tuple[int, int]]:
    """Envoy on one core."""
    port = free_port()
    file = folder / "envoy.json"
    file.write_text(json.dumps(envoy_config(port, upstream)))
    command = [binary, "-c", str(file), "--concurrency", "1", "--use-dynamic-base-id", "-l", "error"]
    with process(command, port) as pid:
        yield pid, port


def envoy_config(port: int, upstream: int) -> dict[str, Any]:
    """Envoy's own filters, as far as they go towards the same policy."""

    def typed(name: str, **fields: Any) -> dict[str, Any]:  # noqa: ANN401 -- Envoy's configuration is JSON
        return {"@type": f"type.googleapis.com/envoy.extensions.{name}", **fields}

    def http(name: str, kind: str, **fields: Any) -> dict[str, Any]:  # noqa: ANN401 -- the same
        return {"name": f"envoy.filters.http.{name}", "typed_config": typed(f"filters.http.{name}.v3.{kind}", **fields)}

    always = {"default_value": {"numerator": 100, "denominator": "HUNDRED"}}
    bucket = {"max_tokens": 1_000_000, "tokens_per_fill": 1_000_000, "fill_interval": "1s"}
    to_metadata = {"selectors": [{"key": "model"}], "on_present": {"metadata_namespace": "envoy.lb", "key": "model"}}
    to_metadata["on_missing"] = {"metadata_namespace": "envoy.lb", "key": "model", "value": "none"}
    to_metadata["on_error"] = to_metadata["on_missing"]
    filters = [
        http(
            "api_key_auth",
            "ApiKeyAuth",
            credentials=[{"key": KEY, "client": "acme"}],
            key_sources=[{"header": "authorization"}],
        ),
        http("buffer", "Buffer", max_request_bytes=4_194_304),
        http("json_to_metadata", "JsonToMetadata", request_rules={"rules": [to_metadata]}),
        http(
            "local_ratelimit",
            "LocalRateLimit",
            stat_prefix="rl",
            token_bucket=bucket,
            filter_enabled=always,
            filter_enforced=always,
        ),
        http("router", "Router"),
    ]
    fields = {
        "method": "%REQ(:METHOD)%",
        "path": "%REQ(:PATH)%",
        "code": "%RESPONSE_CODE%",
        "ms": "%DURATION%",
        "id": "%REQ(X-REQUEST-ID)%",
    }
    log = typed("access_loggers.file.v3.FileAccessLog", path="/dev/null", log_format={"json_format": fields})
    route = {"match": {"prefix": "/v1/"}, "route": {"cluster": "engine", "timeout": "0s"}}
    manager = typed(
        "filters.network.http_connection_manager.v3.HttpConnectionManager",
        stat_prefix="in",
        access_log=[{"name": "log", "typed_config": log}],
        http_filters=filters,
        route_config={"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [route]}]},
    )

    def address(number: int) -> dict[str, Any]:
        return {"socket_address": {"address": "127.0.0.1", "port_value": number}}

    endpoint = {"endpoint": {"address": address(upstream)}}
    circuit = {"thresholds": [{"max_connections": 10_000, "max_pending_requests": 10_000, "max_requests": 10_000}]}
    cluster = {
        "name": "engine", "type": "STATIC", "connect_timeout": "1s", "circuit_breakers": circuit,
        "load_assignment": {"cluster_name": "engine", "endpoints": [{"lb_endpoints": [endpoint]}]},
    }  # fmt: skip
    chain = {"filters": [{"name": "http", "typed_config": manager}]}
    return {
        "static_resources": {
            "listeners": [{"name": "in", "address": address(port), "filter_chains": [chain]}],
            "clusters": [cluster],
        }
    }


@contextlib.contextmanager
def vllm_router(upstream: int, folder: Path, python: str) -> Iterator[tuple[int, int]]:
    """VLLM's router, round robin."""
    del folder
    port = free_port()
    command = [python, "-m", "vllm_router.launch_router", "--host", "127.0.0.1", "--port", str(port), "--policy", "round_robin",
               "--worker-urls", f"http://127.0.0.1:{upstream}"]  # fmt: skip
    with process(command, port) as pid:
        yield pid, port


@contextlib.contextmanager
def litellm(upstream: int, folder: Path, python: str) -> Iterator[tuple[int, int]]:
    """LiteLLM's proxy, one key and one model."""
    port = free_port()
    target = {"model": "openai/chat", "api_base": f"http://127.0.0.1:{upstream}/v1", "api_key": "none"}
    document = {
        "model_list": [{"model_name": "chat", "litellm_params": target}],
        "general_settings": {"master_key": KEY},
    }
    file = folder / "litellm.yaml"
    file.write_text(json.dumps(document))
    script = "from litellm import run_server; run_server()"
    command = [python, "-c", script, "--config", str(file), "--port", str(port), "--host", "127.0.0.1"]
    with process(command, port, seconds=180) as pid:
        yield pid, port
