"""The end of a release. Last, because nothing of it is left."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.e2e.cluster import until

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.cluster import Cluster
    from tests.e2e.release import Release

pytestmark = pytest.mark.e2e


KINDS = {
    "Deployment",
    "Service",
    "ConfigMap",
    "Role",
    "NetworkPolicy",
    "PodDisruptionBudget",
    "PriorityClass",
    "EndpointSlice",
}


def test_uninstall_leaves_only_the_claims_that_are_kept(
    cluster: Cluster, release: Release, detail: Callable[[str], None]
):
    """Nothing of a release stays behind but the claim that its values say to keep."""
    before = cluster.leftovers(release.name)
    assert {one.split("/")[0] for one in before} >= KINDS
    assert sum(one.startswith("PersistentVolumeClaim/") for one in before) == 2
    release.uninstall()
    kept = {f"PersistentVolumeClaim/{release.prefix}-kept"}
    until("only kept claims are left", lambda: cluster.leftovers(release.name) == kept, 180, every=3)
    detail(f"{len(before)} objects before, {len(kept)} after")
