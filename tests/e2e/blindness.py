"""Prometheus is away for minutes. A thread watches the engines meanwhile, so that cases that do not ask Prometheus can run."""

from __future__ import annotations

import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Self

from tests.e2e.client import Traffic
from tests.e2e.cluster import until
from tests.e2e.faults import ready

if TYPE_CHECKING:
    from tests.e2e.cluster import Cluster
    from tests.e2e.release import Release
    from tests.e2e.support import Support

SECONDS = 180.0
BUSY = [60]  # tokens, about 1.7 s each
MOST = 7.0  # such requests per second, twelve in flight: three engines


def engines(cluster: Cluster, release: Release) -> int:
    """How many are ready."""
    return len(ready(cluster, release.engines()))


class Blindness:
    """Begins on entry with three engines that the load no longer needs; `end` waits for its end and tells."""

    def __init__(self, release: Release, support: Support) -> None:
        self._release = release
        # Of its own: the API's client belongs to one thread.
        self._support, self._cluster = support.twin(), release.cluster.twin()
        self._pool = ThreadPoolExecutor(1)
        self._told: Future[str] | None = None

    def __enter__(self) -> Self:
        with Traffic(self._support, self._release, rate=[2, MOST, 20], lengths=BUSY) as sent:
            until("three engines are ready", lambda: engines(self._cluster, self._release) >= 3, 180)
        assert not sent.lost, sent.why
        self._told = self._pool.submit(self._watch)
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown()

    def end(self) -> str:
        """What to say in the table. Raises what the thread raised."""
        assert self._told
        return self._told.result()

    def _watch(self) -> str:
        with Traffic(self._support, self._release, rate=1, lengths=[20]) as calm:
            with self._support.without("prometheus"):
                least = before = engines(self._cluster, self._release)
                end = time.monotonic() + SECONDS
                while time.monotonic() < end:
                    least = min(least, engines(self._cluster, self._release))
                    time.sleep(1)
            began = time.monotonic()
            left = self._release.engines()
            until("one engine is left", lambda: len(self._cluster.engines(left)) == 1, 240)
            took = time.monotonic() - began
        assert least >= before, (least, before)
        assert not calm.lost, calm.why
        return (
            f"{before} engines for {SECONDS:.0f} s without Prometheus, never fewer; "
            f"1 again {took:.0f} s after its return; {calm.summary()}"
        )
