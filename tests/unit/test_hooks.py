"""The pre-commit hooks that other repositories use, run as pre-commit runs them."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
HOOKS = {hook["id"]: hook for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())}
SPEC = ROOT / "values" / "dev" / "spec.yaml"


def run(hook: str, folder: Path, *files: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    command = [*shlex.split(HOOKS[hook]["entry"]), *files]
    return subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )


@pytest.fixture(scope="module")
def values(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("rendered") / "values.yaml"
    command = [sys.executable, "-m", "llmgen", "render", str(SPEC), "-o", str(file)]
    subprocess.run(command, check=True, capture_output=True, stdin=subprocess.DEVNULL)
    return file


@pytest.fixture
def folder(tmp_path: Path, values: Path) -> Path:
    """A repository with two platforms, one in a folder whose name has a space, and the values of another chart."""
    for name in ("one", "another one"):
        (tmp_path / name).mkdir()
        shutil.copy(SPEC, tmp_path / name)
        shutil.copy(values, tmp_path / name)
    (tmp_path / "values.yaml").write_text("of: another chart\n")
    return tmp_path


def test_good_specs_pass(folder: Path) -> None:
    assert run("llmgen-validate", folder, "one/spec.yaml", "another one/spec.yaml").returncode == 0
    files = ("one/spec.yaml", "one/values.yaml", "another one/values.yaml", "values.yaml")
    done = run("llmgen-render", folder, *files)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("is what") == 2, "each folder once, and none without a spec"


def test_a_mistake_fails_whichever_file_it_is_in(folder: Path) -> None:
    wrong = folder / "one" / "spec.yaml"
    wrong.write_text(wrong.read_text().replace("class: interactive", "clas: interactive", 1))
    done = run("llmgen-validate", folder, "one/spec.yaml", "another one/spec.yaml")
    assert done.returncode == 1
    assert "one/spec.yaml:21:5" in done.stderr


def test_drift_fails(folder: Path) -> None:
    (folder / "another one" / "values.yaml").write_text("models: {}\n")
    done = run("llmgen-render", folder, "one/values.yaml", "another one/values.yaml")
    assert done.returncode == 1
    assert "another one/values.yaml has drifted" in done.stderr
