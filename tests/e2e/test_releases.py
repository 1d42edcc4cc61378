"""Two releases in one namespace, with models of the same name."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from tests.e2e.client import SHORT, Traffic, shares
from tests.e2e.cluster import until
from tests.e2e.release import Release

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.e2e.cluster import Cluster
    from tests.e2e.support import Support

    Say = Callable[[str], None]

pytestmark = pytest.mark.e2e

BRAKE = "llm_gateway_brake"


@pytest.fixture(scope="module")
def neighbour(cluster: Cluster, release: Release, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Release]:
    other = Release("neighbour", "neighbour", cluster, tmp_path_factory.mktemp("neighbour"))
    assert other.prefix != release.prefix
    other.issue_keys()
    other.apply()
    other.ready()
    yield other
    other.uninstall(wait=False)


def test_two_releases_do_not_meet(
    cluster: Cluster, release: Release, neighbour: Release, support: Support, detail: Say
):
    """Keys, engines and the brake of one release mean nothing to the other."""
    with Traffic(support, release, lengths=SHORT) as ours, Traffic(support, neighbour, lengths=SHORT) as theirs:
        time.sleep(5)
    assert not ours.lost + theirs.lost, ours.why + theirs.why
    assert shares(ours.records) == shares(theirs.records) == {"v1": 100}
    strangers = Traffic(support, neighbour, key=release.keys["clients"], flows=False)
    with strangers:
        time.sleep(4)
    assert {one.get("status") for one in strangers.records} == {401}
    brake = {"metadata": {"name": f"{neighbour.prefix}-brake"}}
    cluster.core.create_namespaced_config_map(cluster.namespace, brake)
    until("the other brakes", lambda: {pod[BRAKE] for pod in neighbour.gateway_metrics()} == {1.0}, 30)
    assert {pod[BRAKE] for pod in release.gateway_metrics()} == {0.0}
    detail(
        f"{ours.summary()} here, {theirs.summary()} there, {len(strangers.records)} with the other's key refused (401)"
    )
