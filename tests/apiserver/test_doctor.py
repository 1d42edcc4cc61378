"""`llmgen doctor` against a real API server: what it asks for is what the server understands, with many rights and with few."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes import client, config
from tests.apiserver.cluster import Cluster, Object
from tests.apiserver.helm import ROOT

from llmgen.doctor.api import KubernetesApi, Reader

pytestmark = pytest.mark.apiserver

SPEC = ROOT / "tests" / "unit" / "doctor" / "spec.yaml"
MARK = "sha256:" + "0" * 64
LABEL = "llmgen-test-gpu"
Findings = dict[tuple[str, str], dict[str, Any]]


class Patient:
    """A spec for one namespace of the cluster, and what the doctor says about it."""

    def __init__(self, cluster: Cluster, namespace: str, folder: Path) -> None:
        self.cluster, self.namespace, self._folder = cluster, namespace, folder
        data = yaml.safe_load(SPEC.read_text(encoding="utf-8"))
        data["metadata"] = {"name": "assistant", "namespace": namespace}
        data["cluster"]["pools"]["small"]["nodeSelector"] = {LABEL: namespace}
        data["cluster"]["storage"] = {"cache": {"kind": "nfs", "create": {"size": "10Gi", "storageClass": namespace}}}
        data["models"]["chat"]["engine"] = {"cacheStorage": "cache"}
        data["cluster"]["addons"] = {"keda": True}
        self._spec = folder / "spec.yaml"
        self._spec.write_text(yaml.safe_dump(data), encoding="utf-8")

    def overlay(self, values: dict[str, Any]) -> None:
        """Put overrides beside the spec."""
        (self._folder / "overrides.yaml").write_text(yaml.safe_dump(values), encoding="utf-8")

    def findings(self, kubeconfig: Path | None = None) -> Findings:
        command = [sys.executable, "-m", "llmgen", "doctor", str(self._spec), "--format", "json"]
        command += ["--kubeconfig", str(kubeconfig or self.cluster.kubeconfig)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
        assert done.stdout, done.stderr
        data = json.loads(done.stdout)
        assert done.returncode == (1 if data["counts"]["fail"] else 0)
        found: Findings = {}
        for one in data["findings"]:  # worst first
            found.setdefault((one["check"], one["subject"]), one)
        return found


@pytest.fixture
def patient(cluster: Cluster, namespace: str, tmp_path: Path) -> Patient:
    return Patient(cluster, namespace, tmp_path)


@pytest.fixture
def around(cluster: Cluster, namespace: str) -> Iterator[None]:
    """What a cluster has around a namespace; removed again."""
    made = [
        _node(f"{namespace}-a", namespace),
        _node(f"{namespace}-b", namespace),
        {**_node(f"{namespace}-c", namespace), "spec": {"taints": [{"key": "team", "value": "x", "effect": "NoSchedule"}]}},
        {
            "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": namespace},
            "provisioner": "nfs.csi.k8s.io",
        },
    ]  # fmt: skip
    for item in made:
        cluster.create(item)
    nodes = client.CoreV1Api(config.new_client_from_config(str(cluster.kubeconfig)))
    for item in made[:3]:  # admission taints a new node not-ready, and no controller is there to take it away
        nodes.patch_node(item["metadata"]["name"], {"spec": {"taints": item["spec"]["taints"]}})
    yield
    for item in made:
        cluster.delete(item)


def _node(name: str, namespace: str) -> Object:
    allocatable = {"cpu": "32", "memory": "128Gi", "pods": "110", "nvidia.com/gpu": "2"}
    return {
        "apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": {LABEL: namespace}},
        "spec": {"taints": [{"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}]},
        "status": {"allocatable": allocatable, "capacity": allocatable, "conditions": [{"type": "Ready", "status": "True"}]},
    }  # fmt: skip


def test_an_empty_cluster(patient: Patient) -> None:
    found = patient.findings()
    assert found["secret", "tenant-acme"]["message"] == f"there is no Secret tenant-acme in {patient.namespace}"
    assert found["nodes", "pool small"]["level"] == "fail"
    assert found["claim", "assistant-cache"]["message"] == f"there is no StorageClass {patient.namespace}"
    assert found["namespace", patient.namespace]["level"] == "ok"
    assert found["kind", "apps/v1"]["level"] == "ok"
    assert found["quota", patient.namespace]["message"] == "no quota"
    assert found["prometheus", "http://prometheus.monitoring:9090"]["level"] == "fail"


@pytest.mark.usefixtures("around")
def test_a_cluster_that_has_it(patient: Patient) -> None:
    inside = patient.namespace
    patient.cluster.create(_secret("tenant-acme", sha256=MARK), inside)
    found = patient.findings()
    assert found["secret", "tenant-acme"]["level"] == "ok"
    assert found["claim", "assistant-cache"]["level"] == "ok"
    assert f"2 with {LABEL}={inside}" in found["nodes", "pool small"]["message"]
    assert found["nodes", f"{inside}-c"]["message"] == "tainted team=x:NoSchedule, which is not tolerated"
    assert "4 nvidia.com/gpu free on 2 nodes" in found["room", "pool small"]["message"]


@pytest.mark.usefixtures("around")
def test_what_is_wrong_is_found(patient: Patient) -> None:
    inside, cluster = patient.namespace, patient.cluster
    cluster.create(_secret("tenant-acme", sha256="not a hash"), inside)
    hard = {"requests.nvidia.com/gpu": "0", "limits.cpu": "4"}
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "none"}, "spec": {"hard": hard}}
    cluster.create(quota, inside)
    limit = {"type": "Container", "max": {"memory": "1Gi"}}
    limits = {"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "small"}, "spec": {"limits": [limit]}}
    cluster.create(limits, inside)
    metadata = {"name": f"{inside}-assistant-interactive"}
    owned = {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": metadata, "value": 7}
    cluster.create(owned)
    found = patient.findings()
    assert "64 lower-case hexadecimal digits" in found["secret", "tenant-acme"]["message"]
    assert found["quota", inside]["level"] == "fail"
    assert found["limit-range", inside]["message"].startswith("small allows 1Gi memory per container")
    assert found["priority-class", metadata["name"]]["message"] == "it exists and belongs to nobody's release"


@pytest.mark.usefixtures("around")
def test_node_affinity_and_quotas_on_objects(patient: Patient) -> None:
    inside = patient.namespace
    field = {"key": "metadata.name", "operator": "In", "values": [f"{inside}-a"]}
    required = {"nodeSelectorTerms": [{"matchFields": [field]}]}
    affinity = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}}
    patient.overlay({"engineDefaults": {"affinity": affinity}})
    other = {"matchExpressions": [{"scopeName": "PriorityClass", "operator": "In", "values": ["another"]}]}
    hards = {
        "objects": {"hard": {"count/deployments.apps": "1", "requests.storage": "1Ti"}},
        "others": {"hard": {"requests.nvidia.com/gpu": "0", "pods": "0"}, "scopeSelector": other},
    }
    for name, spec in hards.items():
        patient.cluster.create(
            {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": name}, "spec": spec}, inside
        )
    found = patient.findings()
    assert found["nodes", "pool small"]["message"].endswith(f"and the node affinity of its pods: {inside}-a")
    assert "2 nvidia.com/gpu free on 1 nodes" in found["room", "pool small"]["message"]
    quota = found["quota", inside]
    assert (quota["level"], quota["message"]) == (
        "fail",
        "objects leaves 1 of count/deployments.apps, and the release adds 2",
    )


def test_an_addon_is_seen_when_its_definition_is_there(patient: Patient) -> None:
    before = patient.findings()["addon", "KEDA"]
    if before["level"] == "ok":  # the cluster is somebody's and has KEDA
        return
    assert before["message"] == "the spec claims it, and nothing serves keda.sh"
    schema = {"openAPIV3Schema": {"type": "object"}}
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "scaledobjects.keda.sh"},
        "spec": {
            "group": "keda.sh", "scope": "Namespaced", "names": {"kind": "ScaledObject", "plural": "scaledobjects", "singular": "scaledobject"},
            "versions": [{"name": "v1alpha1", "served": True, "storage": True, "schema": schema}],
        },
    }  # fmt: skip
    patient.cluster.create(definition)
    try:
        deadline = time.monotonic() + 20
        while not _serves(patient.cluster.kubeconfig, "keda.sh") and time.monotonic() < deadline:
            time.sleep(0.2)
        found = patient.findings()
        assert found["addon", "KEDA"]["message"] == "serves keda.sh (v1alpha1)"
        assert found["operator", "KEDA"]["level"] == "warn", "its definition is there, and nobody acts on it"
    finally:
        patient.cluster.delete(definition)


def test_few_rights(patient: Patient, tmp_path: Path) -> None:
    """An account that may do what every account may: discover."""
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "nobody"}}
    patient.cluster.create(account, patient.namespace)
    found = patient.findings(_kubeconfig(patient, tmp_path))
    assert found["kubernetes", "version"]["level"] in ("ok", "warn")
    assert found["kind", "apps/v1"]["level"] == "ok"
    unknown = {check for (check, _), one in found.items() if one["level"] == "unknown"}
    assert {"secret", "nodes", "room", "quota", "namespace", "claim", "priority-class"} <= unknown
    assert found["secret", "tenant-acme"]["message"] == f"this user may not get secrets in {patient.namespace}"
    wrong = {key for key, one in found.items() if one["level"] == "fail"}
    assert {check for check, _ in wrong} <= {"addon", "kind"}, "what every user sees: KEDA is not there"


def _secret(name: str, **data: str) -> Object:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": data}


def _serves(kubeconfig: Path, group: str) -> bool:
    return Reader(KubernetesApi(str(kubeconfig))).one(f"/apis/{group}") is not None


def _kubeconfig(patient: Patient, folder: Path) -> Path:
    """A kubeconfig of the ServiceAccount `nobody`."""
    api = client.CoreV1Api(config.new_client_from_config(str(patient.cluster.kubeconfig)))
    request = {"spec": {"audiences": []}}
    token = api.create_namespaced_service_account_token("nobody", patient.namespace, request).status.token
    data = yaml.safe_load(patient.cluster.kubeconfig.read_text(encoding="utf-8"))
    for user in data["users"]:
        user["user"] = {"token": token}
    file = folder / "nobody.kubeconfig"
    file.write_text(yaml.safe_dump(data), encoding="utf-8")
    file.chmod(0o600)
    return file
