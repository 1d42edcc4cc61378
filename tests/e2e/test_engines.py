"""Engines as production treats them, seen by the platform's clients. One release; each case leaves it healthy."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from tests.e2e.client import Traffic, answered_by
from tests.e2e.cluster import until
from tests.e2e.faults import DRAINED, crash, ready, restarted, running_at_sigterm

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.cluster import Cluster
    from tests.e2e.release import Release
    from tests.e2e.support import Support

    Say = Callable[[str], None]

pytestmark = pytest.mark.e2e


def revision(**changes: Any) -> dict[str, Any]:
    return {"models": {"chat": {"revisions": changes}}}


def test_a_rolling_upgrade_loses_nothing(cluster: Cluster, release: Release, support: Support, detail: Say):
    """Engines are replaced one by one; streams that run longer than the pods' notice of leaving end whole."""
    v1 = release.engines()
    old = ready(cluster, v1)
    with Traffic(support, release) as sent:
        time.sleep(5)
        began = time.monotonic()
        release.apply(revision(v1={"podAnnotations": {"llmgen.dev/e2e": "upgraded"}}))
        logs = cluster.last_words(*(engine.name for engine in old), seconds=240)
        until("the rollout is complete", lambda: cluster.rolled_out(v1), 60)
        took = time.monotonic() - began
    assert not {engine.uid for engine in old} & {engine.uid for engine in ready(cluster, v1)}
    drained = [running_at_sigterm(log) for log in logs if DRAINED in log]
    assert sum(drained) > 0
    assert not sent.lost, sent.why
    detail(f"2 engines in {took:.0f} s, {drained} running at SIGTERM; {sent.summary()}")


def test_an_eviction_loses_nothing(cluster: Cluster, release: Release, support: Support, detail: Say):
    """A node drain takes one engine at a time, and its streams end whole; a second eviction is refused (429)."""
    v1 = release.engines()
    first, second = ready(cluster, v1)
    with Traffic(support, release) as sent:
        time.sleep(5)
        began = time.monotonic()
        assert cluster.evict(first.name) == 201
        assert cluster.evict(second.name) == 429
        [log] = cluster.last_words(first.name, seconds=150)
        took = time.monotonic() - began
        until("a new engine stands in", lambda: cluster.rolled_out(v1), 120)
        assert second.uid in {engine.uid for engine in ready(cluster, v1)}
    assert running_at_sigterm(log) > 0
    assert not sent.lost, sent.why
    detail(f"{running_at_sigterm(log)} running at SIGTERM, gone after {took:.0f} s; {sent.summary()}")


def test_a_crash_costs_only_the_streams_of_that_engine(
    cluster: Cluster, release: Release, support: Support, detail: Say
):
    """Out of GPU memory: streams on that engine break off with an error; whoever had no token yet is answered by another."""
    detail(crash(cluster, release, support))


def test_a_hang_is_ended_by_the_probe(cluster: Cluster, release: Release, support: Support, detail: Say):
    """Requests run and no token comes, /health stays 200: the probe restarts the engine; until then most requests go elsewhere."""
    v1 = release.engines()
    victim = ready(cluster, v1)[0]
    with Traffic(support, release) as sent:
        time.sleep(5)
        fault = time.time()
        cluster.run_in(victim.name, "vllm", "control", "hang=1")
        until("it is restarted", lambda: restarted(cluster, v1, victim), 180)
        took = time.time() - fault
    assert sent.lost, "the fault was not seen: this case proves nothing"
    hurt = [one for one in sent.records if fault - 15 < one["began"] < fault + took]
    assert all(one in hurt for one in sent.lost), sent.why
    assert len(sent.lost) < len(hurt) / 3, (len(sent.lost), len(hurt))
    last = max(one["began"] for one in sent.lost) - fault
    detail(f"ready again after {took:.0f} s, the last loss began at {last:.0f} s; {sent.summary()}")


def test_a_dead_engine_leaves_and_is_restarted(cluster: Cluster, release: Release, support: Support, detail: Say):
    """/health 503: nobody is sent there any more, and the engine is restarted."""
    v1 = release.engines()
    victim = ready(cluster, v1)[0]
    service = f"{release.prefix}-chat"
    assert victim.name in cluster.endpoints(service)
    with Traffic(support, release) as sent:
        time.sleep(3)
        fault = time.time()
        cluster.run_in(victim.name, "vllm", "control", "dead=1")
        until("it leaves the Service", lambda: victim.name not in cluster.endpoints(service), 30)
        left = time.time() - fault
        until("it is restarted", lambda: restarted(cluster, v1, victim), 180)
        took = time.time() - fault
    late = [one for one in sent.lost if one["began"] > fault + left + 2]
    assert not late, late
    detail(f"out of the Service after {left:.0f} s, ready again after {took:.0f} s; {sent.summary()}")


def test_a_slow_load_is_not_killed(cluster: Cluster, release: Release, support: Support, detail: Say):
    """A load of ten times the usual is waited for; one beyond its own budget is not. Nobody else notices either."""
    values = release.values()["models"]["chat"]["revisions"]["v1"]
    like_v1 = release.fake(values)
    slow = like_v1 | {"env": {"FAKE_LOAD_SECONDS": "40"}, "scaling": {"minReplicas": 1}}
    stuck = slow | {"env": {"FAKE_LOAD_SECONDS": "100000"}, "startup": {"budgetSeconds": 20, "expectedSeconds": 10}}
    with Traffic(support, release) as sent:
        release.apply(revision(slow=slow, stuck=stuck))
        began = time.monotonic()
        until("the slow engine is ready", lambda: ready(cluster, release.engines(revision="slow")), 120)
        took = time.monotonic() - began
        assert [engine.restarts for engine in cluster.engines(release.engines(revision="slow"))] == [0]
        late = release.engines(revision="stuck")
        stopped = until("the stuck one is restarted", lambda: [e for e in cluster.engines(late) if e.restarts], 60)
        assert not stopped[0].ready
        release.apply(revision(slow=None, stuck=None))
    assert not sent.lost, sent.why
    budget = values["startup"]["budgetSeconds"]
    detail(f"load 40 s, ready after {took:.0f} s, 0 restarts (budget {budget} s); {sent.summary()}")


def test_without_an_engine_the_fallback_answers(cluster: Cluster, release: Release, support: Support, detail: Say):
    """No engine of a model can be reached: the fallback model answers within the retry budget, and says so; the others get 503 at once."""
    v1 = release.engines()
    victims = ready(cluster, v1)
    with Traffic(support, release, lengths=[20]) as sent:
        time.sleep(3)
        fault = time.time()
        for victim in victims:
            cluster.run_in(victim.name, "vllm", "control", "refuse=1")
        until("the fallback answers", lambda: [one for one in sent.so_far() if one.get("fallback") == "small"], 30)
        time.sleep(5)
        for victim in victims:
            cluster.run_in(victim.name, "vllm", "control", "reset")
        until("chat answers", lambda: answered_by(sent.so_far()[-1])[0] == "chat", 60)
        took = time.time() - fault
    fallen = [one for one in sent.records if one.get("fallback") == "small"]
    # Attempts after the first one have a budget, fallbacks among them: what is over it gets 503 at once.
    assert {one.get("status") for one in sent.lost} <= {503}, sent.why
    assert all(fault < one["ended"] < fault + took for one in sent.lost)
    detail(f"{len(fallen)} answered by the fallback, chat again after {took:.0f} s; {sent.summary()}")
