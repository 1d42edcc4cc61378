"""A small world for Prometheus to watch: fake engines with faults, the gateway, recorded series of a cluster, and clients."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import http.server
import json
import random
import re
import subprocess
import threading
import time
import urllib.parse
from pathlib import Path
from typing import Any, Self

from tests.chart.conftest import CHART, Helm, tool
from tests.fakes.harness import JSON_FORMAT, TOOLS, Engine
from tests.fakes.stage import stage
from tests.gateway.process import Process
from tests.observability import rendered
from tests.ports import free_port

from llmgen.metrics import expand

HERE = Path(__file__).parent
VALUES = HERE / "alerts" / "values.yaml"
ENGINES = {"v1-0": "v1", "v1-1": "v1", "v2-0": "v2"}
TENANTS = {"acme": 6000, "intern-tools": 120}
"""Requests that each may make per minute."""
CHAT = "/v1/chat/completions"
_WORDS = {"ns": 'namespace="ns"'}
SPEED = 60
"""The bench's minute takes a second: every duration in the rules is divided by this."""


class Bench:
    """Everything as processes on free ports; ``with Bench(folder) as bench``. ``speed`` 1 leaves the rules as they ship."""

    def __init__(self, folder: Path, *, speed: int = SPEED, interval: str = "1s") -> None:
        self.folder, self.speed, self.interval = folder, speed, interval
        self.port = free_port()
        self.engines: dict[str, Engine] = {}
        self.clients = Clients(self)
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            staged = stage(self.folder / "fake")
            for name in ENGINES:
                self.engines[name] = self.start_engine(staged, name)
                stack.callback(lambda name=name: self.engines[name].process.kill())
            for engine in self.engines.values():
                engine.wait(90)
            self.gateway = self._gateway(stack)
            self.cluster = Cluster()
            stack.callback(self.cluster.close)
            self._prometheus(stack)
            stack.callback(self.clients.stop)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @staticmethod
    def start_engine(staged: Path, name: str) -> Engine:
        """A fake engine with few slots and a small cache, so that load shows."""
        slow = "slow=1.4" if name.startswith("v2") else ""
        fake = {"mean_completion_tokens": 40, "kv_tokens": 6000, "faults": slow}
        return Engine(staged, ("--max-num-seqs=8", "--max-num-queued-reqs=24"), fake)

    def _gateway(self, stack: contextlib.ExitStack) -> Process:
        ports = {"host": "127.0.0.1", "port": free_port(), "adminPort": free_port(), "latencyBounds": [2.0]}
        urls = {
            revision: [f"http://127.0.0.1:{self.engines[name].port}" for name, of in ENGINES.items() if of == revision]
            for revision in ("v1", "v2")
        }
        model = {
            "servedName": "tiny",
            "limits": {
                "maxPromptTokens": 1024,
                "maxCompletionTokens": 512,
                "queueDepth": 16,
                "requestTimeoutSeconds": 8,
            },
            "upstream": {"urls": urls["v1"]},
            "revisions": {"v1": {"concurrency": 8}, "v2": {"concurrency": 8, "urls": urls["v2"]}},
            "tracks": {"stable": {"revision": "v1", "weight": 80}, "canary": {"revision": "v2", "weight": 20}},
        }
        tenants = {
            name: {
                "keys": {"key": {"sha256": "sha256:" + hashlib.sha256(_key(name).encode()).hexdigest()}},
                "limits": {"requestsPerMinute": limit, "tokensPerDay": limit * 1000},
            }
            for name, limit in TENANTS.items()
        }
        file = self.folder / "gateway.yaml"
        file.write_text(json.dumps({"server": ports, "models": {"chat": model}, "tenants": tenants}))
        process = Process(
            ["--config", str(file)], port=ports["port"], admin=ports["adminPort"], log=self.folder / "log"
        )  # type: ignore[arg-type]
        stack.callback(process.process.wait)
        stack.callback(process.process.kill)
        return process.wait(90)

    def _prometheus(self, stack: contextlib.ExitStack) -> None:
        few = {"observability": {"alerts": {"thresholds": {"minRequests": 20}}}}  # the bench's half hour has seconds
        objects = self.objects = Helm(tool("helm"), CHART).objects(VALUES, values=few)
        (self.folder / "rules.yaml").write_text(
            json.dumps({"groups": faster(rendered.groups(tuple(objects)), self.speed)})
        )
        every = {
            "scrape_interval": self.interval,
            "scrape_timeout": self.interval,
            "evaluation_interval": self.interval,
        }
        config = {"global": every, "rule_files": ["rules.yaml"], "scrape_configs": self._jobs()}
        (self.folder / "prometheus.yaml").write_text(json.dumps(config))
        log = (self.folder / "prometheus.log").open("w")
        stack.enter_context(log)
        process = subprocess.Popen(
            [tool("prometheus"), f"--config.file={self.folder}/prometheus.yaml", f"--storage.tsdb.path={self.folder}/data",
             f"--web.listen-address=127.0.0.1:{self.port}", "--log.level=warn"], stdout=log, stderr=log,
        )  # fmt: skip
        stack.callback(process.wait)
        stack.callback(process.terminate)
        self.until(self._ready, 90, "Prometheus is not ready")

    def _jobs(self) -> list[dict[str, Any]]:
        common = {"namespace": "ns", "llm_release": "demo"}
        engines = [
            {
                "targets": [f"127.0.0.1:{self.engines[name].port}"],
                "labels": {
                    **common,
                    "llm_model": "chat",
                    "llm_class": "interactive",
                    "llm_revision": revision,
                    "pod": name,
                    "container": "engine",
                },
            }
            for name, revision in ENGINES.items()
        ]
        gateway = {
            "targets": [f"127.0.0.1:{self.gateway.admin}"],
            "labels": {**common, "pod": "gw-0", "container": "gateway"},
        }
        cluster = {"targets": [f"127.0.0.1:{self.cluster.port}"]}
        return [
            {"job_name": "ns/demo-engines", "static_configs": engines},
            {"job_name": "ns/demo-gateway", "static_configs": [gateway]},
            {"job_name": "cluster", "honor_labels": True, "static_configs": [cluster]},
        ]

    def _ready(self) -> bool:
        try:
            return self.ask("/-/ready")[0] == http.client.OK
        except OSError:
            return False

    def ask(self, path: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        with contextlib.closing(connection):
            connection.request("GET", path)
            reply = connection.getresponse()
            return reply.status, reply.read().decode()

    def api(self, path: str, **parameters: str) -> Any:
        """The data of an answer of Prometheus' API."""
        status, text = self.ask(f"/api/v1/{path}?{urllib.parse.urlencode(parameters)}")
        assert status == http.client.OK, f"{parameters}: {text}"
        return json.loads(text)["data"]

    def query(self, expr: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.api("query", query=expr)["result"]
        return found

    def firing(self) -> set[str]:
        return {sample["metric"]["alertname"] for sample in self.query('ALERTS{alertstate="firing"}')}

    def until(self, holds: Any, seconds: float, otherwise: str) -> None:
        end = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < end, f"{otherwise}; firing: {self.firing() if self._ready() else '?'}"
            time.sleep(0.25)


class Clients:
    """Threads that ask the gateway, each request a conversation of its own; some want JSON, some bring a tool."""

    def __init__(self, bench: Bench) -> None:
        self._bench, self._stop, self._threads = bench, threading.Event(), list[threading.Thread]()
        self.pause = 0.4
        self.structured = 0.4  # share of the requests

    def start(self, count: int) -> None:
        """Start so many more clients."""
        for number in range(count):
            thread = threading.Thread(target=self._run, args=(number,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self) -> None:
        """End them all."""
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout=15)
        self._threads.clear()
        self._stop.clear()

    def _run(self, number: int) -> None:
        chance = random.Random(number)  # noqa: S311 -- no secret
        while not self._stop.is_set():
            with contextlib.suppress(OSError, http.client.HTTPException):
                self._ask(chance)
            self._stop.wait(chance.expovariate(1 / self.pause))

    def _ask(self, chance: random.Random) -> None:
        tenant = chance.choices(tuple(TENANTS), (3, 1))[0]
        words = " ".join(["one of the words"] * chance.randint(5, 60))
        body: dict[str, Any] = {"model": "chat", "stream": chance.random() < 0.8, "max_tokens": chance.randint(20, 90),
                                "messages": [{"role": "user", "content": words}]}  # fmt: skip
        if chance.random() < self.structured:
            wanted = (
                {"response_format": JSON_FORMAT}
                if chance.random() < 0.8
                else {"tools": TOOLS, "tool_choice": "required"}
            )
            body |= {"max_tokens": 200, **wanted}
        connection = http.client.HTTPConnection("127.0.0.1", self._bench.gateway.port, timeout=12)
        with contextlib.closing(connection):
            headers = {"authorization": f"Bearer {_key(tenant)}", "content-type": "application/json",
                       "x-llm-conversation": f"{chance.random()}"}  # fmt: skip
            connection.request("POST", CHAT, json.dumps(body), headers)
            connection.getresponse().read()


class Cluster:
    """kube-state-metrics, dcgm-exporter, the kubelet and KEDA, as series of a file that is served as it is; ``{now}`` is the start."""

    def __init__(self) -> None:
        lines = (HERE / "cluster.prom").read_text().splitlines()
        started = time.time()
        text = expand("\n".join(line for line in lines if not line.startswith("#")), _WORDS)
        self.text = text.replace("{now}", f"{started:.0f}").replace("{ready}", f"{started + 94:.0f}") + "\n"
        cluster = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("content-type", "text/plain; version=0.0.4")
                self.end_headers()
                self.wfile.write(cluster.text.encode())

            def log_message(self, *_: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def set(self, series: str, value: float) -> None:
        """Give the series that begin like this another value."""
        begin = expand(series, _WORDS)
        lines = self.text.splitlines()
        assert any(line.startswith(begin) for line in lines), begin
        changed = [f"{line.rsplit(' ', 1)[0]} {value}" if line.startswith(begin) else line for line in lines]
        self.text = "\n".join(changed) + "\n"

    def close(self) -> None:
        self._server.shutdown()


def faster(groups: list[dict[str, Any]], speed: int) -> list[dict[str, Any]]:
    """The rules with every duration divided by ``speed``: windows, offsets and `for`, at least three samples long."""
    if speed == 1:
        return groups

    def quick(found: re.Match[str]) -> str:
        seconds = int(found[2]) * {"s": 1, "m": 60, "h": 3600, "d": 86_400}[found[3]]
        return f"{found[1]}{max(4, seconds // speed)}s"

    def quicker(rule: dict[str, Any]) -> dict[str, Any]:
        wait = {"for": re.sub(r"()(\d+)([smhd])", quick, rule["for"])} if "for" in rule else {}
        return {**rule, "expr": re.sub(r"(\[|offset )(\d+)([smhd])\b", quick, rule["expr"]), **wait}

    return [{**group, "rules": [quicker(rule) for rule in group["rules"]]} for group in groups]


def _key(tenant: str) -> str:
    return f"sk-{tenant}-0123456789abcdef0123456789abcdef"
