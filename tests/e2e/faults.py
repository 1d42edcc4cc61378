"""What cases that hurt an engine have in common."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tests.e2e.client import Traffic
from tests.e2e.cluster import until

if TYPE_CHECKING:
    from tests.e2e.cluster import Cluster, Engine
    from tests.e2e.release import Release
    from tests.e2e.support import Support

DRAINED = "told to stop: "
SETTLED = 15.0  # seconds after a fault by which nobody may notice it any more


def ready(cluster: Cluster, selector: str) -> list[Engine]:
    return [engine for engine in cluster.engines(selector) if engine.ready]


def running_at_sigterm(log: str) -> int:
    """How many requests an engine still had when it was told to stop, by its own log."""
    line = next(line for line in log.splitlines() if DRAINED in line)
    return int(line.split(DRAINED)[1].split()[0])


def restarted(cluster: Cluster, selector: str, before: Engine) -> Engine | None:
    """The same pod, ready, with one more restart."""
    same = (engine for engine in ready(cluster, selector) if engine.uid == before.uid)
    return next((engine for engine in same if engine.restarts > before.restarts), None)


def only_streams_under_way(sent: Traffic, fault: float, pods: int) -> None:
    """A fault on one of ``pods`` engines costs at most what ran on it: nobody who came later, and not everybody."""
    under_way = [one for one in sent.records if one["began"] < fault + SETTLED and one["ended"] > fault]
    assert sent.lost, "the fault was not seen: this case proves nothing"
    assert all(one in under_way for one in sent.lost), sent.why
    assert len(sent.lost) <= len(under_way) / pods + 3, (len(sent.lost), len(under_way))


def crash(cluster: Cluster, release: Release, support: Support) -> str:
    """One of the two engines runs out of GPU memory: only streams on it break off. What to say in the table."""
    v1 = release.engines()
    victim = ready(cluster, v1)[0]
    with Traffic(support, release) as sent:
        time.sleep(5)
        fault = time.time()
        cluster.run_in(victim.name, "vllm", "control", "oom=1")
        again = until("it is restarted", lambda: restarted(cluster, v1, victim), 120)
        took = time.time() - fault
    assert again.last_exit == 1
    only_streams_under_way(sent, fault, 2)
    return f"ready again after {took:.0f} s; {sent.summary()}"
