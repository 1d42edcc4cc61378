"""The gateway itself: policy, its own rolling upgrade, its death, and that of the store of limits."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from tests.e2e.client import SHORT, Traffic, shares
from tests.e2e.cluster import until

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.cluster import Cluster
    from tests.e2e.release import Release
    from tests.e2e.support import Support

    Say = Callable[[str], None]

pytestmark = pytest.mark.e2e

STORE = "llm_gateway_limit_store_up"
PER_MINUTE = 12  # requests of the tenant `bounded`


def test_installed_platform_answers(cluster: Cluster, release: Release, support: Support, detail: Say):
    """A spec that llmgen rendered serves the openai client, streamed and whole, through two gateways, from the stable revision."""
    assert len(cluster.pods(release.gateways)) == 2
    with Traffic(support, release, rate=6, lengths=SHORT) as sent:
        time.sleep(8)
    assert len(sent.records) >= 20
    assert {one["stream"] for one in sent.records} == {True, False}
    assert shares(sent.records) == {"v1": 100}
    assert not sent.lost, sent.why
    detail(sent.summary())


def test_a_limit_holds_across_gateways(support: Support, release: Release, detail: Say):
    """A tenant over its requests per minute gets 429, counted over both gateway pods together."""
    with Traffic(support, release, tenant="bounded", rate=8, lengths=[5]) as sent:
        time.sleep(8)
    refused = [one for one in sent.lost if one.get("status") == 429]
    assert len(refused) == len(sent.lost), sent.why
    detail(f"limit {PER_MINUTE} a minute: {_served(sent)} of {len(sent.records)} served, the others 429")


def test_the_gateway_rolls_without_a_loss(cluster: Cluster, release: Release, support: Support, detail: Say):
    """Both gateway pods are replaced; connections move, streams end whole."""
    old = {pod.metadata.uid for pod in cluster.pods(release.gateways)}
    with Traffic(support, release, rate=5) as sent:
        time.sleep(5)
        began = time.monotonic()
        release.apply({"gateway": {"podAnnotations": {"llmgen.dev/e2e": "rolled"}}})
        until("both are new", lambda: cluster.rolled_out(release.gateways), 120)
        until("the old are gone", lambda: not old & _uids(cluster, release), 120)
        took = time.monotonic() - began
    assert not sent.lost, sent.why
    detail(f"2 gateways in {took:.0f} s; {sent.summary()}")


def test_a_gateway_that_dies_costs_only_its_own_streams(
    cluster: Cluster, release: Release, support: Support, detail: Say
):
    """One gateway pod is killed without notice: its streams break off, the other takes the rest."""
    old = _uids(cluster, release)
    victim = cluster.engines(release.gateways)[0]
    with Traffic(support, release, rate=5) as sent:
        time.sleep(5)
        fault = time.time()
        cluster.core.delete_namespaced_pod(victim.name, cluster.namespace, grace_period_seconds=0)
        until("a new one stands in", lambda: _uids(cluster, release) - {victim.uid} > old - {victim.uid}, 30)
        until("two are there again", lambda: cluster.rolled_out(release.gateways), 120)
        took = time.time() - fault
    noticed = max((one["ended"] for one in sent.lost), default=fault) - fault
    assert all(one["began"] < fault + 5 for one in sent.lost), sent.why
    assert len(sent.lost) < len(sent.records) / 3
    detail(f"two again after {took:.0f} s, the last error after {noticed:.1f} s; {sent.summary()}")


def test_redis_may_die(release: Release, support: Support, detail: Say):
    """The store of limits is killed and comes back empty: nobody gets an error but the 429 of a limit, which each pod counts by its share."""
    with (
        Traffic(support, release, lengths=SHORT) as sent,
        Traffic(support, release, tenant="bounded", rate=2, lengths=[5]) as bounded,
    ):
        time.sleep(3)
        with support.without("redis"):
            # Those that count a limited tenant's requests: one connection reaches one of them.
            until("a gateway knows", lambda: 0.0 in _store(release), 60)
            time.sleep(10)
        began = time.monotonic()
        until("they count in it again", lambda: _store(release) == {1.0}, 60)
        took = time.monotonic() - began
        time.sleep(3)
    assert not sent.lost, sent.why
    assert {one.get("status") for one in bounded.lost} == {429}
    limited = f"the limited tenant {len(bounded.lost)} of {len(bounded.records)} times 429"
    detail(f"counting in it again {took:.0f} s after its return; {limited}; {sent.summary()}")


def test_a_broken_upgrade_takes_no_capacity(cluster: Cluster, release: Release, support: Support, detail: Say):
    """An image that does not exist: old engines keep serving, and `helm rollback` ends it. No request notices."""
    v1 = release.engines()
    before = {engine.uid for engine in cluster.engines(v1)}
    good = release.revision
    broken = {"models": {"chat": {"revisions": {"v1": {"image": {"tag": "missing"}}}}}}
    with Traffic(support, release, lengths=SHORT) as sent:
        release.apply(broken)
        until("the new engine cannot start", lambda: len(cluster.engines(v1)) == 3, 30)
        time.sleep(10)
        assert before <= {engine.uid for engine in cluster.engines(v1) if engine.ready}
        release.rollback(good)
        until("the old engines are all there is", lambda: cluster.rolled_out(v1), 60)
        time.sleep(2)
    assert before == {engine.uid for engine in cluster.engines(v1)}
    assert not sent.lost, sent.why
    detail(f"2 engines never left; {sent.summary()}")


def test_a_chart_upgrade_restarts_no_engine(cluster: Cluster, release: Release, support: Support, detail: Say):
    """A new version of the chart, and back with `helm rollback`: engines run on, no request notices."""
    every = "app.kubernetes.io/component=engine,app.kubernetes.io/instance=" + release.name
    before = {engine.uid for engine in cluster.engines(every)}
    good = release.history()[-1]
    with Traffic(support, release, lengths=SHORT) as sent:
        release.new_chart("0.2.0")
        release.apply()
        time.sleep(5)
        assert release.history()[-1]["chart"] == "llm-serving-0.2.0"
        release.rollback(good["revision"])
        time.sleep(5)
    assert release.history()[-1]["chart"] == good["chart"]
    assert {engine.uid for engine in cluster.engines(every)} == before
    assert not sent.lost, sent.why
    detail(f"{len(before)} engines not restarted; {sent.summary()}")


def _served(sent: Traffic) -> int:
    """How many requests of the tenant `bounded` were answered; fails where that is not what its limit says."""
    served = len(sent.records) - len(sent.lost)
    seconds = max(one["ended"] for one in sent.records) - min(one["began"] for one in sent.records)
    assert PER_MINUTE / 2 <= served <= PER_MINUTE * (1 + seconds / 60) + 2, (served, seconds)
    return served


def _uids(cluster: Cluster, release: Release) -> set[str]:
    return {pod.metadata.uid for pod in cluster.pods(release.gateways)}


def _store(release: Release) -> set[float]:
    """What the gateways say about the store."""
    return {pod[STORE] for pod in release.gateway_metrics()}
