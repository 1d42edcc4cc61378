"""A real kube-apiserver on etcd, without a cluster behind it: what it admits is stored, nothing is scheduled."""

from __future__ import annotations

import secrets
import shutil
import ssl
import subprocess
import time
import urllib.request
from pathlib import Path
from typing import IO

from tests.ports import free_ports

ROOT = Path(__file__).resolve().parents[2]
_PATIENCE = 60.0
"""Seconds until the server must be ready; 5 are usual."""


class ServerError(RuntimeError):
    """Something is missing, or the server did not start; the message says what to do."""


class Server:
    """etcd and kube-apiserver on free loopback ports; everything they write is under ``folder``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._running: list[subprocess.Popen[bytes]] = []
        self._logs: list[IO[bytes]] = []
        self._port = 0
        self._token = secrets.token_hex(16)

    def start(self) -> Path:
        """Start both, wait until the server is ready, and return a kubeconfig. Raises ServerError."""
        etcd, apiserver = (
            _binary("etcd", "apt-get install etcd-server"),
            _binary("kube-apiserver", "tools/build.sh kube-apiserver"),
        )
        self._certificates()
        client, peer, self._port = free_ports(3)
        store = f"http://127.0.0.1:{client}"
        self._spawn("etcd", [
            etcd, "--data-dir", str(self._folder / "etcd"), "--unsafe-no-fsync", "--log-level", "error",
            "--listen-client-urls", store, "--advertise-client-urls", store, "--listen-peer-urls", f"http://127.0.0.1:{peer}",
        ])  # fmt: skip
        (self._folder / "tokens.csv").write_text(f'{self._token},admin,admin,"system:masters"\n')
        self._spawn("kube-apiserver", [
            apiserver, "--etcd-servers", store, "--bind-address", "127.0.0.1", "--advertise-address", "127.0.0.1",
            "--secure-port", str(self._port), "--tls-cert-file", self._path("server.crt"), "--tls-private-key-file", self._path("server.key"),
            "--service-account-key-file", self._path("server.key"), "--service-account-signing-key-file", self._path("server.key"),
            "--service-account-issuer", "https://kubernetes.default.svc", "--service-cluster-ip-range", "10.96.0.0/16",
            "--authorization-mode", "RBAC", "--token-auth-file", self._path("tokens.csv"),
            # Beta and off before 1.35; without it the server drops the volume's source before it looks at it.
            "--feature-gates", "ImageVolume=true",
        ])  # fmt: skip
        self._wait()
        return self._kubeconfig()

    def stop(self) -> None:
        """Stop what was started, the server before its store."""
        for process in reversed(self._running):
            process.terminate()
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._running.clear()
        for log in self._logs:
            log.close()

    def _path(self, name: str) -> str:
        return str(self._folder / name)

    def _spawn(self, name: str, arguments: list[str]) -> None:
        log = (self._folder / f"{name}.log").open("wb")
        self._logs.append(log)
        self._running.append(
            subprocess.Popen(arguments, stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=self._folder)
        )

    def _certificates(self) -> None:
        """One self-signed certificate: it is its own authority, and its key signs service account tokens too."""
        subprocess.run(
            [
                "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=kube-apiserver",
                "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", self._path("server.key"), "-out", self._path("server.crt"),
            ],
            check=True, capture_output=True,
        )  # fmt: skip

    def _wait(self) -> None:
        trust = ssl.create_default_context(cafile=self._path("server.crt"))
        request = urllib.request.Request(
            f"https://127.0.0.1:{self._port}/readyz", headers={"Authorization": f"Bearer {self._token}"}
        )
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            for process in self._running:
                if process.poll() is not None:
                    raise ServerError(f"{Path(str(process.args[0])).name} stopped: {self._last_words()}")  # type: ignore[index]
            try:
                with urllib.request.urlopen(request, context=trust, timeout=5):  # noqa: S310 -- as above
                    return
            except OSError:
                time.sleep(0.1)
        raise ServerError(f"kube-apiserver was not ready in {_PATIENCE:.0f} s: {self._last_words()}")

    def _last_words(self) -> str:
        return "\n".join(
            line
            for log in sorted(self._folder.glob("*.log"))
            for line in [log.name, *log.read_text(errors="replace").splitlines()[-8:]]
        )

    def _kubeconfig(self) -> Path:
        file = self._folder / "kubeconfig"
        file.write_text(
            "apiVersion: v1\nkind: Config\ncurrent-context: test\n"
            "clusters:\n- name: test\n  cluster:\n"
            f"    server: https://127.0.0.1:{self._port}\n    certificate-authority: {self._path('server.crt')}\n"
            f"users:\n- name: admin\n  user: {{token: {self._token}}}\n"
            "contexts:\n- name: test\n  context: {cluster: test, user: admin}\n"
        )
        file.chmod(0o600)
        return file


def _binary(name: str, remedy: str) -> str:
    built = ROOT / ".bin" / name
    found = str(built) if built.is_file() else shutil.which(name)
    if found is None:
        raise ServerError(f"{name} is missing: {remedy}, or set LLMGEN_KUBECONFIG to a cluster that may be written to")
    return found
