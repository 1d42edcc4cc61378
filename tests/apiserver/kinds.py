"""Kinds of add-ons: the CRDs in crds/, so that a real API server checks what the chart renders for KEDA, Istio and prometheus-operator."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from kubernetes import config
from kubernetes.client import ApiException, ApiextensionsV1Api

FOLDER = Path(__file__).parent / "crds"
_ESTABLISHED_SECONDS = 30
_CONFLICT = 409


@contextmanager
def installed(kubeconfig: Path) -> Iterator[None]:
    """Install what the cluster misses, and wait until it is served; taken away again afterwards. Raises TimeoutError."""
    api: Any = ApiextensionsV1Api(config.new_client_from_config(str(kubeconfig)))  # type: ignore[no-untyped-call]
    created = [name for manifest in _manifests() if (name := _create(api, manifest))]
    try:
        deadline = time.monotonic() + _ESTABLISHED_SECONDS
        while waiting := [name for name in created if not _established(api, name)]:
            if time.monotonic() > deadline:
                raise TimeoutError(f"never served: {', '.join(waiting)}")
            time.sleep(0.1)
        yield
    finally:
        for name in created:
            api.delete_custom_resource_definition(name)


def _manifests() -> Iterator[dict[str, Any]]:
    for file in sorted(FOLDER.glob("*.yaml")):
        yield from (item for item in yaml.safe_load_all(file.read_text(encoding="utf-8")) if item)


def _create(api: Any, manifest: dict[str, Any]) -> str | None:
    try:
        api.create_custom_resource_definition(manifest)
    except ApiException as error:
        if error.status != _CONFLICT:
            raise
        return None
    return str(manifest["metadata"]["name"])


def _established(api: Any, name: str) -> bool:
    conditions = api.read_custom_resource_definition(name).status.conditions or []
    return any(condition.type == "Established" and condition.status == "True" for condition in conditions)
