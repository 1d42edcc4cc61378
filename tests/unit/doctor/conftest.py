"""A release, and a cluster in a dictionary that has everything it needs; each test takes something away."""

from __future__ import annotations

import base64
import copy
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from llmgen import doctor, pipeline
from llmgen.doctor import Finding
from llmgen.pipeline import Outcome

HERE = Path(__file__).parent
MARK = "sha256:" + "0123456789abcdef" * 4

Object = dict[str, Any]


class FakeApi:
    """Answers GET from ``objects``: an object by its path, a list by the path of its kind. Records what it was asked."""

    server = "https://fake"

    def __init__(self) -> None:
        self.objects: dict[str, Object] = {}
        self.forbidden: set[str] = set()
        self.asked: list[str] = []
        self.queries: dict[str, Any] = {"up": 12, "sum(running)": 1, "absent(up)": 0, "sum(track)": 1}
        self.down: Exception | None = None

    def get(self, path: str, query: Mapping[str, str]) -> tuple[int, str]:
        self.asked.append(path)
        if self.down is not None:
            raise self.down
        if any(path.startswith(prefix) for prefix in self.forbidden):
            return 403, json.dumps({"kind": "Status", "reason": "Forbidden"})
        if path.endswith("/api/v1/query"):
            return self._prometheus(query["query"])
        if path in self.objects:
            return 200, json.dumps(self.objects[path])
        found = self._list(path)
        return (404, "{}") if found is None else (200, json.dumps({"items": found}))

    def _prometheus(self, query: str) -> tuple[int, str]:
        found = self.queries.get(query)
        if found is None or isinstance(found, str):
            return 400, json.dumps({"status": "error", "error": found or "parse error"})
        return 200, json.dumps({"status": "success", "data": {"resultType": "vector", "result": [{}] * found}})

    def _list(self, path: str) -> list[Object] | None:
        """Objects whose path is of this kind, in one namespace or in all."""
        root, _, resource = path.rpartition("/")
        found = [
            item
            for key, item in self.objects.items()
            if key.rpartition("/")[0] == path
            or (key.startswith(f"{root}/namespaces/") and key.split("/")[-2:-1] == [resource])
        ]
        return found or None

    def put(self, path: str, item: Object | None = None, **metadata: Any) -> None:
        steps = path.split("/")
        place = {"namespace": steps[steps.index("namespaces") + 1]} if "namespaces" in steps[:-2] else {}
        self.objects[path] = {**(item or {}), "metadata": {"name": steps[-1], **place, **metadata}}


def secret(data: Mapping[str, str]) -> Object:
    return {"type": "Opaque", "data": {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}}


def gpu_node(gpus: int = 2, **spec: Any) -> Object:
    allocatable = {"cpu": "16", "memory": "64Gi", "pods": "110", **({"nvidia.com/gpu": str(gpus)} if gpus else {})}
    return {
        "spec": {"taints": [{"key": "nvidia.com/gpu", "effect": "NoSchedule"}], **spec},
        "status": {"allocatable": allocatable, "conditions": [{"type": "Ready", "status": "True"}]},
    }


def deployment(image: str) -> Object:
    return {
        "spec": {"template": {"spec": {"containers": [{"name": "main", "image": image}]}}},
        "status": {"readyReplicas": 1},
    }


@pytest.fixture
def api() -> FakeApi:
    """A cluster with everything."""
    api = FakeApi()
    api.put("/version", {"major": "1", "minor": "34+"})
    for group, version, kinds in (
        ("apps", "v1", ["Deployment"]),
        ("keda.sh", "v1alpha1", ["ScaledObject"]),
        ("networking.istio.io", "v1", ["VirtualService"]),
        ("monitoring.coreos.com", "v1", ["PodMonitor", "PrometheusRule"]),
        ("scheduling.k8s.io", "v1", ["PriorityClass"]),
    ):
        api.put(f"/apis/{group}", {"versions": [{"version": version}]})
        api.put(f"/apis/{group}/{version}", {"resources": [{"kind": kind} for kind in kinds]})
    apps = "/apis/apps/v1/namespaces"
    api.put(f"{apps}/keda/deployments/keda-operator", deployment("ghcr.io/kedacore/keda:2.18.1"))
    api.put(f"{apps}/istio-system/deployments/istiod", deployment("docker.io/istio/pilot:1.27.0"))
    api.put(f"{apps}/istio-system/daemonsets/istio-cni-node", deployment("docker.io/istio/install-cni:1.27.0"))
    api.put(f"{apps}/monitoring/deployments/operator", deployment("quay.io/x/prometheus-operator:v0.85.0@sha256:00"))
    available = {"conditions": [{"type": "Available", "status": "True"}]}
    service = {"spec": {"service": {"name": "keda-operator-metrics-apiserver"}}, "status": available}
    api.put("/apis/apiregistration.k8s.io/v1/apiservices/v1beta1.external.metrics.k8s.io", service)
    selectors = {f"{kind}{part}": {} for kind in ("podMonitor", "rule") for part in ("Selector", "NamespaceSelector")}
    selectors["podMonitorSelector"] = {"matchLabels": {"release": "monitoring"}}
    api.put("/apis/monitoring.coreos.com/v1/namespaces/monitoring/prometheuses/main", {"spec": selectors})
    api.put("/api/v1/namespaces/serving", labels={"pod-security.kubernetes.io/enforce": "restricted"})
    inside = "/api/v1/namespaces/serving/secrets"
    api.put(f"{inside}/tenant-acme", secret({"sha256": MARK}))
    api.put(f"{inside}/hub", secret({"token": "hf_very_secret"}))
    api.put(f"{inside}/registry", {**secret({".dockerconfigjson": "{}"}), "type": "kubernetes.io/dockerconfigjson"})
    shared = {"provisioner": "fsx.csi.aws.com"}
    api.put("/apis/storage.k8s.io/v1/storageclasses/shared", shared)
    for name in ("a", "b"):
        api.put(f"/api/v1/nodes/{name}", gpu_node(), labels={"gpu": "l4"})
    api.put("/api/v1/nodes/c", gpu_node(gpus=0, taints=[]))
    return api


Examine = Callable[..., list[Finding]]


@pytest.fixture(scope="session")
def outcome() -> Outcome:
    outcome = pipeline.run(str(HERE / "spec.yaml"))
    assert not outcome.failed, outcome.problems
    return outcome


@pytest.fixture
def examine(api: FakeApi, outcome: Outcome) -> Examine:
    """The findings about the release on the fake cluster, optionally with more objects in the release."""

    def run(*more: str, without: str = "", prometheus: str | None = None) -> list[Finding]:
        parts = (HERE / "manifests.yaml").read_text(encoding="utf-8").split("\n---\n")
        kept = [part for part in parts if not without or f"kind: {without}" not in part]
        return doctor.examine(outcome, "\n---\n".join([*kept, *more]), copy.copy(api), prometheus=prometheus)

    return run


def of(findings: list[Finding], check: str, subject: str | None = None) -> list[Finding]:
    return [one for one in findings if one.check == check and subject in (None, one.subject)]


def only(findings: list[Finding], check: str, subject: str | None = None) -> Finding:
    (found,) = of(findings, check, subject)
    return found
