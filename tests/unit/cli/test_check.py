from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.unit.cli.conftest import GOLDEN, Invoke

from llmgen.pipeline import OVERLAYS
from llmgen.problems.ids import kinds

Change = Callable[[dict[str, Any]], object]


def fork(change: Change) -> Path:
    values = yaml.safe_load((GOLDEN / "canary" / "values.yaml").read_text(encoding="utf-8"))
    change(values)
    file = Path("values.yaml")
    file.write_text(yaml.safe_dump(values), encoding="utf-8")
    return file


def chat(values: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = values["models"]["chat"]
    return found


def v1(values: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = chat(values)["revisions"]["v1"]
    return found


def v2_volume(values: dict[str, Any]) -> None:
    values["volumes"] = {"weights": {"existingClaim": "w", "accessMode": "ReadWriteOnce"}}
    v1(values)["weights"] = {"hub": None, "volume": {"name": "weights", "path": "x"}}
    v1(values)["scaling"] = {"minReplicas": 1, "maxReplicas": 3}


def collide(values: dict[str, Any]) -> None:
    values["models"]["chat-v1"] = {
        **chat(values),
        "revisions": {"x": v1(values)},
        "tracks": {"stable": {"revision": "x"}},
    }


WINDOW = {"timezone": "Etc/UTC", "start": "0 8 * * *", "end": "0 9 * * *", "engines": 1}


def scale(values: dict[str, Any], **keys: Any) -> None:
    """Let KEDA scale v1, rightly but for ``keys``."""
    values["prometheus"] = {"address": "http://prometheus:9090"}
    v1(values)["scaling"] = {"autoscaler": "keda", "minReplicas": 1, "maxReplicas": 3, "inFlightTarget": 1, **keys}


def to_zero(values: dict[str, Any], **keys: Any) -> None:
    """Let KEDA scale v1 to zero, rightly but for ``keys``."""
    chat(values)["class"] = "batch"
    values.setdefault("gateway", {})["enabled"] = True
    scale(values, **{"minReplicas": 0, "demandTarget": 2, **keys})


FORKS: dict[str, list[Change]] = {
    "LLM401": [lambda values: chat(values)["tracks"]["stable"].update(revision="v9")],
    "LLM402": [
        lambda values: (
            chat(values)["tracks"]["stable"].update(weight=90),
            chat(values)["tracks"]["canary"].update(weight=5),
        )
    ],
    "LLM403": [
        lambda values: v1(values)["scaling"].update(minReplicas=5, maxReplicas=2),
        lambda values: v1(values)["scaling"].update(minReplicas=0),
        lambda values: scale(values, fallback={"replicas": 4}),
        lambda values: values.setdefault("gateway", {}).update(enabled=True, scaling={"fallback": {"replicas": 99}}),
    ],
    "LLM404": [
        v2_volume,
        lambda values: v1(values).update(weights={"volume": {"name": "nowhere", "path": "x"}}),
        lambda values: v1(values).update(cache={"volume": "nowhere"}),
    ],
    "LLM405": [
        lambda values: v1(values).update(weights={}),
        lambda values: v1(values)["weights"].update(image={"reference": "a/b:1"}),
    ],
    "LLM406": [lambda values: v1(values).update(maxConcurrentRequests=512, maxBatchedTokens=256)],
    "LLM407": [lambda values: v1(values)["startup"].update(budgetSeconds=60, expectedSeconds=300)],
    "LLM408": [lambda values: v1(values).update(flags={"max-num-seqs": 4})],
    "LLM409": [lambda values: v1(values)["image"].update(tag="latest")],
    "LLM410": [collide],
    "LLM412": [
        lambda values: chat(values)["tracks"].update(shadow={**chat(values)["tracks"]["stable"], "mirrorPercent": 5})
    ],
    "LLM421": [
        lambda values: scale(values, inFlightTarget=None),
        lambda values: scale(values, inFlightTarget=0.95 * v1(values)["maxConcurrentRequests"]),
    ],
    "LLM422": [
        lambda values: to_zero(values, autoscaler="hpa"),
        lambda values: to_zero(values, demandTarget=None),
        lambda values: to_zero(values, warm={"peak": WINDOW}),
        lambda values: (to_zero(values), values.update(gateway={"enabled": False})),
    ],
    "LLM423": [
        lambda values: (scale(values), values.update(prometheus={"address": ""})),
        lambda values: (
            values.setdefault("gateway", {}).update(enabled=True, scaling={"autoscaler": "keda"}),
            values.update(prometheus={}),
        ),
    ],
    "LLM424": [
        lambda values: scale(values, warm={"peak": {**WINDOW, "engines": 9}}),
        lambda values: scale(values, autoscaler="hpa", warm={"peak": WINDOW}),
    ],
}
CASES = [(name, index) for name, changes in FORKS.items() for index in range(len(changes))]


@pytest.mark.parametrize(("name", "index"), CASES, ids=[f"{name}-{index}" for name, index in CASES])
def test_a_forked_file(invoke: Invoke, name: str, index: int) -> None:
    file = fork(FORKS[name][index])
    result = invoke("check", str(file), "--format", "json")
    assert (result.exit_code, result.stderr) == (1, "")
    found = json.loads(result.stdout)
    problems = found["problems"] if isinstance(found, dict) else found
    assert {problem["id"] for problem in problems} == {name}
    text = invoke("check", str(file))
    assert (text.exit_code, text.stdout) == (1, "")
    assert f"values.yaml:{problems[0]['span']['line']}:" in text.stderr


def test_every_kind_of_the_family_is_forked() -> None:
    beside = {"LLM411"}  # about two releases: below
    assert {name for name in kinds() if name.startswith("LLM4")} - beside == FORKS.keys()


@pytest.mark.parametrize(
    ("shares", "problems"),
    [
        ({"stable": {"revision": "v1", "weight": 75}, "canary": {"revision": "v2", "weight": 25}}, 1),
        ({"stable": {"revision": "v1"}, "shadow": {"revision": "v2", "mirrorPercent": 10}}, 1),
        ({"stable": {"revision": "v2"}, "canary": {"revision": "v1", "weight": 0}}, 1),
        ({"stable": {"revision": "v1", "weight": 100}, "canary": {"revision": "v2", "weight": 0}}, 0),
        ({"stable": {"revision": "v1"}, "previous": {"revision": "v2"}}, 0),
    ],
)
def test_a_revision_is_removed_one_release_after_its_requests(
    invoke: Invoke, tmp_path: Path, shares: dict[str, Any], problems: int
) -> None:
    """Of v1 and v2, v2 is removed."""
    before = fork(lambda values: chat(values).update(tracks=shares))
    running = tmp_path / "running.yaml"
    running.write_bytes(before.read_bytes())
    after = fork(
        lambda values: (
            chat(values).update(tracks={"stable": {"revision": "v1"}}), chat(values)["revisions"].pop("v2"),
        )
    )  # fmt: skip
    result = invoke("check", str(after), "--previous", str(running), "--format", "json")
    found = json.loads(result.stdout)
    listed = found["problems"] if isinstance(found, dict) else found
    assert [problem["id"] for problem in listed] == ["LLM411"] * problems
    assert result.exit_code == min(problems, 1)
    said = invoke("diff", str(running), str(after)).stdout
    assert ("chat/v2 has requests" in said) == bool(problems)


def test_a_layer_that_deletes_every_model(invoke: Invoke, tmp_path: Path) -> None:
    base, layer = GOLDEN / "overlays" / "values.yaml", tmp_path / "overrides.yaml"
    layer.write_text("# nothing here yet\nmodels:\n", encoding="utf-8")
    result = invoke("check", str(base), str(layer))
    assert result.exit_code == 1
    assert f"{layer}:2:8: error LLM103" in result.stderr


def test_a_null_stays_where_the_chart_has_no_default_as_in_helm(invoke: Invoke, tmp_path: Path) -> None:
    base, layer = GOLDEN / "canary" / "values.yaml", tmp_path / "overrides.yaml"
    layer.write_text("models: {chat: {revisions: {v1: {image: null, flags: {seed: null}}}}}\n", encoding="utf-8")
    result = invoke("check", str(base), str(layer))
    assert result.exit_code == 1
    assert result.stderr.count("error") == 1
    assert f"{layer}:1:41: error LLM103: models.chat.revisions.v1.image" in result.stderr


def test_a_spec_is_no_values_file(invoke: Invoke) -> None:
    result = invoke("check", str(GOLDEN / "minimal" / "spec.yaml"))
    assert result.exit_code == 2
    assert "is a serving spec, not values: llmgen validate" in result.stderr


def test_a_misspelt_key_does_not_hide_the_rest(invoke: Invoke) -> None:
    def change(values: Any) -> None:
        v1(values).update(dytpe="auto", scaling={"minReplicas": 3, "maxReplicas": 2})

    result = invoke("check", str(fork(change)))
    assert "LLM101" in result.stderr
    assert "LLM403" in result.stderr


def test_the_contract_comes_first(invoke: Invoke) -> None:
    result = invoke("check", str(fork(lambda values: v1(values).update(dytpe="auto"))))
    assert result.exit_code == 1
    assert "LLM101" in result.stderr
    assert "did you mean 'dtype'?" in result.stderr


def test_every_golden_is_fine(invoke: Invoke) -> None:
    for case in sorted(GOLDEN.glob("*/values.yaml")):
        result = invoke("check", str(case))
        assert (result.exit_code, result.stdout) == (0, f"{case}: nothing to complain about\n"), result.stderr


def test_the_files_of_the_chart_are_fine(invoke: Invoke) -> None:
    folder = GOLDEN.parents[1] / "charts" / "llm-serving"
    for file in [*sorted((folder / "ci").glob("*.yaml"))]:
        result = invoke("check", str(folder / "values.yaml"), str(file))
        assert result.exit_code == 0, result.stderr


def test_layers_are_checked_as_helm_merges_them(invoke: Invoke) -> None:
    base = GOLDEN / "overlays" / "values.yaml"
    overlays = [GOLDEN / "overlays" / name for name in OVERLAYS]
    result = invoke("check", str(base), *map(str, overlays))
    assert result.exit_code == 0
    Path("more.yaml").write_text("models: {chat: {revisions: {v1: null}}}\n", encoding="utf-8")
    result = invoke("check", str(base), *map(str, overlays), "more.yaml")
    assert result.exit_code == 1
    assert "LLM401" in result.stderr
    assert f"{overlays[1]}:7:" in result.stderr, "the pointer stands in rollout.yaml"


def test_wrong_usage_and_missing_files(invoke: Invoke) -> None:
    assert invoke("check").exit_code == 2
    result = invoke("check", "nothing.yaml")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "LLM001" in result.stderr


@pytest.mark.parametrize("style", ["github", "sarif"])
def test_formats(invoke: Invoke, style: str) -> None:
    result = invoke("check", str(fork(FORKS["LLM401"][0])), "--format", style)
    assert (result.exit_code, result.stderr) == (1, "")
    assert "LLM401" in result.stdout
