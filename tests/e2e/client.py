"""A pod that plays the gateway: it sends traffic straight to a model's Service and remembers what became of each request."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from tests.e2e.cluster import until

if TYPE_CHECKING:
    from tests.e2e.cluster import Cluster

SOURCE = Path(__file__).with_name("traffic.py")
OWN = {"llmgen.dev/e2e": "client"}


class Traffic:
    """Started on entry, stopped on exit; ``records`` are the requests, in the order they ended."""

    def __init__(self, cluster: Cluster, *, image: str, url: str, model: str, rate: float, lengths: list[int]) -> None:
        self._cluster = cluster
        self.name = f"client-{uuid.uuid4().hex[:6]}"
        self.records: list[dict[str, Any]] = []
        arguments = [SOURCE.read_text(encoding="utf-8"), url, model, str(rate), *map(str, lengths)]
        container = {
            "name": "client",
            "image": image,
            "command": ["python3", "-c", *arguments],
            "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"memory": "256Mi"}},
            "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        }
        security = {"runAsNonRoot": True, "runAsUser": 1000, "seccompProfile": {"type": "RuntimeDefault"}}
        self._pod = {
            "metadata": {"name": self.name, "labels": _caller(cluster) | OWN},
            "spec": {
                "containers": [container],
                "restartPolicy": "Never",
                "automountServiceAccountToken": False,
                "securityContext": security,
            },
        }

    def __enter__(self) -> Self:
        self._cluster.core.create_namespaced_pod(self._cluster.namespace, self._pod)
        try:
            until("traffic flows", lambda: any(not lost(one) for one in self._read()), 60)
        except AssertionError as error:
            raise AssertionError(f"{error}; {self._read()[-3:]}") from error
        return self

    def __exit__(self, *_: object) -> None:
        self._cluster.run_in(self.name, "python3", "-c", "import os, signal; os.kill(1, signal.SIGTERM)")
        until("the last requests end", lambda: self._phase() in {"Succeeded", "Failed"}, 150)
        self.records = self._read()
        self._cluster.core.delete_namespaced_pod(self.name, self._cluster.namespace)

    def _phase(self) -> str:
        return str(self._cluster.core.read_namespaced_pod(self.name, self._cluster.namespace).status.phase)

    def _read(self) -> list[dict[str, Any]]:
        if self._phase() == "Pending":
            return []
        return [json.loads(line) for line in self._cluster.log(self.name).splitlines() if line.startswith("{")]

    @property
    def lost(self) -> list[dict[str, Any]]:
        """Requests without their whole answer."""
        return [one for one in self.records if lost(one)]

    def summary(self) -> str:
        """For the table."""
        return f"{len(self.records)} requests, {len(self.lost)} lost or cut"


def lost(record: dict[str, Any]) -> bool:
    """Whether anything of the answer is missing: every token, the reason it ended, and the end of the stream."""
    wanted = {"status": 200, "finish": "length", "got": record["asked"], "done": True}
    return any(record.get(key) != value for key, value in wanted.items())


def _caller(cluster: Cluster) -> dict[str, str]:
    """Labels that the engines' NetworkPolicy admits: those of the gateway."""
    policies = cluster.network.list_namespaced_network_policy(cluster.namespace).items
    engine = next(policy for policy in policies if policy.spec.ingress and policy.spec.egress)
    labels: dict[str, str] = engine.spec.ingress[0]._from[0].pod_selector.match_labels
    return labels


def allow_egress(cluster: Cluster) -> None:
    """The release denies what it does not know; this suite's clients may ask."""
    spec = {"podSelector": {"matchLabels": OWN}, "policyTypes": ["Egress"], "egress": [{}]}
    cluster.network.create_namespaced_network_policy(
        cluster.namespace, {"metadata": {"name": "e2e-clients"}, "spec": spec}
    )
