"""A cluster, a namespace, the two Helms, and the environments as `llmgen render` makes them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.apiserver.cluster import Cluster
from tests.apiserver.helm import ROOT, Helm, binary
from tests.apiserver.kinds import installed
from tests.apiserver.server import Server, ServerError

from llmgen import pipeline

ENVIRONMENTS = sorted(path.parent.name for path in (ROOT / "values").glob("*/spec.yaml"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """The values of one environment, as files in the order they are layered."""

    name: str
    files: tuple[Path, ...]
    data: dict[str, Any]

    @property
    def release(self) -> str:
        return str(self.data["fullnameOverride"])


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """The cluster of LLMGEN_KUBECONFIG, else an API server of our own."""
    given = os.environ.get("LLMGEN_KUBECONFIG")
    if given:
        with installed(Path(given)):
            yield Cluster(Path(given))
        return
    server = Server(tmp_path_factory.mktemp("apiserver"))
    try:
        kubeconfig = _started(server)
        with installed(kubeconfig):
            yield Cluster(kubeconfig)
    finally:
        server.stop()


def _started(server: Server) -> Path:
    try:
        return server.start()
    except ServerError as error:  # nothing can be tested: say so once
        pytest.exit(str(error), returncode=1)


@pytest.fixture
def namespace(cluster: Cluster) -> Iterator[str]:
    name = cluster.namespace()
    yield name
    cluster.remove_namespace(name)


@pytest.fixture(params=["helm", "helm4"], scope="session")
def helm(request: pytest.FixtureRequest, cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Helm:
    return Helm(
        binary=binary(request.param), kubeconfig=cluster.kubeconfig, home=tmp_path_factory.mktemp(request.param)
    )


@pytest.fixture(scope="session")
def render(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Rendered]:
    """Render an environment of this repository, once."""
    made: dict[str, Rendered] = {}

    def one(name: str) -> Rendered:
        if name not in made:
            made[name] = _render(name, tmp_path_factory.mktemp(name))
        return made[name]

    return one


@pytest.fixture(params=ENVIRONMENTS)
def environment(request: pytest.FixtureRequest, render: Callable[[str], Rendered]) -> Rendered:
    return render(request.param)


def _render(name: str, folder: Path) -> Rendered:
    source = ROOT / "values" / name
    for overlay in pipeline.OVERLAYS:
        if (source / overlay).exists():
            shutil.copy(source / overlay, folder)
    values = folder / "values.yaml"
    command = [sys.executable, "-m", "llmgen", "render", str(source / "spec.yaml"), "-o", str(values)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stderr
    overlays = tuple(folder / name for name in pipeline.OVERLAYS if (folder / name).exists())
    data = yaml.load(values.read_text(), getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 -- the safe loader, in C
    return Rendered(name=name, files=(values, *overlays), data=data)
