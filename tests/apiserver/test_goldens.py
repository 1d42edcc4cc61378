"""Every golden manifest is admitted by a real API server, in a namespace that enforces Pod Security `restricted`."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from tests.apiserver.cluster import Cluster, pod_of
from tests.apiserver.helm import ROOT
from tests.apiserver.prerequisites import provided

pytestmark = pytest.mark.apiserver

ADD_ONS = ("gateway.networking.k8s.io/",)
"""API groups whose kinds are not among crds/."""
GOLDENS = sorted((ROOT / "tests" / "golden").glob("**/manifests.yaml"))


def test_there_are_goldens() -> None:
    assert GOLDENS


@pytest.mark.parametrize("file", GOLDENS, ids=lambda path: path.parent.name)
def test_manifests_are_admitted(cluster: Cluster, namespace: str, file: Path) -> None:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    manifests = [
        item for item in yaml.load_all(file.read_text(), loader) if item and not item["apiVersion"].startswith(ADD_ONS)
    ]
    for manifest in manifests:
        manifest["metadata"].pop("namespace", None)
    pods = [pod_of(item) for item in manifests if item["kind"] == "Deployment"]
    assert cluster.refused([item for item in manifests if item["kind"] != "Pod"], namespace) == []
    pods += [item for item in manifests if item["kind"] == "Pod"]
    with provided(cluster, pods, namespace):
        assert cluster.refused(pods, namespace) == []
