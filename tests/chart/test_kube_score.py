"""kube-score has nothing to say about any rendered object, but for what is ignored here, each with its reason."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from tests.chart.conftest import CI, Helm, tool

IGNORED = {
    "container-image-pull-policy": "images are pinned by version or digest; pulling ten gigabytes again at every start helps nobody",
    "container-ephemeral-storage-request-and-limit": "disk is bounded by the sizeLimit of each emptyDir; a request of their sum would keep "
    "engines off nodes whose disk is mostly cache",
    "pod-probes-identical": "readiness and liveness ask the engine's one health endpoint at different paces, since readiness must not depend on load; "
    "the probes themselves are tested in tests/engine/probes_test.yaml",
    "deployment-replicas": "the number of engines is the spec's; the generator warns about a single one in production",
    "deployment-has-host-podantiaffinity": "anti-affinity is preferred, not required, so that a small pool can still start; the option that "
    "replaces it is in this file's values on purpose",
}


@pytest.mark.parametrize("case", sorted(CI.glob("*-values.yaml")), ids=lambda file: file.stem)
def test_nothing_to_say(helm: Helm, case: Path) -> None:
    manifests = helm.template(case)
    ignored = [argument for name in IGNORED for argument in ("--ignore-test", name)]
    done = subprocess.run(
        [
            tool("kube-score"),
            "score",
            "--kubernetes-version",
            "v1.34",
            "--ignore-container-cpu-limit",
            "-o",
            "ci",
            *ignored,
            "-",
        ],
        input=manifests,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    said = [line for line in done.stdout.splitlines() if line.startswith(("[CRITICAL]", "[WARNING]"))]
    assert said == []
    assert "[OK]" in done.stdout, done.stderr
