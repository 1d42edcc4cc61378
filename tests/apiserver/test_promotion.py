"""Promotion and rollback move pointers: rollout.yaml changes, routes follow, no Deployment notices."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.apiserver.cluster import Cluster
from tests.apiserver.conftest import ENVIRONMENTS, Rendered
from tests.apiserver.helm import Helm

pytestmark = pytest.mark.apiserver


def test_a_shipped_environment_has_a_canary(render: Callable[[str], Rendered]) -> None:
    """Guards the test below: it has something to promote."""
    assert [name for name in ENVIRONMENTS if _candidates(render(name))]


def test_promotion_restarts_nothing(
    cluster: Cluster, namespace: str, helm: Helm, environment: Rendered, tmp_path: Path
) -> None:
    models = _candidates(environment)
    if not models:
        pytest.skip(f"{environment.name} has no canary")
    release, rollout = environment.release, tmp_path / "rollout.yaml"
    helm.install(release, namespace, *environment.files)
    services = _stable_revisions(cluster, namespace)
    assert {model: services[model] for model in models} == {model: tracks["stable"] for model, tracks in models.items()}

    swapped = {
        model: {
            "tracks": {
                "stable": {"revision": tracks["canary"]},
                "canary": None,
                "previous": {"revision": tracks["stable"]},
            }
        }
        for model, tracks in models.items()
    }
    rollout.write_text(yaml.safe_dump({"models": swapped}))
    helm.upgrade(release, namespace, *environment.files, rollout)
    assert set(cluster.generations(namespace).values()) == {1}, "promotion must restart nothing"
    promoted = _stable_revisions(cluster, namespace)
    assert promoted == {**services, **{model: tracks["canary"] for model, tracks in models.items()}}

    helm.rollback(release, namespace, 1)
    assert set(cluster.generations(namespace).values()) == {1}, "neither must rolling back"
    assert _stable_revisions(cluster, namespace) == services


def _candidates(environment: Rendered) -> dict[str, dict[str, str]]:
    """Return the models with a canary of another revision, and their tracks."""
    found: dict[str, dict[str, str]] = {}
    models: dict[str, Any] = environment.data["models"]
    for name, model in models.items():
        tracks = {track: entry["revision"] for track, entry in model["tracks"].items()}
        if tracks.get("canary", tracks["stable"]) != tracks["stable"]:
            found[name] = tracks
    return found


def _stable_revisions(cluster: Cluster, namespace: str) -> dict[str, str]:
    """Return the revision that a model's own Service selects, or that all of the mesh's weight goes to."""
    found: dict[str, str] = {}
    for service in cluster.all("v1", "Service", namespace):
        labels = service["metadata"].get("labels") or {}
        revision = (service["spec"].get("selector") or {}).get("llmgen.dev/revision")
        if "llmgen.dev/model" in labels and "llmgen.dev/revision" not in labels and revision:
            found[labels["llmgen.dev/model"]] = revision
    for service in cluster.all("networking.istio.io/v1", "VirtualService", namespace):
        model = service["metadata"]["labels"].get("llmgen.dev/model")
        if model:
            (route,) = service["spec"]["http"][-1]["route"]
            found[model] = route["destination"]["subset"]
    return found
