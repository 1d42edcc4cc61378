"""A pod that is a client of the platform: it sends traffic to a gateway and remembers what became of each request."""

from __future__ import annotations

import json
import re
import uuid
from collections import Counter
from typing import TYPE_CHECKING, Any, Self

from tests.e2e.cluster import until
from tests.e2e.support import NAMESPACE, restricted

if TYPE_CHECKING:
    from tests.e2e.release import Release
    from tests.e2e.support import Support

SHORT = [20, 60]  # tokens: up to 1.5 s, for cases in which no stream has to be long
MIX = [20, 400]  # tokens: half a second, and 10 s, longer than an engine's preStop
DECIDED = re.compile(r"model=(\S+); .*revision=(\S+); attempts=(\d+)")


class Traffic:
    """Started on entry, stopped on exit; ``records`` are the requests, in the order they ended."""

    def __init__(
        self,
        support: Support,
        release: Release,
        *,
        model: str = "chat",
        tenant: str = "clients",
        rate: float | list[float] = 3,
        lengths: list[int] | None = None,
        key: str = "",
        flows: bool = True,
    ) -> None:
        self._cluster = support.cluster
        self.name = f"client-{uuid.uuid4().hex[:6]}"
        self.records: list[dict[str, Any]] = []
        self._flows = flows  # wait for a whole answer before anything else
        url = f"{release.url}/v1"
        wanted = {
            "url": url,
            "key": key or release.keys[tenant],
            "model": model,
            "rate": rate,
            "lengths": lengths or MIX,
        }
        spec = restricted("client", ["python3", "/opt/bench/traffic.py", json.dumps(wanted)])
        spec |= {"restartPolicy": "Never", "automountServiceAccountToken": False, "terminationGracePeriodSeconds": 150}
        self._pod = {"metadata": {"name": self.name, "labels": {"app": "client"}}, "spec": spec}

    def __enter__(self) -> Self:
        self._cluster.core.create_namespaced_pod(NAMESPACE, self._pod)
        try:
            until("traffic flows", lambda: any(not (self._flows and lost(one)) for one in self.so_far()), 60)
        except AssertionError as error:
            raise AssertionError(f"{error}; {self.so_far()[-3:]}") from error
        return self

    def __exit__(self, *_: object) -> None:
        self._cluster.run_in(self.name, "python3", "-c", "import os, signal; os.kill(1, signal.SIGTERM)")
        until("the last requests end", lambda: self._phase() in {"Succeeded", "Failed"}, 150)
        self.records = self.so_far()
        self._cluster.core.delete_namespaced_pod(self.name, NAMESPACE)

    def _phase(self) -> str:
        return str(self._cluster.core.read_namespaced_pod(self.name, NAMESPACE).status.phase)

    def so_far(self) -> list[dict[str, Any]]:
        """The requests that have ended by now."""
        if self._phase() == "Pending":
            return []
        return [json.loads(line) for line in self._cluster.log(self.name).splitlines() if line.startswith("{")]

    @property
    def lost(self) -> list[dict[str, Any]]:
        """Requests without their whole answer."""
        return [one for one in self.records if lost(one)]

    @property
    def why(self) -> str:
        """What became of the lost requests, for the message of an assertion: count, what was said, and when they began."""
        causes: dict[str, list[float]] = {}
        for one in self.lost:
            cause = one.get("error") or f"{one['got']} of {one['asked']} tokens, finish {one['finish']}"
            causes.setdefault(cause, []).append(one["began"])
        return "; ".join(
            f"{len(times)} x {cause} ({min(times):.0f} to {max(times):.0f})" for cause, times in causes.items()
        )

    def summary(self) -> str:
        """For the table."""
        return f"{len(self.records)} requests, {len(self.lost)} lost or cut"


def lost(record: dict[str, Any]) -> bool:
    """Whether anything of the answer is missing: every token, the reason it ended, and the usage that closes it."""
    wanted = {"status": 200, "finish": "length", "got": record["asked"], "usage": record["asked"]}
    return "error" in record or any(record.get(key) != value for key, value in wanted.items())


def answered_by(record: dict[str, Any]) -> tuple[str, str]:
    """Model and revision that the gateway decided on; empty where it did not say."""
    found = DECIDED.search(record.get("decision", ""))
    return (found[1], found[2]) if found else ("", "")


def shares(records: list[dict[str, Any]]) -> dict[str, float]:
    """Revision -> its share of the requests, in percent."""
    counted = Counter(answered_by(record)[1] for record in records if "decision" in record)
    return {revision: 100 * count / counted.total() for revision, count in counted.items()}
