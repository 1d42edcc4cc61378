"""The chart's own files: where they are, its defaults, and the engine surface it maps intent to."""

from __future__ import annotations

import functools
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
