"""Upgrades where no GPU is free: simulated nodes (KWOK) run nothing, but the real scheduler fills them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from kubernetes.client.exceptions import ApiException
from tests.e2e.cluster import GPU, until
from tests.e2e.release import Release

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.e2e.cluster import Cluster

pytestmark = pytest.mark.e2e

NODES = ("e2e-gpu-1", "e2e-gpu-2")
PACKED = "llmgen.dev/model=packed"


@pytest.fixture
def pool(cluster: Cluster) -> Iterator[None]:
    """Two nodes of two GPUs, for these engines alone."""
    room = {"cpu": "64", "memory": "512Gi", "pods": "110", GPU: "2", "ephemeral-storage": "2Ti"}
    for name in NODES:
        _delete(cluster, name)
        metadata = {
            "name": name,
            "annotations": {"kwok.x-k8s.io/node": "fake"},
            "labels": {"llmgen.dev/e2e-pool": "full", "kubernetes.io/hostname": name},
        }
        taint = {"key": "llmgen.dev/e2e", "value": "full", "effect": "NoSchedule"}
        status = {"allocatable": room, "capacity": room}
        cluster.core.create_node({"metadata": metadata, "spec": {"taints": [taint]}, "status": status})
    try:
        until(
            "simulated nodes are ready (KWOK runs in the cluster)", lambda: all(_ready(cluster, n) for n in NODES), 30
        )
        yield
    finally:
        for name in NODES:
            _delete(cluster, name)


def _ready(cluster: Cluster, name: str) -> bool:
    conditions = cluster.core.read_node(name).status.conditions or []
    return any(condition.type == "Ready" and condition.status == "True" for condition in conditions)


def _delete(cluster: Cluster, name: str) -> None:
    try:
        cluster.core.delete_node(name)
    except ApiException as error:
        if error.status != 404:
            raise


@pytest.mark.usefixtures("pool")
def test_a_full_pool_rolls_without_deadlock(cluster: Cluster, tmp_path: Path, detail: Callable[[str], None]):
    """The plan renders no surge here; the same upgrade with surge waits for a GPU that never comes."""
    release = Release("full", "full-pool", cluster, tmp_path)
    assert release.values()["models"]["packed"]["revisions"]["v1"]["strategy"]["surge"] is False
    release.apply()
    until("the pool is full", lambda: cluster.rolled_out(PACKED), 180)
    before = {engine.uid for engine in cluster.engines(PACKED)}
    assert len(before) == 4

    began = time.monotonic()
    release.apply(_change("first"))
    until("the full pool has rolled", lambda: cluster.rolled_out(PACKED), 400)
    took = time.monotonic() - began
    after = cluster.engines(PACKED)
    assert not before & {engine.uid for engine in after}
    assert all(engine.node in NODES for engine in after)

    surge = _change("second")
    surge["models"]["packed"]["revisions"]["v1"]["strategy"] = {"surge": True}
    release.apply(surge)
    until(
        "an engine finds no GPU", lambda: [e for e in cluster.engines(PACKED) if f"Insufficient {GPU}" in e.reason], 30
    )
    time.sleep(10)
    assert not cluster.rolled_out(PACKED)
    release.uninstall()
    detail(f"4 engines on 4 GPUs in {took:.0f} s; with surge it is stuck")


def _change(text: str) -> dict[str, dict[str, dict[str, dict[str, dict[str, object]]]]]:
    return {"models": {"packed": {"revisions": {"v1": {"podAnnotations": {"llmgen.dev/e2e": text}}}}}}
