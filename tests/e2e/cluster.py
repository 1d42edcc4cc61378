"""The cluster as the suite sees it: waiting, pods of a revision, commands inside them, evictions, resources of nodes."""

from __future__ import annotations

import contextlib
import json
import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeVar

from kubernetes import client, config
from kubernetes.client.exceptions import ApiException
from kubernetes.stream import stream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")
GPU = "llmgen.dev/fake-gpu"  # advertised by the suite, so that a real GPU is neither needed nor taken
POINTER = "/status/{}/" + GPU.replace("/", "~1")


def until(what: str, check: Callable[[], T], seconds: float, every: float = 0.5) -> T:
    """Wait for a true value and return it. Raises AssertionError that says what did not come, and the last value."""
    end, value = time.monotonic() + seconds, check()
    while not value:
        assert time.monotonic() < end, f"not within {seconds:.0f} s: {what}; last: {value!r}"
        time.sleep(every)
        value = check()
    return value


@dataclass(frozen=True)
class Engine:
    """One engine pod at one moment."""

    name: str
    uid: str
    ready: bool
    restarts: int
    leaving: bool
    node: str | None
    last_exit: int | None  # exit code of the container before this one
    reason: str  # why it is not scheduled, else empty


class Cluster:
    """One namespace of the cluster that KUBECONFIG names."""

    def __init__(self, namespace: str) -> None:
        config.load_kube_config()
        self.namespace = namespace
        self.core, self.apps, self.policy = client.CoreV1Api(), client.AppsV1Api(), client.PolicyV1Api()
        self.access = client.RbacAuthorizationV1Api()
        self.discovery = client.DiscoveryV1Api()

    def twin(self) -> Cluster:
        """The same namespace for another thread: the API's client is not safe to share."""
        return Cluster(self.namespace)

    def create_namespace(self) -> None:
        """Make it anew, under Pod Security "restricted"."""
        self.delete_namespace()
        labels = {"pod-security.kubernetes.io/enforce": "restricted"}
        self.core.create_namespace({"metadata": {"name": self.namespace, "labels": labels}})
        account = until("default service account", lambda: self._quiet(self._account), 30)
        assert account

    def delete_namespace(self) -> None:
        """Delete it, without waiting for anything inside to finish its work, and what releases in it made cluster-wide."""
        classes = client.SchedulingV1Api()
        for one in classes.list_priority_class().items:
            if (one.metadata.annotations or {}).get("meta.helm.sh/release-namespace") == self.namespace:
                classes.delete_priority_class(one.metadata.name)
        self._quiet(lambda: self.core.delete_collection_namespaced_pod(self.namespace, grace_period_seconds=0))
        if self._quiet(lambda: self.core.delete_namespace(self.namespace)):
            until("namespace is gone", lambda: not self._quiet(lambda: self.core.read_namespace(self.namespace)), 180)

    def _account(self) -> Any:
        return self.core.read_namespaced_service_account("default", self.namespace)

    @staticmethod
    def _quiet(call: Callable[[], Any]) -> Any:
        """The object, or None where there is none."""
        try:
            return call()
        except ApiException as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return None
            raise

    def advertise(self, node: str, count: int) -> None:
        """Let a real node offer GPUs of the suite's own kind."""
        patch = [
            {"op": "add", "path": POINTER.format(field), "value": str(count)} for field in ("capacity", "allocatable")
        ]
        self.core.patch_node_status(node, patch)

    def withdraw(self, node: str) -> None:
        with contextlib.suppress(ApiException):
            self.core.patch_node_status(
                node, [{"op": "remove", "path": POINTER.format(field)} for field in ("capacity", "allocatable")]
            )

    def knows(self, group: str) -> bool:
        """Whether the API server serves an API group."""
        return any(one.name == group for one in client.ApisApi().get_api_versions().groups)

    def workers(self) -> list[str]:
        """Schedulable nodes that really run pods."""
        nodes = self.core.list_node().items
        return [
            node.metadata.name
            for node in nodes
            if not node.spec.unschedulable
            and not any(taint.effect == "NoSchedule" for taint in node.spec.taints or [])
            and (node.metadata.annotations or {}).get("kwok.x-k8s.io/node") is None
        ]

    def pods(self, selector: str) -> list[Any]:
        """Pods of a selector, those that are being deleted among them."""
        found: list[Any] = self.core.list_namespaced_pod(self.namespace, label_selector=selector).items
        return found

    def engines(self, selector: str, *, leaving: bool = False) -> list[Engine]:
        """Pods of a selector; those that are being deleted only when asked for."""
        seen = [_engine(pod) for pod in self.pods(selector)]
        return [engine for engine in seen if leaving or not engine.leaving]

    def deployment(self, selector: str) -> Any:
        (found,) = self.apps.list_namespaced_deployment(self.namespace, label_selector=selector).items
        return found

    def deployments(self, selector: str) -> list[str]:
        """Names of Deployments."""
        found = self.apps.list_namespaced_deployment(self.namespace, label_selector=selector).items
        return [deployment.metadata.name for deployment in found]

    def rolled_out(self, selector: str) -> bool:
        """Whether the Deployment of a selector is complete."""
        return self.complete(self.deployment(selector).metadata.name)

    def complete(self, name: str) -> bool:
        """Every wanted replica is of the newest template and available, and no other is left."""
        deployment = self.apps.read_namespaced_deployment(name, self.namespace)
        status, wanted = deployment.status, deployment.spec.replicas
        seen = (status.observed_generation or 0) >= deployment.metadata.generation
        return seen and (status.updated_replicas, status.available_replicas, status.replicas) == (wanted,) * 3

    def endpoints(self, service: str) -> set[str]:
        """Names of the ready pods that a Service sends to."""
        slices = self.discovery.list_namespaced_endpoint_slice(
            self.namespace, label_selector=f"kubernetes.io/service-name={service}"
        )
        entries = (endpoint for one in slices.items for endpoint in one.endpoints or [])
        return {entry.target_ref.name for entry in entries if entry.conditions.ready}

    def evict(self, pod: str) -> int:
        """Ask as a node drain does; the HTTP status."""
        body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod, "namespace": self.namespace}}
        try:
            self.core.create_namespaced_pod_eviction(pod, self.namespace, body)
        except ApiException as error:
            return int(error.status)
        return HTTPStatus.CREATED

    def run_in(self, pod: str, *command: str) -> str:
        """Output of a command inside a pod."""
        connect = self.core.connect_get_namespaced_pod_exec
        return str(stream(connect, pod, self.namespace, command=list(command), stdout=True, stderr=True))

    def log(self, pod: str) -> str:
        """What the pod has said; empty when it is gone."""
        text = self._quiet(lambda: self.core.read_namespaced_pod_log(pod, self.namespace))
        return str(text or "")

    def last_words(self, *pods: str, seconds: float) -> list[str]:
        """The logs of pods that are leaving, in any order, each read until it is gone."""
        texts, gone, end = dict.fromkeys(pods, ""), set[str](), time.monotonic() + seconds
        while here := [pod for pod in pods if pod not in gone]:
            assert time.monotonic() < end, f"{', '.join(here)} did not leave within {seconds:.0f} s"
            for pod in here:
                if (now := self._last(pod)) is None:
                    gone.add(pod)
                else:
                    texts[pod] = now or texts[pod]
            time.sleep(0.5)
        return list(texts.values())

    def _last(self, pod: str) -> str | None:
        if self._quiet(lambda: self.core.read_namespaced_pod(pod, self.namespace)) is None:
            return None
        with contextlib.suppress(ApiException):  # between the end of the container and the end of the pod
            return self.log(pod)
        return ""

    def leftovers(self, instance: str) -> set[str]:
        """Kind/name of everything that carries a release's label: every kind that the API server can list, cluster-wide ones included."""
        found: set[str] = set()
        for path, kind in self._listable():
            listing = self._get(f"{path}?labelSelector=app.kubernetes.io/instance%3D{instance}")
            found |= {f"{kind}/{item['metadata']['name']}" for item in (listing or {}).get("items") or []}
        return found

    def _listable(self) -> Iterator[tuple[str, str]]:
        """Path and kind of what can be listed, in this namespace or cluster-wide; one version of each group."""
        groups = [group["preferredVersion"]["groupVersion"] for group in self._get("/apis")["groups"]]
        for base in ["/api/v1", *(f"/apis/{version}" for version in groups)]:
            for resource in (self._get(base) or {}).get("resources", []):
                if "list" in resource["verbs"] and "delete" in resource["verbs"]:
                    where = f"/namespaces/{self.namespace}" if resource["namespaced"] else ""
                    yield f"{base}{where}/{resource['name']}", resource["kind"]

    def _get(self, path: str) -> Any:
        """An object of the API as JSON; None where it is not there, or its server is away."""
        api = self.core.api_client
        asked = api.call_api(*api.param_serialize("GET", path, auth_settings=["BearerToken"]))
        body = asked.read()
        if asked.status in {HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.SERVICE_UNAVAILABLE}:
            return None
        assert asked.status == HTTPStatus.OK, (path, asked.status, body)
        return json.loads(body)


def _engine(pod: Any) -> Engine:
    status = (pod.status.container_statuses or [None])[0]
    ended = status.last_state.terminated if status and status.last_state else None
    waiting = next((c for c in pod.status.conditions or [] if c.type == "PodScheduled" and c.status != "True"), None)
    return Engine(
        name=pod.metadata.name,
        uid=pod.metadata.uid,
        ready=any(c.type == "Ready" and c.status == "True" for c in pod.status.conditions or []),
        restarts=status.restart_count if status else 0,
        leaving=pod.metadata.deletion_timestamp is not None,
        node=pod.spec.node_name,
        last_exit=ended.exit_code if ended else None,
        reason=f"{waiting.reason}: {waiting.message}" if waiting else "",
    )
