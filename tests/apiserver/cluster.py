"""What the tests ask the API server, by kind rather than by client method."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from kubernetes import config
from kubernetes.client import ApiException
from kubernetes.dynamic import DynamicClient
from kubernetes.dynamic.exceptions import NotFoundError

RESTRICTED = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "warn")}
_FIELD_MANAGER = "llmgen-tests"
_STRICT = (("fieldValidation", "Strict"),)
"""The client knows no such argument: it would drop it silently, and the server an unknown field."""
_NOISE = {"Event", "ControllerRevision", "EndpointSlice", "Endpoints", "Lease"}
"""Kinds that controllers write on their own."""
_CLUSTER_WIDE = (("v1", "PersistentVolume"), ("scheduling.k8s.io/v1", "PriorityClass"))
"""Kinds without a namespace that the chart renders."""
_OF_THE_NAMESPACE = {("ConfigMap", "kube-root-ca.crt"), ("ServiceAccount", "default")}

Object = dict[str, Any]


class Cluster:
    """A cluster that the tests may write to."""

    def __init__(self, kubeconfig: Path) -> None:
        self.kubeconfig = kubeconfig
        self._client = DynamicClient(config.new_client_from_config(str(kubeconfig)))
        self._namespaced = [
            found
            for found in self._client.resources.search(namespaced=True)
            if "list" in found.verbs
            and "/" not in found.name
            and found.kind not in _NOISE
            and not found.kind.endswith("List")
        ]

    def namespace(self) -> str:
        """Create a namespace that enforces Pod Security `restricted`, and return its name."""
        name = f"llmgen-test-{secrets.token_hex(4)}"
        self.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": RESTRICTED}})
        return name

    def remove_namespace(self, name: str) -> None:
        """Delete a namespace and what its releases left in the cluster."""
        for version, kind in _CLUSTER_WIDE:
            for left in self.cluster_wide(name, kind):
                self._of(version, kind).delete(name=left)
        self._of("v1", "Namespace").delete(name=name)

    def create(self, manifest: Object, namespace: str | None = None, *, dry_run: bool = False) -> Object:
        """Create an object. Raises ApiException with the server's reasons."""
        found = self._of(manifest["apiVersion"], manifest["kind"])
        options = {"dry_run": "All"} if dry_run else {}
        created: Object = found.create(
            body=manifest, namespace=namespace, field_manager=_FIELD_MANAGER, query_params=list(_STRICT), **options
        ).to_dict()
        return created

    def delete(self, manifest: Object) -> None:
        """Delete a cluster-wide object."""
        self._of(manifest["apiVersion"], manifest["kind"]).delete(name=manifest["metadata"]["name"])

    def get(self, version: str, kind: str, name: str, namespace: str | None = None) -> Object | None:
        """Return an object, None where there is none."""
        try:
            found: Object = self._of(version, kind).get(name=name, namespace=namespace).to_dict()
        except NotFoundError:
            return None
        return found

    def all(self, version: str, kind: str, namespace: str | None = None) -> list[Object]:
        """Return all objects of a kind, in order of their names."""
        items = self._of(version, kind).get(namespace=namespace).to_dict()["items"]
        return sorted(items, key=lambda item: str(item["metadata"]["name"]))

    def generations(self, namespace: str) -> dict[str, int]:
        """Return how often the spec of each Deployment has changed, by name."""
        return {
            item["metadata"]["name"]: item["metadata"]["generation"]
            for item in self.all("apps/v1", "Deployment", namespace)
        }

    def contents(self, namespace: str) -> set[str]:
        """Return everything in a namespace as ``Kind/name``, but for what every namespace has."""
        return {
            f"{found.kind}/{name}"
            for found in self._namespaced
            for name in self._names(found, namespace)
            if (found.kind, name) not in _OF_THE_NAMESPACE
        }

    def cluster_wide(self, namespace: str, *kinds: str) -> list[str]:
        """Return the cluster-wide objects of releases in a namespace, which begin with its name."""
        return [
            item["metadata"]["name"]
            for version, kind in _CLUSTER_WIDE
            if not kinds or kind in kinds
            for item in self.all(version, kind)
            if item["metadata"]["name"].startswith(f"{namespace}-")
        ]

    def refused(self, manifests: Iterable[Object], namespace: str) -> list[str]:
        """Return why the server would refuse objects, after a dry run of each."""
        reasons = []
        for manifest in manifests:
            try:
                self.create(manifest, namespace, dry_run=True)
            except ApiException as error:
                reasons.append(f"{manifest['kind']}/{manifest['metadata'].get('name')}: {error.body}")
        return reasons

    def _of(self, version: str, kind: str) -> Any:
        return self._client.resources.get(api_version=version, kind=kind)

    @staticmethod
    def _names(found: Any, namespace: str) -> Iterator[str]:
        try:
            items = found.get(namespace=namespace).to_dict()["items"]
        except ApiException:  # a kind that can be listed in no namespace after all
            return
        for item in items:
            yield item["metadata"]["name"]


def pod_of(deployment: Object) -> Object:
    """Return the first pod of a Deployment, as its controller would create it."""
    template = deployment["spec"]["template"]
    metadata = {**template["metadata"], "name": f"{deployment['metadata']['name']}"[:63]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}
