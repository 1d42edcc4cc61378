"""Revisions move by pointers, with the gateway as the one who splits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.e2e import rollouts

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.cluster import Cluster
    from tests.e2e.release import Release
    from tests.e2e.support import Support

    Say = Callable[[str], None]

pytestmark = pytest.mark.e2e


def test_a_canary_walks_to_all_and_back(cluster: Cluster, release: Release, support: Support, detail: Say):
    """`llmgen rollout` on live gates: 5 %, 25 %, 100 %, promoted, rolled back to previous. No engine restarts, nothing is lost."""
    detail(rollouts.walk(cluster, release, support))


def test_the_brake_works_while_helm_is_stuck(release: Release, support: Support, detail: Say):
    """`llmgen rollout abort` during a pending upgrade: the canary is at 0 % within seconds, nothing is lost."""
    detail(rollouts.brake(release, support))
