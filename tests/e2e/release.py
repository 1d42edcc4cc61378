"""One Helm release: values rendered by llmgen from a spec, overrides beside them, and changes that a case makes on top."""

from __future__ import annotations

import copy
import json
import re
import shutil
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from tests.e2e.cluster import until

if TYPE_CHECKING:
    from tests.e2e.cluster import Cluster

HERE = Path(__file__).parent
CHART = HERE.parents[1] / "charts" / "llm-serving"
GATEWAY_PORT = 8080


def run(*command: str) -> str:
    """Output of a command. Raises AssertionError with what it said."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
    return done.stdout


class Release:
    """``case`` is a folder of this suite with spec.yaml and overrides.yaml; ``work`` is where values are written."""

    def __init__(self, name: str, case: str, cluster: Cluster, work: Path, *, post_renderer: str = "") -> None:
        self.name, self.cluster = name, cluster
        self.keys: dict[str, str] = {}  # of each tenant
        renderer = ("--post-renderer", post_renderer, "--post-renderer-args", cluster.namespace)
        self._post = renderer if post_renderer else ()
        self._work = work / name
        self._work.mkdir()
        # An edit during the run must not become an upgrade.
        self.chart = Path(shutil.copytree(CHART, self._work / "chart"))
        self.spec = Path(shutil.copy(HERE / case / "spec.yaml", self._work))
        run("llmgen", "render", str(self.spec), "-o", str(self._work / "values.yaml"))
        overrides = yaml.safe_load((HERE / case / "overrides.yaml").read_text(encoding="utf-8"))
        self._write("overrides", self._in_place(overrides))
        self._changes: dict[str, Any] = {}
        self._applied: dict[int, dict[str, Any]] = {}  # Helm's revision -> the changes that made it

    def values(self) -> Any:
        """What llmgen wrote."""
        return yaml.safe_load((self._work / "values.yaml").read_text(encoding="utf-8"))

    @staticmethod
    def fake(revision: dict[str, Any]) -> dict[str, Any]:
        """A revision's values with the fake engine in its place."""
        found: dict[str, Any] = {}
        _merge(found, revision)
        _merge(found, yaml.safe_load((HERE / "fake-engine.yaml").read_text(encoding="utf-8")))
        return found

    def _in_place(self, overrides: dict[str, Any]) -> dict[str, Any]:
        """The overrides, and the fake engine in the place of every engine."""
        models = self.values()["models"].items()
        wanted: dict[str, Any] = {
            "models": {
                model: {"revisions": {key: self.fake({}) for key in given["revisions"]}} for model, given in models
            }
        }
        _merge(wanted, overrides)
        return wanted

    def _write(self, name: str, data: Any) -> None:
        path = self._work / f"{name}.yaml"
        path.write_text(json.dumps(data), encoding="utf-8")  # JSON, so that one engine in two places is no anchor

    @property
    def prefix(self) -> str:
        """What the names of its objects start with."""
        return str(self.values()["fullnameOverride"])

    @property
    def url(self) -> str:
        """Its gateway, as clients in the cluster reach it."""
        return f"http://{self.prefix}-gateway.{self.cluster.namespace}:{GATEWAY_PORT}"

    @property
    def gateways(self) -> str:
        """Selector of its gateway pods."""
        return f"app.kubernetes.io/instance={self.name},app.kubernetes.io/component=gateway"

    def engines(self, model: str = "chat", revision: str = "v1") -> str:
        """Selector of a revision's pods and objects."""
        return f"app.kubernetes.io/instance={self.name},llmgen.dev/model={model},llmgen.dev/revision={revision}"

    def gateway_metrics(self) -> list[dict[str, float]]:
        """What each gateway pod says about itself: series -> value."""
        read = "import urllib.request; print(urllib.request.urlopen('http://127.0.0.1:9090/metrics').read().decode())"
        pods = (pod.metadata.name for pod in self.cluster.pods(self.gateways) if not pod.metadata.deletion_timestamp)
        texts = [self.cluster.run_in(pod, "python3", "-c", read) for pod in pods]
        lines = [[line.rpartition(" ") for line in text.splitlines() if line and line[0] != "#"] for text in texts]
        return [{series: float(value) for series, _, value in pod if series} for pod in lines]

    def hurry(self) -> None:
        """Touch the gateway pods, so that the kubelet looks at their ConfigMap now and not within its next minute or two."""
        for pod in self.cluster.pods(self.gateways):
            touched = {"metadata": {"annotations": {"llmgen.dev/e2e-touched": str(time.time())}}}
            self.cluster.core.patch_namespaced_pod(pod.metadata.name, self.cluster.namespace, touched)

    def issue_keys(self) -> None:
        """Make each tenant a key, and the Secret with its hash that the spec refers to."""
        for tenant, given in self.values().get("tenants", {}).items():
            made = json.loads(run("llmgen", "key", "new", "--format", "json"))
            secret = given["keys"]["primary"]["secret"]
            body = {"metadata": {"name": secret["name"]}, "stringData": {secret["key"]: made["sha256"]}}
            self.cluster.core.create_namespaced_secret(self.cluster.namespace, body)
            self.keys[tenant] = made["key"]

    def command(self, changes: dict[str, Any] | None = None, *options: str) -> list[str]:
        """The command that installs, or upgrades with more values; those of earlier calls stay."""
        _merge(self._changes, changes or {})
        self._write("changes", self._changes)
        files = [self._work / f"{name}.yaml" for name in ("values", "overrides", "changes", "rollout")]
        given = [option for file in files if file.exists() for option in ("-f", str(file))]
        install = ["helm", "upgrade", "--install", self.name, str(self.chart), "-n", self.cluster.namespace]
        return [*install, *given, *self._post, *options]

    def apply(self, changes: dict[str, Any] | None = None) -> None:
        """Install or upgrade. Does not wait."""
        run(*self.command(changes))
        self._applied[self.revision] = copy.deepcopy(self._changes)

    @property
    def revision(self) -> int:
        """Helm's number of what is installed."""
        return int(self.history()[-1]["revision"])

    def new_chart(self, version: str) -> None:
        """Make its chart another version of the same."""
        about = self.chart / "Chart.yaml"
        text = re.sub(r"^version: .*$", f"version: {version}", about.read_text(encoding="utf-8"), flags=re.MULTILINE)
        about.write_text(text, encoding="utf-8")

    def ready(self) -> None:
        """Wait until every engine and gateway is available."""
        for one in self.cluster.deployments(f"app.kubernetes.io/instance={self.name}"):
            until(f"{one} is rolled out", lambda one=one: self.cluster.complete(one), 240)

    def history(self) -> list[dict[str, Any]]:
        """Helm's record of the release: revision, status, chart of each."""
        told = json.loads(run("helm", "history", self.name, "-n", self.cluster.namespace, "-o", "json"))
        return list(told)

    def rollback(self, revision: int) -> None:
        """Go back to a revision of Helm's history, and forget what was changed since."""
        run("helm", "rollback", self.name, str(revision), "-n", self.cluster.namespace)
        self._changes = copy.deepcopy(self._applied[revision])
        self._applied[self.revision] = copy.deepcopy(self._changes)

    def uninstall(self, *, wait: bool = True) -> None:
        """Delete it and wait for its objects."""
        waiting = ("--wait", "--timeout", "3m") if wait else ()
        run("helm", "uninstall", self.name, "-n", self.cluster.namespace, *waiting)


def _merge(into: dict[str, Any], over: dict[str, Any]) -> None:
    for key, value in over.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            into[key] = dict(into[key])
            _merge(into[key], value)
        else:
            into[key] = value
