"""The images that the suite builds: the fake engine, the gateway, and the bench, which is everything around a release."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

from tests.fakes import stage, tiny_model

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
ENGINE, GATEWAY, BENCH = (f"localhost/{name}:e2e" for name in ("fake-vllm", "llm-gateway", "e2e-bench"))
BUILD = "docker build -q -t {tag} {directory} && kind load docker-image {tag}"
NOT_SOURCES = shutil.ignore_patterns("__pycache__", "*.pyc")


def build_all(work: Path) -> None:
    """Build each and make it available to the cluster: ``$E2E_BUILD_IMAGE TAG FOLDER``."""
    for tag, fill in ((ENGINE, stage.stage), (GATEWAY, _gateway), (BENCH, _bench)):
        folder = work / tag.split("/")[1].split(":")[0]
        folder.mkdir()
        fill(folder)
        _build(tag, folder)


def _build(tag: str, folder: Path) -> None:
    hook = os.environ.get("E2E_BUILD_IMAGE")
    if hook:
        subprocess.run([*shlex.split(hook), tag, str(folder)], check=True)
    else:
        subprocess.run(BUILD.format(tag=tag, directory=shlex.quote(str(folder))), shell=True, check=True)  # noqa: S602


def _gateway(folder: Path) -> None:
    """What the gateway's Dockerfile copies, so that nothing else of a working tree reaches the image."""
    dockerfile = ROOT / "gateway" / "Dockerfile"
    shutil.copy2(dockerfile, folder)
    for line in re.findall(r"^COPY (?!--from)(.*)$", dockerfile.read_text(encoding="utf-8"), re.MULTILINE):
        *sources, _ = line.split()
        for source in sources:
            if (ROOT / source).is_dir():
                shutil.copytree(ROOT / source, folder / source, ignore=NOT_SOURCES)
            else:
                shutil.copy2(ROOT / source, folder / source)


def _bench(folder: Path) -> None:
    """The Dockerfile, the version of the ``openai`` client that the lock names, Prometheus as tools/ pins it, and a tokenizer to serve."""
    shutil.copy2(HERE / "bench" / "Dockerfile", folder)
    locked = re.search(r"^openai==(\S+)", (ROOT / "requirements.lock").read_text(encoding="utf-8"), re.MULTILINE)
    assert locked, "requirements.lock names no openai"
    (folder / "requirements.txt").write_text(f"openai=={locked[1]}\nenvoy-server==1.40.0\n", encoding="utf-8")
    shutil.copy2(ROOT / ".bin" / "prometheus", folder)
    tiny_model.write(folder / "tokenizer")
    for name in ("hub.py", "traffic.py"):
        shutil.copy2(HERE / "bench" / name, folder)
