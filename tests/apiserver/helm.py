"""Helm 3 and Helm 4 as an operator calls them."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "charts" / "llm-serving"
KUBERNETES = "1.34.0"
"""Minor version of the API server that tools/ pins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Helm:
    """One Helm binary against one cluster; ``home`` keeps it away from the user's own Helm."""

    binary: Path
    kubeconfig: Path
    home: Path

    def install(self, release: str, namespace: str, *values: Path) -> str:
        """Install a release; nothing is waited for."""
        return self._run("install", release, str(CHART), "--namespace", namespace, *_files(values))

    def upgrade(self, release: str, namespace: str, *values: Path) -> str:
        """Upgrade a release to exactly these values."""
        return self._run("upgrade", release, str(CHART), "--namespace", namespace, *_files(values))

    def rollback(self, release: str, namespace: str, revision: int) -> str:
        """Roll a release back to one of its revisions."""
        return self._run("rollback", release, str(revision), "--namespace", namespace)

    def uninstall(self, release: str, namespace: str) -> str:
        """Uninstall a release."""
        return self._run("uninstall", release, "--namespace", namespace)

    def template(self, release: str, namespace: str, *values: Path) -> str:
        """Return what would be rendered for the Kubernetes version that the tests run, without asking the cluster."""
        version = ("--kube-version", KUBERNETES)
        return self._run("template", release, str(CHART), "--namespace", namespace, *version, *_files(values))

    def hooks(self, release: str, namespace: str) -> str:
        """Return the manifests of the release's hooks, `helm test` among them."""
        return self._run("get", "hooks", release, "--namespace", namespace)

    def _run(self, *arguments: str) -> str:
        """Return what Helm printed. A warning of the API server (deprecation, Pod Security) is a failure."""
        folders = {f"HELM_{part}_HOME": str(self.home / part) for part in ("CACHE", "CONFIG", "DATA")}
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "KUBECONFIG": str(self.kubeconfig),
            **folders,
        }
        done = subprocess.run(
            [str(self.binary), *arguments],
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
            env=environment,
        )
        assert done.returncode == 0, f"helm {arguments[0]}: {done.stderr}"
        assert "warning" not in done.stderr.lower(), done.stderr
        return done.stdout


def binary(name: str) -> Path:
    """Return ``.bin/<name>``. Raises FileNotFoundError."""
    found = ROOT / ".bin" / name
    if not found.is_file():
        raise FileNotFoundError(f"{name} is not built: tools/build.sh {name}")
    return found


def _files(values: tuple[Path, ...]) -> list[str]:
    return [option for file in values for option in ("--values", str(file))]
