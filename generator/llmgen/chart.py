"""The chart's own files: where they are, its defaults, and the engine surface it maps intent to."""

from __future__ import annotations

import filecmp
import functools
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml


def folder() -> Path:
    """Return the chart's folder: inside the installed package, else in the repository. Raises FileNotFoundError."""
    here = Path(__file__).parent
    for candidate in (here / "_data" / "chart", here.parents[1] / "charts" / "llm-serving"):
        if (candidate / "Chart.yaml").is_file():
            return candidate
    raise FileNotFoundError("the chart is neither in the package nor in a repository around it")


PACKAGED = (".helmignore", "Chart.yaml", "README.md", "files", "templates", "values.schema.json", "values.yaml")
"""What of the chart's folder Helm packages, and the wheel holds."""


def copy(target: Path) -> tuple[str, ...]:
    """Copy what Helm packages to ``target``, whole or not at all; one that is there and not empty is never written to.

    Return the files in which a folder that is there differs, sorted, nothing if it is the chart already. Raises OSError.
    """
    source = folder()
    if target.exists() and target.samefile(source):
        return ()
    wanted = {file.relative_to(source) for part in PACKAGED for file in _files(source / part)}
    if target.is_dir() and any(target.iterdir()):
        there = {file.relative_to(target) for file in _files(target)}
        same = {name for name in wanted & there if filecmp.cmp(source / name, target / name, shallow=False)}
        return tuple(sorted(str(name) for name in (wanted | there) - same))
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}.") as temporary:
        whole = Path(temporary) / "chart"
        for name in sorted(wanted):
            (whole / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source / name, whole / name)
        whole.rename(target)
    return ()


def _files(path: Path) -> list[Path]:
    return [path] if path.is_file() else [file for file in path.rglob("*") if not file.is_dir()]


@functools.cache
def defaults() -> Mapping[str, Any]:
    """Return the chart's values.yaml as plain data."""
    return read("values.yaml")


@functools.cache
def flag_owners() -> Mapping[str, str]:
    """Return the engine flags that the chart sets itself, and the values key that decides each."""
    owners: dict[str, str] = {}
    for intent in read("files/engine.yaml")["intents"].values():
        for flag in (intent["flag"], *intent.get("aliases", ())):
            owners[flag] = intent["from"]
    return owners


@functools.cache
def default_flags(kind: str) -> tuple[str, ...]:
    """Return every flag that the chart may render by itself for a model of ``kind``."""
    engine = read("files/engine.yaml")
    intents = [intent["flag"] for intent in engine["intents"].values()]
    return tuple(dict.fromkeys([*intents, *engine["defaults"]["all"], *engine["defaults"].get(kind, {})]))


def read(name: str) -> dict[str, Any]:
    """Return one of the chart's YAML files as plain data. Raises FileNotFoundError."""
    data: dict[str, Any] = yaml.load((folder() / name).read_bytes(), getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 -- the safe loader, in C
    return data
