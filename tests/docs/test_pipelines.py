"""The snippets of docs/how-to/check-in-a-pipeline.md, run as the pipelines run them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "how-to" / "check-in-a-pipeline.md").read_text(encoding="utf-8")
SNIPPETS = [yaml.safe_load(text) for text in re.findall(r"```yaml foreign\n(.*?)```", PAGE, re.DOTALL)]
PRE_COMMIT, GITHUB, GITLAB = SNIPPETS


def scripts() -> list[str]:
    """Every script that calls llmgen on the files of a checkout; what compares with the target branch needs one."""
    (job,) = GITHUB["jobs"].values()
    steps = [step["run"] for step in job["steps"] if step.get("run", "").startswith("llmgen ")]
    return [script for script in [*steps, *GITLAB["specs"]["script"]] if "git show" not in script]


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rendered")
    for env in ("dev", "prod"):
        target = folder / "values" / env
        target.mkdir(parents=True)
        shutil.copy(ROOT / "values" / env / "spec.yaml", target)
        command = [
            sys.executable,
            "-m",
            "llmgen",
            "render",
            str(target / "spec.yaml"),
            "-o",
            str(target / "values.yaml"),
        ]
        subprocess.run(command, check=True, capture_output=True, stdin=subprocess.DEVNULL)
    return folder


@pytest.fixture
def repository(rendered: Path, tmp_path: Path) -> Path:
    """A repository with two environments, rendered."""
    shutil.copytree(rendered / "values", tmp_path / "values")
    return tmp_path


def run(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return subprocess.run(
        ["bash", "-e", "-c", script], cwd=folder, env={**os.environ, "PATH": path}, capture_output=True, text=True,
        check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip


def test_there_are_scripts() -> None:
    assert len(list(scripts())) == 3


@pytest.mark.parametrize("script", scripts())
def test_a_good_repository_passes(repository: Path, script: str) -> None:
    done = run(script, repository)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("script", scripts())
def test_a_mistake_or_drift_fails(repository: Path, script: str) -> None:
    folder = repository / "values" / "prod"
    if "--check" in script:
        (folder / "values.yaml").write_text("models: {}\n")
    else:
        text = (folder / "spec.yaml").read_text()
        (folder / "spec.yaml").write_text(text.replace("class: interactive", "clas: interactive", 1))
    assert run(script, repository).returncode == 1


def test_versions_and_hooks_are_ours() -> None:
    (repo,) = PRE_COMMIT["repos"]
    hooks: list[dict[str, Any]] = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    assert repo["rev"] == f"v{version('llmgen')}"
    assert {hook["id"] for hook in repo["hooks"]} == {hook["id"] for hook in hooks}
