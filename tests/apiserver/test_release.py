"""A release's life on a real API server: installed, upgraded, rolled back, uninstalled, by Helm 3 and by Helm 4."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.apiserver.cluster import Cluster, pod_of
from tests.apiserver.conftest import ENVIRONMENTS, Rendered
from tests.apiserver.helm import CHART, Helm
from tests.apiserver.prerequisites import provided

pytestmark = pytest.mark.apiserver


def test_install_upgrade_rollback_uninstall(
    cluster: Cluster, namespace: str, helm: Helm, environment: Rendered, tmp_path: Path
) -> None:
    release, values = environment.release, environment.files
    helm.install(release, namespace, *values)
    installed = cluster.all("apps/v1", "Deployment", namespace)
    engines = [item for item in installed if "llmgen.dev/model" in item["metadata"]["labels"]]
    assert {item["metadata"]["labels"]["llmgen.dev/model"] for item in engines} == set(environment.data["models"])
    assert len(installed) == len(engines) + environment.data["gateway"]["enabled"]
    assert set(cluster.generations(namespace).values()) == {1}

    helm.upgrade(release, namespace, *values)
    assert set(cluster.generations(namespace).values()) == {1}, "the same values again must restart nothing"

    changed, model, revision = _one_change(environment, tmp_path / "change.yaml")
    helm.upgrade(release, namespace, *values, changed)
    touched = {name for name, generation in cluster.generations(namespace).items() if generation > 1}
    assert touched == {
        item["metadata"]["name"]
        for item in engines
        if item["metadata"]["labels"]["llmgen.dev/model"] == model
        and item["metadata"]["labels"]["llmgen.dev/revision"] == revision
    }, "a change of one revision must touch its Deployment and no other"

    helm.rollback(release, namespace, 1)
    assert _specs(cluster.all("apps/v1", "Deployment", namespace)) == _specs(installed)

    helm.uninstall(release, namespace)
    assert cluster.contents(namespace) == _kept(environment, release), (
        "uninstalling must leave the claims that hold weights, and nothing else"
    )
    assert cluster.cluster_wide(namespace) == []


def test_a_shipped_environment_keeps_a_claim(render: Callable[[str], Rendered]) -> None:
    """Guards the test above: something is left to keep."""
    assert any(_kept(render(name), "release") for name in ENVIRONMENTS)


def test_two_releases_in_one_namespace(
    cluster: Cluster, namespace: str, helm: Helm, environment: Rendered, tmp_path: Path
) -> None:
    release, values = environment.release, environment.files
    other = tmp_path / "other.yaml"
    other.write_text("fullnameOverride: neighbour\n")
    helm.install(release, namespace, *values)
    before, classes = _live(cluster, namespace), cluster.cluster_wide(namespace)
    assert classes
    helm.install("neighbour", namespace, *values, other)
    both = _live(cluster, namespace)
    assert before <= both
    assert len(both) == 2 * len(before), "the second release must bring as many objects of its own"
    helm.uninstall("neighbour", namespace)
    assert _live(cluster, namespace) - before == _kept(environment, "neighbour")
    assert cluster.cluster_wide(namespace) == classes, (
        "cluster-wide objects of the first release must survive the second"
    )


def test_pods_are_admitted_by_a_restricted_namespace(
    cluster: Cluster, namespace: str, helm: Helm, environment: Rendered
) -> None:
    helm.install(environment.release, namespace, *environment.files)
    pods = [pod_of(item) for item in cluster.all("apps/v1", "Deployment", namespace)]
    hooks = [item for item in yaml.safe_load_all(helm.hooks(environment.release, namespace)) if item]
    assert pods
    assert hooks, "`helm test` has something to run"
    assert cluster.refused([*pods, *hooks], namespace) == []


def test_a_pod_that_breaks_the_rules_is_refused(cluster: Cluster, namespace: str) -> None:
    """Guards the test above: the namespace does enforce Pod Security."""
    spec = {"containers": [{"name": "root", "image": "example.com/root:1"}]}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "root"}, "spec": spec}
    with provided(cluster, [pod], namespace):
        reasons = cluster.refused([pod], namespace)
    assert len(reasons) == 1
    assert "violates PodSecurity" in reasons[0]


@pytest.mark.parametrize("case", sorted(path.name for path in (CHART / "ci").glob("*-values.yaml")))
def test_the_chart_without_the_generator(
    cluster: Cluster, namespace: str, helm: Helm, case: str, tmp_path: Path
) -> None:
    values = (CHART / "ci" / case, tmp_path / "inside.yaml")
    values[1].write_text("gateway: {exposure: {kind: none}}  # a bare API server has no kind of an add-on\n")
    helm.install("by-hand", namespace, *values)
    pods = [pod_of(item) for item in cluster.all("apps/v1", "Deployment", namespace)]
    assert pods
    with provided(cluster, pods, namespace):
        assert cluster.refused(pods, namespace) == []
    helm.upgrade("by-hand", namespace, *values)
    assert set(cluster.generations(namespace).values()) == {1}
    helm.uninstall("by-hand", namespace)
    assert cluster.generations(namespace) == {}


def _one_change(environment: Rendered, file: Path) -> tuple[Path, str, str]:
    """Write an overlay that changes one number of one revision."""
    model, entry = next(iter(environment.data["models"].items()))
    revision, engine = next(iter(entry["revisions"].items()))
    change = {"maxConcurrentRequests": engine["maxConcurrentRequests"] + 1}
    file.write_text(yaml.safe_dump({"models": {model: {"revisions": {revision: change}}}}))
    return file, model, revision


def _specs(deployments: list[dict[str, Any]]) -> dict[str, Any]:
    return {item["metadata"]["name"]: item["spec"] for item in deployments}


def _kept(environment: Rendered, release: str) -> set[str]:
    """Return the claims that outlive a release: they hold the weights."""
    return {
        f"PersistentVolumeClaim/{release}-{key}"
        for key, volume in environment.data.get("volumes", {}).items()
        if "existingClaim" not in volume and volume.get("keep", True)
    }


def _live(cluster: Cluster, namespace: str) -> set[str]:
    """Everything in the namespace but Helm's own records."""
    return {name for name in cluster.contents(namespace) if not name.startswith("Secret/sh.helm.release.")}
