"""A canary's way with `llmgen rollout`, and the brake: the same for every provider of traffic."""

from __future__ import annotations

import math
import signal
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tests.e2e.client import Traffic, answered_by, shares
from tests.e2e.cluster import until
from tests.e2e.forward import forwarded
from tests.e2e.release import run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.cluster import Cluster
    from tests.e2e.release import Release
    from tests.e2e.support import Support

RATE = 12  # requests per second, short ones
LEAST = 8  # requests of the smaller side that a step's share is judged by
WEIGHT = 'llm_gateway_track_weight{{model="chat",track="{track}"}}'


class Rollout:
    """The rollout of `chat` from v1 to v2 in one release; Prometheus is asked at ``address``."""

    def __init__(self, release: Release, address: str = "") -> None:
        self.release, self._address = release, address

    def command(self, verb: str, *options: str) -> subprocess.CompletedProcess[str]:
        """Run one command of `llmgen rollout`."""
        line = ["llmgen", "rollout", verb, str(self.release.spec), "--model", "chat", *options]
        return subprocess.run(line, capture_output=True, text=True, check=False)

    def judged(self, verb: str) -> float:
        """Take a step as soon as its gates allow it; seconds until then."""
        began, said = time.monotonic(), []

        def taken() -> bool:
            done = self.command(verb, "--prometheus", self._address)
            said[:] = [done.stdout, done.stderr]
            return done.returncode == 0

        try:
            until(f"`llmgen rollout {verb}` finds its gates open", taken, 150, every=2)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{''.join(said)}") from error
        return time.monotonic() - began

    def arrived(self, **weights: int) -> None:
        """Bring rollout.yaml to the cluster, and wait until every gateway has these weights."""
        self.release.apply()
        self.release.hurry()
        wanted = {WEIGHT.format(track=track): float(weight) for track, weight in weights.items()}

        def told() -> bool:
            return all(wanted.items() <= pod.items() for pod in self.release.gateway_metrics())

        until(f"every gateway has {weights}", told, 120)


def watched(sent: Traffic, weight: int) -> float:
    """The canary's share of the requests that begin from now on, in percent; fails where chance does not explain it."""
    began = time.time()
    time.sleep(100 * LEAST / min(weight or 100, 100 - weight or 100) / RATE + 3)
    seen = [one for one in sent.so_far() if one["began"] > began]
    share = shares(seen).get("v2", 0.0)
    chance = 4 * math.sqrt(weight * (100 - weight) / len(seen))
    assert abs(share - weight) <= chance, (share, weight, len(seen))
    return share


def walk(cluster: Cluster, release: Release, support: Support) -> str:
    """5, 25, 100, promote, and back; nothing lost and no engine restarted. What to say in the table."""
    engines = f"app.kubernetes.io/instance={release.name},llmgen.dev/model=chat"
    before = {engine.uid for engine in cluster.engines(engines)}
    said = []
    with prometheus(support) as address, Traffic(support, release, rate=RATE, lengths=[10]) as sent:
        rollout = Rollout(release, address)
        for weight in (5, 25, 100):
            rollout.judged("advance")
            rollout.arrived(canary=weight)
            said.append(f"{weight} % gave {watched(sent, weight):.0f} %")
        rollout.judged("promote")
        rollout.arrived(stable=100)
        assert watched(sent, 100) == 100
        back = rollout.command("rollback")
        assert back.returncode == 0, back.stderr
        began = time.monotonic()
        rollout.arrived(canary=0)
        said.append(f"promoted, and back in {time.monotonic() - began:.0f} s")
        assert watched(sent, 0) == 0
    assert {engine.uid for engine in cluster.engines(engines)} == before
    assert not sent.lost, sent.why
    return f"{', '.join(said)}; no engine restarted; {sent.summary()}"


def brake(release: Release, support: Support) -> str:
    """A canary of 25 % while Helm is stuck in an upgrade: `abort` takes it to 0 without Helm. What to say in the table."""
    rollout = Rollout(release)
    with Traffic(support, release, rate=RATE, lengths=[10]) as sent:
        for _ in range(2):
            forced = rollout.command("advance", "--force", "the end-to-end suite needs a canary")
            assert forced.returncode == 0, forced.stderr
        rollout.arrived(canary=25)
        watched(sent, 25)
        with stuck(release):
            began = time.time()
            aborted = rollout.command("abort")
            told = time.time()
            assert aborted.returncode == 0, aborted.stderr
            assert watched(sent, 0) == 0
            assert release.history()[-1]["status"] == "pending-upgrade"
        rollout.arrived(canary=0)
        released = rollout.command("release")
        assert released.returncode == 0, released.stderr
        assert watched(sent, 0) == 0
    assert not sent.lost, sent.why
    last = max(one["began"] for one in sent.records if answered_by(one)[1] == "v2")
    assert last < told + 5
    return (
        f"0 % {max(0.0, last - began):.1f} s after the command began, which took {told - began:.1f} s; {sent.summary()}"
    )


@contextmanager
def prometheus(support: Support) -> Iterator[str]:
    """Its address on this machine."""
    (pod,) = support.cluster.pods("app=prometheus")
    with forwarded(support.cluster, pod.metadata.name, 9090) as address:
        yield address


@contextmanager
def stuck(release: Release) -> Iterator[None]:
    """An upgrade that waits for an engine that never comes; ended, and undone, on exit."""
    missing: dict[str, Any] = {"models": {"chat": {"revisions": {"v1": {"image": {"tag": "missing"}}}}}}
    good = {"models": {"chat": {"revisions": {"v1": {"image": {"tag": "e2e"}}}}}}
    waiting = subprocess.Popen(
        release.command(missing, "--wait", "--timeout", "10m"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        until("the upgrade is pending", lambda: release.history()[-1]["status"] == "pending-upgrade", 30)
        yield
    finally:
        waiting.send_signal(signal.SIGTERM)
        waiting.wait(30)
        if release.history()[-1]["status"] == "pending-upgrade":  # an older Helm leaves it so
            run("helm", "rollback", release.name, "-n", release.cluster.namespace)
        release.command(good)  # runs nothing: the next upgrade has the image again
