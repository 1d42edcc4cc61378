"""Engines as production treats them, in the order of a release's life. One release; each case leaves it healthy."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from tests.e2e.client import Traffic
from tests.e2e.cluster import until
from tests.e2e.release import IMAGE, V1

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.cluster import Cluster, Engine
    from tests.e2e.release import Release

    Say = Callable[[str], None]

pytestmark = pytest.mark.e2e

MIX = [40, 40, 40, 900]  # tokens: about 1 s, and about 23 s, longer than preStop
SLOW = "llmgen.dev/revision=slow"
STUCK = "llmgen.dev/revision=stuck"
DRAINED = "told to stop: "


def traffic(cluster: Cluster, release: Release) -> Traffic:
    url = f"http://{release.prefix}-chat.{cluster.namespace}:8000"
    return Traffic(cluster, image=IMAGE, url=url, model="chat", rate=2, lengths=MIX)


def ready(cluster: Cluster, selector: str = V1) -> list[Engine]:
    return [engine for engine in cluster.engines(selector) if engine.ready]


def revision(**changes: Any) -> dict[str, Any]:
    return {"models": {"chat": {"revisions": changes}}}


def running_at_sigterm(log: str) -> int:
    """How many requests an engine still had when it was told to stop, by its own log."""
    line = next(line for line in log.splitlines() if DRAINED in line)
    return int(line.split(DRAINED)[1].split()[0])


def test_installed_engines_answer_through_the_service(cluster: Cluster, release: Release, detail: Say):
    assert len(ready(cluster)) == 2
    with traffic(cluster, release) as sent:
        time.sleep(5)
    assert len(sent.records) >= 10
    assert not sent.lost, sent.lost
    detail(sent.summary())


def test_a_load_of_ten_times_the_median_is_not_killed(cluster: Cluster, release: Release, detail: Say):
    """And one that never ends is, so that the budget is what decides."""
    values = release.values()["models"]["chat"]["revisions"]["v1"]
    like_v1 = values | {
        "image": {"registry": "localhost", "repository": "fake-vllm", "tag": "e2e"},
        "scaling": {"minReplicas": 1},
    }
    like_v1["resources"] = {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"memory": "256Mi"}}
    slow = like_v1 | {"env": {"FAKE_LOAD_SECONDS": "40"}}
    stuck = like_v1 | {"env": {"FAKE_LOAD_SECONDS": "100000"}, "startup": {"budgetSeconds": 20, "expectedSeconds": 10}}
    release.apply(revision(slow=slow, stuck=stuck))
    began = time.monotonic()
    until("the slow engine is ready", lambda: ready(cluster, SLOW), 120)
    took = time.monotonic() - began
    assert [engine.restarts for engine in cluster.engines(SLOW)] == [0]
    stopped = until("the stuck engine is restarted", lambda: [e for e in cluster.engines(STUCK) if e.restarts], 60)
    assert not stopped[0].ready
    release.apply(revision(slow=None, stuck=None))
    until("both are gone", lambda: not cluster.engines("llmgen.dev/revision in (slow,stuck)", leaving=True), 120)
    detail(
        f"load 40 s against 4 s: ready after {took:.0f} s, 0 restarts; budget {values['startup']['budgetSeconds']} s"
    )


def test_a_crashed_engine_is_restarted_and_its_clients_notice(cluster: Cluster, release: Release, detail: Say):
    """The lost requests also show that this suite sees a loss where there is one."""
    victim = ready(cluster)[0]
    with traffic(cluster, release) as sent:
        time.sleep(3)
        began = time.monotonic()
        cluster.run_in(victim.name, "vllm", "control", "oom=1")
        until("it is restarted", lambda: _again(cluster, victim), 120)
        took = time.monotonic() - began
    assert _again(cluster, victim).last_exit == 1
    assert sent.lost
    detail(f"out of memory, ready again after {took:.0f} s; {sent.summary()}")


def _again(cluster: Cluster, before: Engine) -> Engine | None:
    """The same pod, ready, with one more restart."""
    same = (engine for engine in ready(cluster) if engine.uid == before.uid)
    return next((engine for engine in same if engine.restarts > before.restarts), None)


def test_a_dead_engine_leaves_the_service_and_is_restarted(cluster: Cluster, release: Release, detail: Say):
    victim = ready(cluster)[0]
    service = f"{release.prefix}-chat"
    assert victim.name in cluster.endpoints(service)
    began = time.monotonic()
    cluster.run_in(victim.name, "vllm", "control", "dead=1")
    until("it leaves the Service", lambda: victim.name not in cluster.endpoints(service), 30)
    left = time.monotonic() - began
    until("it is restarted", lambda: _again(cluster, victim), 180)
    detail(f"out of the Service after {left:.0f} s, ready again after {time.monotonic() - began:.0f} s")


def test_an_eviction_loses_nothing_and_the_budget_allows_one_at_a_time(cluster: Cluster, release: Release, detail: Say):
    until("both engines are available", lambda: cluster.rolled_out(V1), 120)
    first, second = ready(cluster)
    with traffic(cluster, release) as sent:
        time.sleep(10)
        began = time.monotonic()
        assert cluster.evict(first.name) == 201
        assert cluster.evict(second.name) == 429
        log = cluster.last_words(first.name, 150)
        took = time.monotonic() - began
        until("a new engine stands in", lambda: cluster.rolled_out(V1), 120)
        assert second.uid in {engine.uid for engine in ready(cluster)}
    assert running_at_sigterm(log) > 0
    assert not sent.lost, sent.lost
    detail(f"{running_at_sigterm(log)} running at SIGTERM, gone after {took:.0f} s; {sent.summary()}")


def test_a_rolling_upgrade_loses_nothing(cluster: Cluster, release: Release, detail: Say):
    old = ready(cluster)
    with traffic(cluster, release) as sent:
        time.sleep(10)
        began = time.monotonic()
        release.apply(revision(v1={"podAnnotations": {"llmgen.dev/e2e": "upgraded"}}))
        logs = [cluster.last_words(engine.name, 240) for engine in old]
        until("the rollout is complete", lambda: cluster.rolled_out(V1), 60)
        took = time.monotonic() - began
    assert not {engine.uid for engine in old} & {engine.uid for engine in ready(cluster)}
    drained = [running_at_sigterm(log) for log in logs if DRAINED in log]
    assert sum(drained) > 0
    assert not sent.lost, sent.lost
    detail(f"2 engines in {took:.0f} s, {drained} running at SIGTERM; {sent.summary()}")
