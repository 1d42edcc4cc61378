"""The brake on an API server: pulled first, released last, and said clearly where it cannot be."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.unit.rollout.conftest import FILE, Rollout, written
from tests.unit.rollout.prometheus import Fake

pytest.importorskip("kubernetes")

BRAKE, GATEWAY = "assistant-brake", "assistant-gateway"
Objects = dict[str, dict[str, Any]]


@pytest.fixture
def configmaps(folder: Path) -> Iterator[Objects]:
    """ConfigMaps of the namespace `llm` on a server whose kubeconfig is ./kubeconfig; a status under "refuse" answers everything."""
    found: Objects = {GATEWAY: _gateway(canary=0)}
    path = "/api/v1/namespaces/llm/configmaps"

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.removeprefix(f"{path}/")
            self._answer(*((200, found[name]) if name in found else (404, {})))

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            assert self.path.startswith(path)
            found[body["metadata"]["name"]] = body
            self._answer(201, body)

        def do_DELETE(self) -> None:
            del found[self.path.removeprefix(f"{path}/")]
            self._answer(200, {"kind": "Status", "status": "Success"})

        def _answer(self, status: int, data: object) -> None:
            refused = found.get("refuse")
            body = json.dumps(data).encode()
            self.send_response(refused["status"] if refused else status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    _kubeconfig(folder, server.server_port)
    yield found
    server.shutdown()
    server.server_close()


def _kubeconfig(folder: Path, port: int) -> None:
    (folder / "kubeconfig").write_text(
        yaml.safe_dump(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": "here",
                "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{port}"}}],
                "users": [{"name": "u", "user": {}}],
                "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u"}}],
            }
        )
    )


def _gateway(canary: int) -> dict[str, Any]:
    tracks = {
        "stable": {"revision": "v1"},
        "canary": {"revision": "v2", "weight": canary},
        "shadow": {"revision": "v2", "mirrorPercent": 0},
    }
    return {
        "metadata": {"name": GATEWAY},
        "data": {"gateway.yaml": yaml.safe_dump({"models": {"chat": {"tracks": tracks}}})},
    }


@pytest.fixture
def begun(rollout: Rollout, prometheus: Fake, folder: Path) -> Path:
    rollout("advance", "--prometheus", prometheus.address)
    return folder


def test_an_abort_brakes_the_cluster_before_it_writes(rollout: Rollout, configmaps: Objects, begun: Path):
    done = rollout("abort", "--kubeconfig", "kubeconfig")
    assert done.exit_code == 0, done.output
    assert "brake: on: all gateways of assistant send everything to stable" in done.output
    assert configmaps[BRAKE]["metadata"]["labels"] == {"app.kubernetes.io/managed-by": "llmgen"}
    assert configmaps[BRAKE]["data"]["reason"] == "llmgen rollout abort: chat v2"
    assert written(begun)["rollout"]["step"] == "aborted"
    again = rollout("abort", "--kubeconfig", "kubeconfig", "--context", "here")
    assert "brake: was on already" in again.output


@pytest.mark.parametrize("why", ["server", "refusal", "kubeconfig", "context"])
def test_a_cluster_that_cannot_be_braked_is_said_and_the_file_is_written(
    rollout: Rollout, configmaps: Objects, begun: Path, why: str
):
    options = ["--kubeconfig", "kubeconfig"]
    if why == "server":
        _kubeconfig(begun, 9)
    elif why == "refusal":
        configmaps["refuse"] = {"status": 403}
    elif why == "kubeconfig":
        options = ["--kubeconfig", "missing"]
    else:
        options += ["--context", "elsewhere"]
    done = rollout("abort", *options)
    assert done.exit_code == 1
    assert "brake: NOT set" in done.output
    assert "Requests go on as they do until rollout.yaml is applied" in done.output
    assert written(begun)["rollout"]["step"] == "aborted"
    assert BRAKE not in configmaps


def test_a_dry_run_and_no_brake_leave_the_cluster_alone(rollout: Rollout, configmaps: Objects, begun: Path):
    before = (begun / FILE).read_bytes()
    assert 'step: "aborted"' in rollout("abort", "--kubeconfig", "kubeconfig", "--dry-run").output
    assert (begun / FILE).read_bytes() == before
    assert rollout("abort", "--kubeconfig", "kubeconfig", "--no-brake").exit_code == 0
    assert BRAKE not in configmaps


def test_without_a_gateway_there_is_nothing_to_brake(rollout: Rollout, configmaps: Objects, begun: Path):
    spec = begun / "spec.yaml"
    text = spec.read_text()
    spec.write_text(text[: text.index("tenants:")] + "gateway: {enabled: false}\n")
    done = rollout("abort", "--kubeconfig", "kubeconfig")
    assert "the release has no gateway" in done.output
    assert BRAKE not in configmaps


def test_the_brake_goes_once_no_canary_has_a_live_weight(rollout: Rollout, configmaps: Objects, begun: Path):
    del begun
    rollout("abort", "--kubeconfig", "kubeconfig")
    configmaps[GATEWAY] = _gateway(canary=25)
    refused = rollout("release", "--kubeconfig", "kubeconfig")
    assert refused.exit_code == 1
    assert "chat 25 %" in refused.output
    assert BRAKE in configmaps
    configmaps[GATEWAY] = _gateway(canary=0)
    assert "the brake is off" in rollout("release", "--kubeconfig", "kubeconfig").output
    assert BRAKE not in configmaps
    assert "there was no brake" in rollout("release", "--kubeconfig", "kubeconfig").output


def test_a_brake_of_somebody_else_stays(rollout: Rollout, configmaps: Objects, begun: Path):
    del begun
    configmaps[BRAKE] = {"metadata": {"name": BRAKE}}
    refused = rollout("release", "--kubeconfig", "kubeconfig")
    assert refused.exit_code == 1
    assert "was not made by llmgen" in refused.output
    assert BRAKE in configmaps
    configmaps.pop(GATEWAY)
    assert "assistant-gateway is not there" in rollout("release", "--kubeconfig", "kubeconfig").output
