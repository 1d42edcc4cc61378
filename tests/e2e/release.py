"""One Helm release: values rendered by llmgen from a spec, overrides beside them, and changes that a case makes on top."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent
IMAGE = "localhost/fake-vllm:e2e"  # as serving/overrides.yaml names it
V1 = "llmgen.dev/model=chat,llmgen.dev/revision=v1"  # the pods and objects of the serving release's engines
CHART = HERE.parents[1] / "charts" / "llm-serving"


def run(*command: str) -> str:
    """Output of a command. Raises AssertionError with what it said."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
    return done.stdout


class Release:
    """``case`` is a folder of this suite with spec.yaml and overrides.yaml; ``work`` is where values are written."""

    def __init__(self, name: str, case: str, namespace: str, work: Path) -> None:
        self.name, self.namespace = name, namespace
        self._work = work / name
        self._work.mkdir()
        self._chart = Path(
            shutil.copytree(CHART, self._work / "chart")
        )  # an edit during the run must not become an upgrade
        shutil.copy(HERE / case / "overrides.yaml", self._work)
        run("llmgen", "render", str(HERE / case / "spec.yaml"), "-o", str(self._work / "values.yaml"))
        self._changes: dict[str, Any] = {}

    def values(self) -> Any:
        """What llmgen wrote."""
        return yaml.safe_load((self._work / "values.yaml").read_text(encoding="utf-8"))

    @property
    def prefix(self) -> str:
        """What the names of its objects start with."""
        return str(self.values()["fullnameOverride"])

    def apply(self, changes: dict[str, Any] | None = None) -> None:
        """Install, or upgrade with more values; those of earlier calls stay. Does not wait."""
        _merge(self._changes, changes or {})
        path = self._work / "changes.yaml"
        path.write_text(yaml.safe_dump(self._changes), encoding="utf-8")
        files = (
            option for name in ("values", "overrides", "changes") for option in ("-f", str(self._work / f"{name}.yaml"))
        )
        run("helm", "upgrade", "--install", self.name, str(self._chart), "-n", self.namespace, *files)

    def uninstall(self) -> None:
        run("helm", "uninstall", self.name, "-n", self.namespace, "--wait", "--timeout", "3m")


def _merge(into: dict[str, Any], over: dict[str, Any]) -> None:
    for key, value in over.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            _merge(into[key], value)
        else:
            into[key] = value
