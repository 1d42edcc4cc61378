"""KEDA's real operator and metrics adapter on a real Prometheus: capacity follows the load, and never falls on missing data."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from tests.e2e.blindness import BUSY, MOST, engines
from tests.e2e.client import Traffic
from tests.e2e.cluster import until

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.blindness import Blindness
    from tests.e2e.cluster import Cluster
    from tests.e2e.release import Release
    from tests.e2e.support import Support

    Say = Callable[[str], None]

pytestmark = pytest.mark.e2e


def test_a_blind_scaler_keeps_what_runs(blindness: Blindness, detail: Say):
    """Prometheus was killed for three minutes while the load fell: not one engine went. Once it was back, they did."""
    detail(blindness.end())


def test_engines_follow_a_ramp(cluster: Cluster, elastic: Release, support: Support, detail: Say):
    """More requests bring more engines while nobody is refused; when they are gone, so are the engines, one by one."""
    with Traffic(support, elastic, rate=[1, MOST, 20], lengths=BUSY) as sent:
        began = time.monotonic()
        until("three engines are ready", lambda: engines(cluster, elastic) >= 3, 180)
        out = time.monotonic() - began
        most = engines(cluster, elastic)
    assert not sent.lost, sent.why
    with Traffic(support, elastic, rate=1, lengths=[20]) as calm:
        began = time.monotonic()
        until("one engine is left", lambda: len(cluster.engines(elastic.engines())) == 1, 240)
        back = time.monotonic() - began
    assert not calm.lost, calm.why
    detail(f"1 to {most} engines in {out:.0f} s, {sent.summary()}; back to 1 in {back:.0f} s, {calm.summary()}")
