"""The packaged chart, the Helm versions that render it, and what they rendered."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "charts" / "llm-serving"
CI = CHART / "ci"
CASES = ("minimal", "all-branches", "image-volume")
KUBE_VERSION = "1.34.0"
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def load(text: str) -> Any:
    return yaml.load(text, _Loader)  # noqa: S506 -- a safe loader


def load_all(text: str) -> list[dict[str, Any]]:
    return [document for document in yaml.load_all(text, _Loader) if document]


def tool(name: str) -> str:
    """Return a built tool, or the one on PATH. Where there is neither, skip the test; in CI, which builds what it runs, fail it."""
    built = ROOT / ".bin" / name
    found = str(built) if built.is_file() else shutil.which(name)
    if found is None:
        missing = f"{name} is not built (tools/build.sh {name})"
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)
    return found


class Helm:
    """One Helm binary, and how the tests call it."""

    def __init__(self, binary: str, chart: Path) -> None:
        self.binary = binary
        self.chart = chart

    def run(self, *arguments: str, values: dict[str, Any] | None = None) -> subprocess.CompletedProcess[str]:
        stdin = "" if values is None else json.dumps(values)
        extra = () if values is None else ("--values", "-")
        environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "HELM_CACHE_HOME": "/tmp"}  # noqa: S108 -- never written
        return subprocess.run(
            [self.binary, *arguments, *extra], input=stdin, capture_output=True, text=True, env=environment, check=False
        )

    def template(
        self,
        *files: Path,
        values: dict[str, Any] | None = None,
        release: str = "demo",
        kube: str = KUBE_VERSION,
        chart: Path | None = None,
    ) -> str:
        done = self.attempt(*files, values=values, release=release, kube=kube, chart=chart)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def attempt(
        self,
        *files: Path,
        values: dict[str, Any] | None = None,
        release: str = "demo",
        kube: str = KUBE_VERSION,
        chart: Path | None = None,
    ) -> subprocess.CompletedProcess[str]:
        options = [option for file in files for option in ("--values", str(file))]
        place = ("template", release, str(chart or self.chart), "--namespace", "ns", "--kube-version", kube)
        return self.run(*place, *options, values=values)

    def objects(
        self, *files: Path, values: dict[str, Any] | None = None, release: str = "demo", kube: str = KUBE_VERSION
    ) -> list[dict[str, Any]]:
        return load_all(self.template(*files, values=values, release=release, kube=kube))


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The chart as `helm package` makes it."""
    folder = tmp_path_factory.mktemp("package")
    done = Helm(tool("helm"), CHART).run("package", str(CHART), "--destination", str(folder))
    assert done.returncode == 0, done.stderr
    return next(folder.glob("*.tgz"))


@pytest.fixture(scope="session")
def members(package: Path) -> dict[str, bytes]:
    """Files of the package, by path inside the chart."""
    with tarfile.open(package) as archive:
        files = ((member.name, archive.extractfile(member)) for member in archive.getmembers())
        return {name.removeprefix("llm-serving/"): file.read() for name, file in files if file is not None}


@pytest.fixture(scope="session")
def schema(members: dict[str, bytes]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(members["values.schema.json"])
    return found


@pytest.fixture(scope="session")
def helm(package: Path) -> Helm:
    return Helm(tool("helm"), package)


@pytest.fixture(scope="session")
def helm4(package: Path) -> Helm:
    return Helm(tool("helm4"), package)


@pytest.fixture(scope="session")
def rendered(helm: Helm) -> dict[str, list[dict[str, Any]]]:
    """Objects of each file in ci/, by case."""
    return {case: helm.objects(CI / f"{case}-values.yaml") for case in CASES}


@pytest.fixture(scope="session")
def pods(rendered: dict[str, list[dict[str, Any]]]) -> dict[str, dict[str, Any]]:
    """Every pod spec that the ci files render, by case, kind and name."""
    found: dict[str, dict[str, Any]] = {}
    for case, objects in rendered.items():
        for item in objects:
            name = f"{case}/{item['kind']}/{item['metadata']['name']}"
            if item["kind"] == "Pod":
                found[name] = item["spec"]
            elif item["kind"] == "Deployment":
                found[name] = item["spec"]["template"]["spec"]
    return found


def ci_values(case: str) -> dict[str, Any]:
    values: dict[str, Any] = load((CI / f"{case}-values.yaml").read_text())
    return values


def only(objects: list[dict[str, Any]], kind: str, name: str | None = None) -> dict[str, Any]:
    """Return the one object of a kind (and name)."""
    found = [item for item in objects if item["kind"] == kind and name in (None, item["metadata"]["name"])]
    assert len(found) == 1, f"{len(found)} objects of kind {kind}"
    return found[0]
