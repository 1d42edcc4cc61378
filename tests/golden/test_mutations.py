"""Goldens with something changed in them: refused with a reason, or rendered to values that are right. Never anything else."""

from __future__ import annotations

import copy
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llmgen import invariants, pipeline, rendering, source
from llmgen.problems import report

HERE = Path(__file__).parent
SPECS = {
    file.parent.name: yaml.safe_load(file.read_text(encoding="utf-8")) for file in sorted(HERE.glob("*/spec.yaml"))
}
ODD = (None, True, 0, 1, -1, 0.5, 2**40, "", "x", "0", "main", "1ms", "9999h", [], [1], {}, {"a": 1})


def _places(data: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    if isinstance(data, dict):
        for key, value in data.items():
            yield (*path, key)
            yield from _places(value, (*path, key))


@st.composite
def mutated(draw: st.DrawFn) -> dict[str, Any]:
    data = copy.deepcopy(SPECS[draw(st.sampled_from(sorted(SPECS)))])
    for _ in range(draw(st.integers(min_value=1, max_value=3))):
        places = list(_places(data))
        if not places:
            break
        *above, key = draw(st.sampled_from(places))
        holder = data
        for step in above:
            holder = holder[step]
        change = draw(st.sampled_from(["odd", "odd", "delete", "misspell", "number", "scale"]))
        if change == "odd":
            holder[key] = copy.deepcopy(draw(st.sampled_from(ODD)))
        elif change == "delete":
            del holder[key]
        elif change == "misspell":
            holder[f"{key}x"] = holder.pop(key)
        elif change == "number":
            holder[draw(st.sampled_from([1, 1.5, True, None]))] = holder.pop(key)
        elif isinstance(holder[key], int | float):
            holder[key] = type(holder[key])(holder[key] * draw(st.sampled_from([0.01, 0.5, 2, 100, 10_000])))
    return data


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=mutated())
def test_a_changed_golden(data: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(HERE / "embed-and-rerank" / "config.json", "config.json")
    Path("spec.yaml").write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
    for env in pipeline.environments("spec.yaml") or (None,):
        outcome = pipeline.run("spec.yaml", env)
        assert outcome.failed == (outcome.values is None)
        assert report(list(outcome.problems)).count("spec.yaml:") >= len(outcome.problems)
        if outcome.values is not None:
            values = source.read_text(rendering.values_text(outcome, "spec.yaml"), "values.yaml").document
            assert values is not None
            assert invariants.check(values) == []
