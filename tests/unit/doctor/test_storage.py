from __future__ import annotations

from typing import Any

import pytest
from tests.unit.doctor.conftest import Examine, FakeApi, only

CLAIM = "/api/v1/namespaces/serving/persistentvolumeclaims/assistant-cache"
CLASSES = "/apis/storage.k8s.io/v1/storageclasses"


def bound(*modes: str, phase: str = "Bound", **spec: Any) -> dict[str, Any]:
    return {"spec": {"accessModes": list(modes), **spec}, "status": {"phase": phase, "capacity": {"storage": "1Ti"}}}


def test_a_class_that_is_there(examine: Examine) -> None:
    assert only(examine(), "claim").message == "made by the release with shared (fsx.csi.aws.com)"


def test_a_class_that_is_not(api: FakeApi, examine: Examine) -> None:
    del api.objects[f"{CLASSES}/shared"]
    api.put(f"{CLASSES}/other", {"provisioner": "x"})
    found = only(examine(), "claim")
    assert found.level == "fail"
    assert found.fix.endswith("one of other")


def test_disks_are_not_shared(api: FakeApi, examine: Examine) -> None:
    api.objects[f"{CLASSES}/shared"]["provisioner"] = "ebs.csi.aws.com"
    found = only(examine(), "claim")
    assert (found.level, found.message) == ("fail", "shared makes disks of Amazon EBS, which cannot be ReadWriteMany")


@pytest.mark.parametrize(
    ("claim", "level", "message"),
    [
        (bound("ReadWriteMany"), "ok", "bound, ReadWriteMany, 1Ti"),
        (bound("ReadWriteOnce"), "fail", "it exists with ReadWriteOnce, the spec says ReadWriteMany"),
        (bound("ReadWriteMany", phase="Lost"), "fail", "its phase is Lost"),
        (bound("ReadWriteMany", phase="Pending", storageClassName="shared"), "fail", "its phase is Pending"),
    ],
)
def test_a_claim_that_exists(api: FakeApi, examine: Examine, claim: dict[str, Any], level: str, message: str) -> None:
    api.put(CLAIM, claim)
    found = only(examine(), "claim")
    assert (found.level, found.message) == (level, message)


def test_a_claim_that_waits_for_its_first_pod(api: FakeApi, examine: Examine) -> None:
    api.objects[f"{CLASSES}/shared"]["volumeBindingMode"] = "WaitForFirstConsumer"
    api.put(CLAIM, bound("ReadWriteMany", phase="Pending", storageClassName="shared"))
    assert only(examine(), "claim").level == "ok"


def test_somebody_elses_claim(api: FakeApi, examine: Examine) -> None:
    """A claim that the release mounts and does not bring."""
    found = only(examine(without="PersistentVolumeClaim"), "claim")
    assert (found.level, found.message) == ("fail", "there is no PersistentVolumeClaim assistant-cache in serving")
    api.put(CLAIM, bound("ReadWriteOnce"))
    found = only(examine(without="PersistentVolumeClaim"), "claim")
    assert (found.level, found.message) == ("fail", "ReadWriteOnce is for one node, and up to 4 pods mount it")


def test_no_class_named(api: FakeApi, examine: Examine) -> None:
    claim = "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: assistant-cache}\nspec: {accessModes: [ReadWriteMany]}"
    found = only(examine(claim, without="PersistentVolumeClaim"), "claim")
    assert (found.level, found.message) == ("fail", "no storageClass is named, and the cluster has no default one")
    api.objects[f"{CLASSES}/shared"]["metadata"]["annotations"] = {
        "storageclass.kubernetes.io/is-default-class": "true"
    }
    assert only(examine(claim, without="PersistentVolumeClaim"), "claim").level == "ok"


def test_a_local_volume_needs_nodes_with_its_labels(api: FakeApi, examine: Examine) -> None:
    assert only(examine(LOCAL), "volume").level == "fail"
    api.objects["/api/v1/nodes/a"]["metadata"]["labels"]["weights"] = "here"
    assert only(examine(LOCAL), "volume").message.startswith("/weights on 1 nodes")


LOCAL = """\
apiVersion: v1
kind: PersistentVolume
metadata: {name: serving-assistant-weights}
spec:
  local: {path: /weights}
  nodeAffinity:
    required: {nodeSelectorTerms: [{matchExpressions: [{key: weights, operator: In, values: [here]}]}]}
"""
