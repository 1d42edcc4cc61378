from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.unit.cli.conftest import GOLDEN, Invoke


def after(spec: Path, *replaced: tuple[str, str]) -> str:
    """Write a changed copy of ``spec`` and return its name."""
    text = spec.read_text(encoding="utf-8")
    for old, new in replaced:
        assert old in text
        text = text.replace(old, new)
    Path("after.yaml").write_text(text, encoding="utf-8")
    return "after.yaml"


def test_nothing(invoke: Invoke, spec: Path) -> None:
    result = invoke("diff", str(spec), after(spec))
    assert (result.exit_code, result.stderr) == (0, "")
    first, gpus, price = result.stdout.splitlines()
    assert first == "nothing changes"
    assert gpus.startswith("GPUs   ")
    assert price.startswith("Price  ")
    left, right = price.removeprefix("Price  ").split(" per hour")[0].split(" -> ")
    assert left == right != "0.00 to 0.00"
    assert json.loads(invoke("diff", str(spec), "after.yaml", "--format", "json").stdout) == []


def test_a_limit_restarts_every_engine_of_the_model(invoke: Invoke, spec: Path) -> None:
    result = invoke("diff", str(spec), after(spec, ("maxPromptTokens: 3072", "maxPromptTokens: 2048")))
    assert (
        "Limits\n  models.chat.limits.maxPromptTokens: 3072 -> 2048; rolls every engine of the model\n" in result.stdout
    )


def test_an_edit_in_place_restarts_and_says_what_would_not(invoke: Invoke, spec: Path) -> None:
    result = invoke(
        "diff",
        str(spec),
        after(spec, ("    source:", "    kvCacheDtype: fp8_e5m2\n    source:"), ("L4-24GB", "L4-24GB")),
    )
    assert "Restarts\n  chat/v1 kvCacheDtype: (unset) -> fp8_e5m2\n" in result.stdout
    assert "a new key under `revisions` is deployed beside the old one and restarts nothing" in result.stdout


def test_a_size_restarts_nothing(invoke: Invoke, spec: Path) -> None:
    result = invoke("diff", str(spec), after(spec, ("    source:", "    scaling: {min: 2, max: 2}\n    source:")))
    assert "Sizes\n  chat/v1 scaling.minReplicas: 1 -> 2\n" in result.stdout
    assert "Restarts" not in result.stdout
    assert "GPUs   1 to 1 -> 2 to 2 (least to most)" in result.stdout


def test_models_come_and_go(invoke: Invoke, spec: Path) -> None:
    renamed = after(spec, ("  chat:", "  talk:"))
    result = invoke("diff", str(spec), renamed)
    assert "Added\n  model talk is new: v1 1 to 1 engines of 1 GPUs\n" in result.stdout
    assert "Removed\n  model chat is gone: its callers get 404\n" in result.stdout
    found: list[dict[str, Any]] = json.loads(invoke("diff", str(spec), renamed, "--format", "json").stdout)
    assert {(item["path"], item["effect"]) for item in found} == {("models.talk", "added"), ("models.chat", "removed")}


def test_a_track_is_traffic_and_restarts_nothing(invoke: Invoke) -> None:
    values = yaml.safe_load((GOLDEN / "canary" / "values.yaml").read_text(encoding="utf-8"))
    values["models"]["chat"]["tracks"] = {"stable": {"revision": "v2"}, "previous": {"revision": "v1"}}
    Path("after.yaml").write_text(yaml.safe_dump(values), encoding="utf-8")
    result = invoke("diff", str(GOLDEN / "canary" / "values.yaml"), "after.yaml")
    assert result.stdout.startswith("Traffic\n")
    assert "\n  models.chat.tracks.stable.revision: v1 -> v2\n" in result.stdout
    assert "Restarts" not in result.stdout
    assert "Price" not in result.stdout, "values know no prices"


@pytest.mark.parametrize(("now", "words"), [("external", "helm#12650"), ("none", "the release takes the count over")])
def test_a_switch_of_who_scales_names_the_safe_order(invoke: Invoke, now: str, words: str) -> None:
    values = yaml.safe_load((GOLDEN / "minimal" / "values.yaml").read_text(encoding="utf-8"))
    before = {"external": "none", "none": "external"}[now]
    for name, who in (("before.yaml", before), ("after.yaml", now)):
        values["models"]["chat"]["revisions"]["v1"]["scaling"]["autoscaler"] = who
        Path(name).write_text(yaml.safe_dump(values), encoding="utf-8")
    result = invoke("diff", "before.yaml", "after.yaml")
    assert f"scaling.autoscaler: {before} -> {now}; " in result.stdout
    assert words in result.stdout


def test_spec_against_values(invoke: Invoke, spec: Path) -> None:
    result = invoke("diff", str(GOLDEN / "minimal" / "values.yaml"), str(spec))
    assert result.stdout.splitlines()[0] == "nothing changes"


def test_one_environment_of_both(invoke: Invoke, environments: Path) -> None:
    shutil.copy(environments, "after.yaml")
    assert invoke("diff", str(environments), "after.yaml", "--env", "prod").stdout.startswith("nothing changes")
    assert invoke("diff", str(environments), "after.yaml").exit_code == 2


def test_a_wrong_side(invoke: Invoke, spec: Path) -> None:
    Path("wrong.yaml").write_text("models: {chat: {revisions: 3}}\n", encoding="utf-8")
    result = invoke("diff", str(spec), "wrong.yaml")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "wrong.yaml:1:" in result.stderr
    assert invoke("diff", str(spec)).exit_code == 2
    assert invoke("diff", str(spec), "nothing.yaml").exit_code == 1
