"""The built wheel, installed where there is no repository, with nothing but what it declares to need."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

from llmgen.cli import COMMANDS

pytestmark = pytest.mark.wheel

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "charts" / "llm-serving"
TRIED = {
    "init",
    "validate",
    "size",
    "render",
    "explain",
    "check",
    "diff",
    "doctor",
    "chart",
    "schema",
    "catalog",
    "key",
    "completion",
}


def uv(*arguments: str) -> None:
    found = shutil.which("uv") or str(ROOT / ".bin" / "uv-env" / "bin" / "uv")
    done = subprocess.run([found, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    uv("build", "--quiet", "--wheel", "--out-dir", str(folder))
    (found,) = folder.glob("*.whl")
    return found


class Installed:
    """The wheel in an environment of its own, used from an empty folder."""

    def __init__(self, environment: Path, folder: Path) -> None:
        self.environment, self.folder = environment, folder

    def run(self, *arguments: str, code: int = 0, program: str = "llmgen") -> str:
        path = os.pathsep.join([str(ROOT / ".bin"), os.environ["PATH"]])
        kept = {"PATH": path, "HOME": str(self.folder), "LANG": "C.UTF-8"}
        command = [str(self.environment / "bin" / program), *arguments]
        done = subprocess.run(
            command, cwd=self.folder, env=kept, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
        )
        assert done.returncode == code, done.stderr
        return done.stdout + done.stderr


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    environment = tmp_path_factory.mktemp("venv") / "venv"
    uv("venv", "--quiet", "--python", sys.executable, str(environment))
    uv("pip", "install", "--quiet", "--no-deps", "--python", str(environment / "bin" / "python"), str(wheel))
    (site,) = environment.glob("lib/python*/site-packages")
    for name in _needed("llmgen"):
        _copy(name, site)
    return Installed(environment, tmp_path_factory.mktemp("elsewhere"))


def _needed(name: str) -> set[str]:
    """The distributions that one declares to need, and those these need; none of its extras."""
    found: set[str] = set()
    for text in metadata.requires(name) or ():
        wanted = Requirement(text)
        if wanted.marker is None or wanted.marker.evaluate({"extra": ""}):
            found |= {wanted.name} | _needed(wanted.name)
    return found


def _copy(name: str, site: Path) -> None:
    """Copy a distribution of this environment, so that no registry is asked."""
    for file in metadata.files(name) or ():
        if ".." not in file.parts and "__pycache__" not in file.parts:
            target = site / file
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(str(file.locate()), target)


def test_the_chart_in_it_is_the_chart(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        packed = {name: archive.read(name) for name in archive.namelist()}
    wanted = [
        path for path in CHART.rglob("*") if path.is_file() and path.relative_to(CHART).parts[0] not in ("tests", "ci")
    ]
    assert wanted
    for path in wanted:
        assert packed[f"llmgen/_data/chart/{path.relative_to(CHART)}"] == path.read_bytes()
    assert not [name for name in packed if "/chart/tests/" in name or "/chart/ci/" in name], "Helm packages neither"


def test_it_is_not_the_repository_that_answers(installed: Installed) -> None:
    said = installed.run("-c", "import llmgen; print(llmgen.__file__)", program="python")
    assert said.startswith(str(installed.environment))


def test_every_command_works_away_from_the_repository(installed: Installed) -> None:
    run = installed.run
    assert set(COMMANDS) - {"rollout", "replay"} == TRIED
    run("init", "serving")
    spec = "serving/spec.yaml"
    run("validate", spec)
    assert "chat" in run("size", spec)
    run("render", spec, "-o", "serving/values.yaml", "--manifests", "out")
    manifests = (installed.folder / "out" / "manifests.yaml").read_text(encoding="utf-8")
    kinds = {item["kind"] for item in yaml.safe_load_all(manifests) if item}
    assert {"Deployment", "Service", "NetworkPolicy"} <= kinds
    run("render", spec, "-o", "serving/values.yaml", "--check")
    assert "maxConcurrentRequests" in run("explain", spec, "models.chat")
    run("check", "serving/values.yaml")
    run("diff", spec, "serving/values.yaml")
    for contract in ("serving-spec", "values", "gateway-config", "catalog"):
        assert '"$schema"' in run("schema", contract)
    assert "L40S" in run("catalog", "gpus")
    assert "sha256:" in run("key", "new")
    run("completion", "bash")
    printed = Path(run("chart").removesuffix("\n"))
    assert printed.is_relative_to(installed.environment), "the chart inside the package"
    run("chart", "charts/llm-serving")
    for chart in (str(printed), "charts/llm-serving"):
        command = [shutil.which("helm", path=str(ROOT / ".bin")) or "helm", "template", "assistant", chart]
        again = subprocess.run(
            [*command, "-f", "serving/values.yaml", "-n", "llm-serving", "--kube-version", "1.34.0"],
            cwd=installed.folder, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert again.returncode == 0, again.stderr
        assert "kind: Deployment" in again.stdout
    assert "pip install 'llmgen[cluster]'" in run("doctor", spec, code=1)
