"""What a release leans on, in a namespace of its own: the limit store, the hub of tokenizers, Prometheus. Each can be killed."""

from __future__ import annotations

import contextlib
import copy
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from tests.e2e.cluster import until
from tests.e2e.images import BENCH

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.cluster import Cluster

HERE = Path(__file__).parent
NAMESPACE = "llm-serving-e2e-bench"
PORTS = {"redis": 6379, "hub": 8000, "prometheus": 9090}
COMMANDS = {
    "redis": ["redis-server", "--save", "", "--bind", "0.0.0.0", "--protected-mode", "no", "--dir", "/tmp"],  # noqa: S104, S108
    "hub": ["python3", "/opt/bench/hub.py"],
    "prometheus": ["prometheus", "--config.file=/etc/e2e/prometheus.yaml", "--storage.tsdb.path=/tmp/prometheus"],
}


def restricted(name: str, command: list[str], **more: Any) -> dict[str, Any]:
    """A pod's spec with one container of the bench's image, as Pod Security "restricted" wants it."""
    container = {
        "name": name,
        "image": BENCH,
        "imagePullPolicy": "IfNotPresent",
        "command": command,
        "resources": {"requests": {"cpu": "20m", "memory": "64Mi"}, "limits": {"memory": "512Mi"}},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    security = {"runAsNonRoot": True, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"}}
    return {"containers": [container | more], "securityContext": security, "terminationGracePeriodSeconds": 0}


class Support:
    """The services, by name, as ``redis.<namespace>:6379`` and so on."""

    def __init__(self, cluster: Cluster, watched: str) -> None:
        self.cluster = cluster
        self._watched = watched
        cluster.create_namespace()
        self._let_prometheus_look()
        for name in PORTS:
            self._create(name)
        for name in PORTS:
            until(f"{name} is available", lambda name=name: self._available(name), 120)

    def twin(self) -> Self:
        """The same services for another thread."""
        twin = copy.copy(self)
        twin.cluster = self.cluster.twin()
        return twin

    @contextlib.contextmanager
    def without(self, name: str) -> Iterator[None]:
        """Kill a service at once, and bring it back, empty, on exit."""
        self._scale(name, 0)
        until(f"{name} is gone", lambda: not self.cluster.pods(f"app={name}"), 30)
        try:
            yield
        finally:
            self._scale(name, 1)
            until(f"{name} is back", lambda: self._available(name), 60)

    def _scale(self, name: str, replicas: int) -> None:
        self.cluster.apps.patch_namespaced_deployment_scale(name, NAMESPACE, {"spec": {"replicas": replicas}})

    def _available(self, name: str) -> bool:
        return bool(self.cluster.apps.read_namespaced_deployment(name, NAMESPACE).status.available_replicas)

    def _create(self, name: str) -> None:
        labels = {"app": name}
        probe = {"tcpSocket": {"port": PORTS[name]}, "periodSeconds": 1}
        spec = restricted(name, COMMANDS[name], readinessProbe=probe)
        if name == "prometheus":
            spec["serviceAccountName"] = name
            spec["volumes"] = [{"name": "config", "configMap": {"name": name}}]
            spec["containers"][0]["volumeMounts"] = [{"name": "config", "mountPath": "/etc/e2e"}]
        template = {"metadata": {"labels": labels}, "spec": spec}
        deployment = {"replicas": 1, "selector": {"matchLabels": labels}, "template": template}
        ports = [{"port": PORTS[name]}]
        self.cluster.apps.create_namespaced_deployment(NAMESPACE, {"metadata": {"name": name}, "spec": deployment})
        service = {"metadata": {"name": name}, "spec": {"selector": labels, "ports": ports}}
        self.cluster.core.create_namespaced_service(NAMESPACE, service)

    def _let_prometheus_look(self) -> None:
        """It reads the pods of the namespace that it watches, and nothing else."""
        name = {"metadata": {"name": "prometheus"}}
        text = (HERE / "bench" / "prometheus.yaml").read_text(encoding="utf-8").replace("WATCHED", self._watched)
        self.cluster.core.create_namespaced_config_map(NAMESPACE, name | {"data": {"prometheus.yaml": text}})
        self.cluster.core.create_namespaced_service_account(NAMESPACE, name)
        rules = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "watch"]}]
        self.cluster.access.create_namespaced_role(self._watched, name | {"rules": rules})
        role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "prometheus"}
        subject = {"kind": "ServiceAccount", "name": "prometheus", "namespace": NAMESPACE}
        binding = name | {"roleRef": role, "subjects": [subject]}
        self.cluster.access.create_namespaced_role_binding(self._watched, binding)
