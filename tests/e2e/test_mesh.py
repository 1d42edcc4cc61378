"""The same with Istio as the one who splits: a real istiod, and a plain Envoy beside each gateway."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.e2e import rollouts
from tests.e2e.client import SHORT, Traffic, shares
from tests.e2e.cluster import until
from tests.e2e.faults import crash
from tests.e2e.release import Release

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.e2e.cluster import Cluster
    from tests.e2e.support import Support

    Say = Callable[[str], None]

pytestmark = pytest.mark.e2e

SIDECAR = Path(__file__).parent / "bench" / "sidecar.py"


@pytest.fixture(scope="module")
def mesh(cluster: Cluster, support: Support, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Release]:  # noqa: ARG001 -- started first
    """Its own release, whose gateways have Envoy beside them."""
    if not cluster.knows("networking.istio.io"):
        pytest.skip("the cluster has no Istio")
    installed = Release("mesh", "mesh", cluster, tmp_path_factory.mktemp("mesh"), post_renderer=str(SIDECAR))
    installed.issue_keys()
    installed.apply()
    installed.ready()
    yield installed
    installed.uninstall(wait=False)


def test_istio_serves_the_stable_revision(mesh: Release, support: Support, detail: Say):
    """Requests go through Envoy to the stable revision, and the gateway learns which one answered."""
    with Traffic(support, mesh, rate=6, lengths=SHORT) as sent:
        time.sleep(6)
    assert shares(sent.records) == {"v1": 100}
    assert not sent.lost, sent.why
    detail(sent.summary())


def test_istio_canary_walks_to_all_and_back(cluster: Cluster, mesh: Release, support: Support, detail: Say):
    """The same walk on weights of a VirtualService: nothing is lost, no engine restarts."""
    detail(rollouts.walk(cluster, mesh, support))


def test_istio_brake_works_while_helm_is_stuck(mesh: Release, support: Support, detail: Say):
    """The gateways pin every request to stable; Envoy follows the pin."""
    detail(rollouts.brake(mesh, support))


def test_istio_rolling_upgrade_loses_nothing(cluster: Cluster, mesh: Release, support: Support, detail: Say):
    """Engines and gateways are replaced at once; Envoy learns of each in time."""
    v1 = mesh.engines()
    old = {engine.uid for engine in cluster.engines(v1)}
    with Traffic(support, mesh) as sent:
        began = time.monotonic()
        rolled = {"podAnnotations": {"llmgen.dev/e2e": "rolled"}}
        mesh.apply({"models": {"chat": {"revisions": {"v1": rolled}}}, "gateway": rolled})
        until("engines are new", lambda: cluster.rolled_out(v1), 180)
        until("gateways are new", lambda: cluster.rolled_out(mesh.gateways), 120)
        until("the old are gone", lambda: not old & {one.uid for one in cluster.engines(v1, leaving=True)}, 120)
        took = time.monotonic() - began
    assert not sent.lost, sent.why
    detail(f"2 engines and 2 gateways in {took:.0f} s; {sent.summary()}")


def test_istio_crash_costs_only_the_streams_of_that_engine(
    cluster: Cluster, mesh: Release, support: Support, detail: Say
):
    """The same bound behind Envoy: who had no token yet is answered by another engine."""
    detail(crash(cluster, mesh, support))
