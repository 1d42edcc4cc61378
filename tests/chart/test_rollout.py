"""Every step of a rollout, written by `llmgen rollout` and rendered by Helm, changes no pod: routes and sizes move, Deployments stay."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.chart.conftest import ROOT, Helm

from llmgen import pipeline, rendering
from llmgen.rollout import moves, record, state
from llmgen.rollout.state import State

SPEC = ROOT / "tests" / "unit" / "rollout" / "spec.yaml"
NOW = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)
Objects = dict[str, dict[str, Any]]


@pytest.fixture(params=["istio", "gateway"], scope="module")
def way(request: pytest.FixtureRequest, helm: Helm, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Objects]:
    """What is rendered before the rollout and after each step, by step."""
    folder = tmp_path_factory.mktemp(request.param)
    spec, values, file = (folder / name for name in ("spec.yaml", "values.yaml", "rollout.yaml"))
    spec.write_text(SPEC.read_text().replace("provider: istio", f"provider: {request.param}"))
    outcome = pipeline.run(str(spec))
    values.write_text(rendering.values_text(outcome, str(spec)))

    def now() -> State:
        release, problems = state.load(outcome, folder)
        assert release is not None, problems
        return state.of(release, "chat")

    def write(entry: dict[str, Any]) -> Objects:
        file.write_text(record.text(moves.put(now().release.written, "chat", entry)))
        return _by_name(helm.objects(values, file))

    rendered = {"before": _by_name(helm.objects(values))}
    for index, step in enumerate(now().steps()):
        rendered[str(step)] = write(moves.advance(now(), index, NOW))
    on_the_way = file.read_text()
    rendered["abort"] = write(moves.abort(now(), NOW))
    file.write_text(on_the_way)
    rendered["promote"] = write(moves.promote(now(), NOW))
    rendered["rollback"] = write(moves.rollback(now(), NOW))
    return rendered


def _by_name(objects: list[dict[str, Any]]) -> Objects:
    return {f"{item['kind']}/{item['metadata']['name']}": item for item in objects}


STEPS = ["shadow", "5 %", "25 %", "100 %", "abort", "promote", "rollback"]


def test_the_way_has_every_step(way: dict[str, Objects]):
    assert list(way) == ["before", *STEPS]


@pytest.mark.parametrize("step", STEPS)
def test_no_step_changes_a_pod_template(way: dict[str, Objects], step: str):
    assert _templates(way[step]) == _templates(way["before"])


def _templates(objects: Objects) -> dict[str, str]:
    """Pod templates as bytes: the gateway's too, which follows its configuration instead."""
    found = {
        name: json.dumps(item["spec"]["template"], sort_keys=True)
        for name, item in objects.items()
        if item["kind"] == "Deployment"
    }
    assert found.keys() == {
        "Deployment/assistant-chat-v1",
        "Deployment/assistant-chat-v2",
        "Deployment/assistant-gateway",
    }
    return found


@pytest.mark.parametrize("step", STEPS)
def test_a_step_changes_routes_and_sizes_alone(way: dict[str, Objects], step: str):
    objects, before = way[step], way["before"]
    changed = {name for name in objects.keys() | before.keys() if objects.get(name) != before.get(name)}
    allowed = {
        "VirtualService/assistant-chat",
        "Service/assistant-chat",
        "ConfigMap/assistant-gateway",
        "ConfigMap/assistant-rules",  # tracks and bounds, for alerts and dashboards
        "Deployment/assistant-chat-v2",
        "PodDisruptionBudget/assistant-chat-v2",
    }
    assert changed <= allowed


def test_stable_keeps_its_engines_until_after_the_promotion(way: dict[str, Objects]):
    sizes = {
        step: tuple(objects[f"Deployment/assistant-chat-{name}"]["spec"]["replicas"] for name in ("v1", "v2"))
        for step, objects in way.items()
    }
    assert sizes == {
        "before": (10, 1), "shadow": (10, 1), "5 %": (10, 3), "25 %": (10, 10), "100 %": (10, 10),
        "abort": (10, 1), "promote": (10, 10), "rollback": (10, 1),
    }  # fmt: skip


def test_who_answers(way: dict[str, Objects]):
    """The weights, wherever they are: in the mesh's route, or in the gateway's configuration."""
    found = {}
    for step, objects in way.items():
        if "VirtualService/assistant-chat" in objects:
            routes = objects["VirtualService/assistant-chat"]["spec"]["http"][-1]
            found[step] = {to["destination"]["subset"]: to["weight"] for to in routes["route"]}
        else:
            found[step] = _weights(objects["ConfigMap/assistant-gateway"])
    assert found == {
        "before": {"v1": 100}, "shadow": {"v1": 100}, "5 %": {"v1": 95, "v2": 5}, "25 %": {"v1": 75, "v2": 25},
        "100 %": {"v2": 100}, "abort": {"v1": 100}, "promote": {"v2": 100}, "rollback": {"v1": 100},
    }  # fmt: skip


def _weights(configmap: dict[str, Any]) -> dict[str, int]:
    from tests.chart.conftest import load  # noqa: PLC0415 -- beside its only use

    tracks = load(configmap["data"]["gateway.yaml"])["models"]["chat"]["tracks"]
    canary = tracks.get("canary", {}).get("weight", 0)
    weights = {tracks["stable"]["revision"]: tracks["stable"].get("weight", 100 - canary)}
    if canary:
        weights[tracks["canary"]["revision"]] = canary
    return {revision: weight for revision, weight in weights.items() if weight}


def test_subsets_stay_whatever_the_weights(way: dict[str, Objects]):
    rules = [objects.get("DestinationRule/assistant-chat") for objects in way.values()]
    assert all(rule == rules[0] for rule in rules)


def test_the_shipped_way_fits_its_pools():
    """The starting architecture can roll its own canary out to the end."""
    from llmgen.rollout.outlook import outlook  # noqa: PLC0415 -- beside its only use

    for environment in ("staging", "prod"):
        folder = Path(ROOT / "values" / environment)
        release, problems = state.load(pipeline.run(str(folder / "spec.yaml"), layered=False), folder)
        assert release is not None, problems
        stages = outlook(state.of(release, "chat"))
        assert stages
        assert all(stage.fits for stage in stages), environment
