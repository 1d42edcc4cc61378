"""Write the fake engine's build context: ``stage.py DIRECTORY``.

The flags come from the catalogue and the metrics from the capture, so that neither has a second home; the image has no YAML reader.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import yaml

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
CATALOGUE = ROOT / "generator" / "llmgen" / "catalog" / "vllm" / "0.32.yaml"
CAPTURE = ROOT / "tests" / "fixtures" / "vllm-0.32-metrics.txt"


def stage(directory: Path) -> Path:
    """Fill ``directory`` with everything the Dockerfile copies; it also runs from there with PYTHONPATH set to it."""
    surface = directory / "surface"
    surface.mkdir(parents=True, exist_ok=True)
    shutil.copytree(
        HERE / "fake_engine",
        directory / "fake_engine",
        ignore=shutil.ignore_patterns("__pycache__"),
        dirs_exist_ok=True,
    )
    for name in ("Dockerfile", "vllm"):
        shutil.copy2(HERE / name, directory / name)
    shutil.copy2(CAPTURE, surface / "metrics.txt")
    flags = yaml.safe_load(CATALOGUE.read_text(encoding="utf-8"))["flags"]
    (surface / "flags.json").write_text(json.dumps(flags), encoding="utf-8")
    return directory


if __name__ == "__main__":
    stage(Path(sys.argv[1]))
