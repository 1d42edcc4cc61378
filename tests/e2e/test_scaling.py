"""KEDA's real operator and metrics adapter on a real Prometheus: capacity follows the load, and never falls on missing data."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from tests.e2e.client import Traffic
from tests.e2e.cluster import until
from tests.e2e.faults import ready
from tests.e2e.release import Release

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.e2e.cluster import Cluster
    from tests.e2e.support import Support

    Say = Callable[[str], None]

pytestmark = pytest.mark.e2e

BLIND = 180.0  # seconds without Prometheus
BUSY = [60]  # tokens, about 1.7 s each


@pytest.fixture(scope="module")
def elastic(cluster: Cluster, support: Support, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Release]:  # noqa: ARG001 -- started first
    """Its own release: one to four engines, four requests in flight each."""
    if not cluster.knows("keda.sh"):
        pytest.skip("the cluster has no KEDA")
    installed = Release("elastic", "elastic", cluster, tmp_path_factory.mktemp("elastic"))
    installed.issue_keys()
    installed.apply()
    installed.ready()
    yield installed
    installed.uninstall()


def engines(cluster: Cluster, release: Release) -> int:
    return len(ready(cluster, release.engines()))


def test_engines_follow_a_ramp(cluster: Cluster, elastic: Release, support: Support, detail: Say):
    """More requests bring more engines while nobody is refused; when they are gone, so are the engines, one by one."""
    with Traffic(support, elastic, rate=[1, 7, 40], lengths=BUSY) as sent:
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


def test_a_blind_scaler_keeps_what_runs(cluster: Cluster, elastic: Release, support: Support, detail: Say):
    """Prometheus is killed for three minutes while the load falls: not one engine goes. Once it is back, they do."""
    with Traffic(support, elastic, rate=[2, 7, 20], lengths=BUSY) as sent:
        until("three engines are ready", lambda: engines(cluster, elastic) >= 3, 180)
    with Traffic(support, elastic, rate=1, lengths=[20]) as calm:
        with support.without("prometheus"):
            least = before = engines(cluster, elastic)
            end = time.monotonic() + BLIND
            while time.monotonic() < end:
                least = min(least, engines(cluster, elastic))
                time.sleep(1)
        began = time.monotonic()
        until("one engine is left", lambda: len(cluster.engines(elastic.engines())) == 1, 240)
        took = time.monotonic() - began
    assert least >= before, (least, before)
    assert not sent.lost + calm.lost, sent.why + calm.why
    detail(
        f"{before} engines for {BLIND:.0f} s without Prometheus, never fewer; 1 again {took:.0f} s after its return; {calm.summary()}"
    )
