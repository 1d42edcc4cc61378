"""Null takes the chart's own default away: every block is refused by name, or can be missed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from tests.chart.conftest import CHART, CI, Helm, load

DEFAULTS: dict[str, Any] = load((CHART / "values.yaml").read_text())
GUARD = (CHART / "templates" / "validate" / "values.yaml").read_text()
EVERY_BRANCH = CI / "all-branches-values.yaml"

Path = tuple[str, ...]


def blocks(values: dict[str, Any], above: Path = ()) -> Iterator[Path]:
    """Maps and lists, each with its path."""
    for key, value in values.items():
        if isinstance(value, dict | list):
            yield (*above, key)
        if isinstance(value, dict):
            yield from blocks(value, (*above, key))


BLOCKS = frozenset(blocks(DEFAULTS))
GUARDED = frozenset(path for path in BLOCKS if f'"{".".join(path)}"' in GUARD)


def nulls(paths: Iterable[Path]) -> dict[str, Any]:
    """Values with null at each path; a path below another one is left to that."""
    found: dict[str, Any] = {}
    for path in sorted(paths, key=len):
        node: Any = found
        for step in path[:-1]:
            node = None if node is None else node.setdefault(step, {})
        if node is not None:
            node[path[-1]] = None
    return found


def test_every_guarded_block_is_refused_by_its_name(helm: Helm):
    leaves = {path for path in GUARDED if not any(other[:-1] == path for other in GUARDED)}
    assert len(leaves) > 40
    done = helm.attempt(EVERY_BRANCH, values=nulls(leaves))
    assert done.returncode != 0
    said = re.findall(r"^([\w.]+): got nothing, want ", done.stderr, re.MULTILINE)
    assert set(said) == {".".join(path) for path in leaves}


def test_everything_else_can_be_missed(helm: Helm):
    free = BLOCKS - GUARDED - {("models",), ("volumes",)}  # refused where they are missed
    assert len(free) > 20
    done = helm.attempt(EVERY_BRANCH, values=nulls(free))
    assert done.returncode == 0, done.stderr
