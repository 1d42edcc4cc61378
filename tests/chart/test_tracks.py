"""Tracks are pointers: promoting, rolling back and retiring change Services, never a pod."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest
from tests.chart.conftest import CHART, Helm, ci_values, load_all

if TYPE_CHECKING:
    from pathlib import Path

HUB = {"hub": {"repo": "a/b", "revision": "0123456789abcdef0123456789abcdef01234567"}}


def values(**tracks: dict[str, Any]) -> dict[str, Any]:
    """Return a model of three revisions with these tracks."""
    base = ci_values("minimal")
    chat = base["models"]["chat"]
    chat["tracks"] = tracks
    chat["revisions"] = {
        name: {"weights": HUB, "maxConcurrentRequests": size} for name, size in (("v0", 8), ("v1", 16), ("v2", 32))
    }
    return base


BEFORE = values(stable={"revision": "v1"}, canary={"revision": "v2"}, previous={"revision": "v0"})
STEPS = {
    "promote": values(stable={"revision": "v2"}, previous={"revision": "v1"}),
    "roll back": values(stable={"revision": "v0"}),
    "shadow": values(
        stable={"revision": "v1"}, canary={"revision": "v2"}, shadow={"revision": "v2"}, previous={"revision": "v0"}
    ),
    "abort": values(stable={"revision": "v1"}, previous={"revision": "v0"}),
}


def by_key(objects: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {f"{item['kind']}/{item['metadata']['name']}": item for item in objects}


@pytest.mark.parametrize("step", STEPS)
def test_moving_a_track_changes_nothing_but_the_models_service(helm: Helm, step: str):
    before, after = by_key(helm.objects(values=BEFORE)), by_key(helm.objects(values=STEPS[step]))
    assert set(before) == set(after)
    changed = {key for key in before if before[key] != after[key]}
    moved = step in {"promote", "roll back"}
    assert changed == ({"Service/demo-chat"} if moved else set())


def test_the_service_follows_the_stable_track(helm: Helm):
    service = by_key(helm.objects(values=STEPS["promote"]))["Service/demo-chat"]
    assert service["spec"]["selector"]["llmgen.dev/revision"] == "v2"


def test_a_service_finds_its_own_pods_and_no_others(helm: Helm):
    objects = helm.objects(values=BEFORE)
    pods = {
        item["metadata"]["name"]: item["spec"]["template"]["metadata"]["labels"]
        for item in objects
        if item["kind"] == "Deployment"
    }
    found = {
        item["metadata"]["name"]: {
            name for name, labels in pods.items() if item["spec"]["selector"].items() <= labels.items()
        }
        for item in objects
        if item["kind"] == "Service"
    }
    assert found == {
        "demo-chat": {"demo-chat-v1"},
        **{f"demo-chat-{name}": {f"demo-chat-{name}"} for name in ("v0", "v1", "v2")},
    }


def test_a_chart_upgrade_restarts_no_engine(helm: Helm, tmp_path: Path):
    """The chart's version is on objects, not in pod templates."""
    assert helm.run("package", str(CHART), "--version", "9.9.9", "--destination", str(tmp_path)).returncode == 0
    upgraded = helm.template(values=BEFORE, chart=tmp_path / "llm-serving-9.9.9.tgz")
    before, after = by_key(helm.objects(values=BEFORE)), by_key(load_all(upgraded))
    for key, item in before.items():
        if item["kind"] == "Deployment":
            assert after[key]["metadata"]["labels"]["helm.sh/chart"] == "llm-serving-9.9.9"
            assert after[key]["spec"] == item["spec"]


def test_removing_a_revision_touches_no_other(helm: Helm):
    after = copy.deepcopy(STEPS["promote"])
    del after["models"]["chat"]["revisions"]["v0"]
    remaining, all_of_them = by_key(helm.objects(values=after)), by_key(helm.objects(values=STEPS["promote"]))
    gone = set(all_of_them) - set(remaining)
    assert gone == {f"{kind}/demo-chat-v0" for kind in ("Deployment", "Service", "NetworkPolicy")}
    changed = {key for key in remaining if remaining[key] != all_of_them[key]}
    assert changed == {"Pod/demo-test"}
