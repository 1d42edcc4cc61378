from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.doctor.conftest import HERE, Examine, FakeApi, gpu_node, of, only

from llmgen import doctor
from llmgen.doctor.packing import pack
from llmgen.doctor.placement import node
from llmgen.pipeline import Outcome

POOL = "pool small"


def pod(gpus: int, *, home: str = "a") -> dict[str, Any]:
    resources = {"requests": {"cpu": "1"}, "limits": {"nvidia.com/gpu": str(gpus)}}
    return {"spec": {"nodeName": home, "containers": [{"name": "x", "resources": resources}]}}


def test_room_for_the_worst_case(examine: Examine) -> None:
    found = only(examine(), "room", POOL)
    assert found.message == "2 pods, 4 at the worst, fit; 4 nvidia.com/gpu free on 2 nodes"


def test_room_for_the_least_only(api: FakeApi, examine: Examine) -> None:
    del api.objects["/api/v1/nodes/b"]
    found = only(examine(), "room", POOL)
    assert found.level == "warn"
    assert "2 of the 4 at the worst do not" in found.message


def test_room_that_others_take(api: FakeApi, examine: Examine) -> None:
    del api.objects["/api/v1/nodes/b"]
    api.put("/api/v1/namespaces/other/pods/training", pod(1))
    found = only(examine(), "room", POOL)
    assert found.level == "fail"
    assert "assistant-chat-v1 needs 3 cpu, 12 GiB memory, 1 nvidia.com/gpu" in found.message
    assert "1 nvidia.com/gpu free on 1 nodes" in found.message


def test_pods_of_the_release_itself_take_no_room(api: FakeApi, examine: Examine) -> None:
    for number in range(4):
        labels = {"app.kubernetes.io/instance": "assistant"}
        api.put(f"/api/v1/namespaces/serving/pods/{number}", pod(1, home="ab"[number % 2]), labels=labels)
    assert only(examine(), "room", POOL).level == "ok"


def test_memory_counts_too(api: FakeApi, examine: Examine) -> None:
    for name in ("a", "b"):
        api.objects[f"/api/v1/nodes/{name}"]["status"]["allocatable"]["memory"] = "20Gi"
    assert only(examine(), "room", POOL).level == "warn", "GPUs for four, memory for two"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"unschedulable": True}, "cordoned"),
        (
            {"taints": [{"key": "team", "value": "x", "effect": "NoExecute"}]},
            "tainted team=x:NoExecute, which is not tolerated",
        ),
    ],
)
def test_a_node_that_cannot_be_used(api: FakeApi, examine: Examine, change: dict[str, Any], message: str) -> None:
    api.objects["/api/v1/nodes/a"]["spec"] |= change
    findings = examine()
    found = only(findings, "nodes", "a")
    assert (found.level, found.message) == ("warn", message)
    assert only(findings, "nodes", POOL).message == "1 with gpu=l4: b"


def test_a_node_that_is_not_ready_or_has_no_device_plugin(api: FakeApi, examine: Examine) -> None:
    api.objects["/api/v1/nodes/a"]["status"]["conditions"] = []
    del api.objects["/api/v1/nodes/b"]["status"]["allocatable"]["nvidia.com/gpu"]
    findings = examine()
    assert only(findings, "nodes", "a").message == "not ready"
    assert only(findings, "nodes", "b").message == "has no nvidia.com/gpu"
    assert only(findings, "nodes", POOL).level == "fail"
    assert of(findings, "room", POOL) == [], "said once"


def test_no_node_says_what_labels_there_are(api: FakeApi, examine: Examine) -> None:
    for name in ("a", "b"):
        api.objects[f"/api/v1/nodes/{name}"]["metadata"]["labels"] = {
            "nvidia.com/gpu.product": "NVIDIA-L4",
            "team": "x",
        }
    found = only(examine(), "nodes", POOL)
    assert found.message == "no node carries gpu=l4"
    assert (
        found.fix == "cluster.pools.small.nodeSelector; node a has nvidia.com/gpu and nvidia.com/gpu.product: NVIDIA-L4"
    )


AFFINITY = """\
      affinity:
        nodeAffinity:
          requiredDuringSchedulingIgnoredDuringExecution:
            nodeSelectorTerms:
              - matchExpressions: [{key: zone, operator: In, values: [b, c]}]
"""


def test_the_node_affinity_of_the_pods_counts(api: FakeApi, outcome: Outcome) -> None:
    text = (HERE / "manifests.yaml").read_text(encoding="utf-8")
    moved = text.replace("      nodeSelector: {gpu: l4}\n", f"      nodeSelector: {{gpu: l4}}\n{AFFINITY}", 1)
    assert moved != text
    found = only(doctor.examine(outcome, moved, api), "nodes", POOL)
    assert (found.level, found.message) == ("fail", "no node carries gpu=l4 and the node affinity of its pods")
    api.objects["/api/v1/nodes/a"]["metadata"]["labels"]["zone"] = "b"
    findings = doctor.examine(outcome, moved, api)
    assert only(findings, "nodes", POOL).message == "1 with gpu=l4 and the node affinity of its pods: a"
    room = only(findings, "room", POOL)
    assert (room.level, "2 nvidia.com/gpu free on 1 nodes" in room.message) == ("warn", True)


@pytest.mark.parametrize(
    ("terms", "met"),
    [
        ([], False),
        ([{}], False),
        ([{}, {"matchExpressions": [{"key": "zone", "operator": "Exists"}]}], True),
        ([{"matchExpressions": [{"key": "zone", "operator": "DoesNotExist"}]}], False),
        ([{"matchExpressions": [{"key": "zone", "operator": "NotIn", "values": ["a"]}]}], False),
        ([{"matchExpressions": [{"key": "rack", "operator": "NotIn", "values": ["a"]}]}], True),
        ([{"matchExpressions": [{"key": "cores", "operator": "Gt", "values": ["63"]}]}], True),
        ([{"matchExpressions": [{"key": "cores", "operator": "Lt", "values": ["64"]}]}], False),
        ([{"matchExpressions": [{"key": "zone", "operator": "Gt", "values": ["1"]}]}], False),
        ([{"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n"]}]}], True),
        (
            [{"matchExpressions": [{"key": "zone", "operator": "Exists"}, {"key": "rack", "operator": "Exists"}]}],
            False,
        ),
    ],
)
def test_terms_of_a_node_affinity(terms: list[dict[str, Any]], *, met: bool) -> None:
    one = node({"metadata": {"name": "n", "labels": {"zone": "a", "cores": "64"}}})
    assert one.meets(terms) is met


def test_a_node_autoscaler_may_create_what_is_missing(api: FakeApi, examine: Examine) -> None:
    api.put("/apis/karpenter.sh", {"versions": [{"version": "v1"}]})
    del api.objects["/api/v1/nodes/b"]
    assert only(examine(), "room", POOL).message.endswith("2 nvidia.com/gpu free on 1 nodes, 2 more may be created")
    del api.objects["/api/v1/nodes/a"]
    findings = examine()
    assert only(findings, "nodes", POOL).level == "warn"
    assert only(findings, "room", POOL).level == "ok"


def test_the_gateway_needs_a_node_too(api: FakeApi, examine: Examine) -> None:
    api.objects["/api/v1/nodes/c"]["spec"]["unschedulable"] = True
    found = only(examine(), "nodes", "pods without GPUs")
    assert found.level == "fail"


@pytest.mark.parametrize(
    ("toleration", "taken"),
    [
        ({"operator": "Exists"}, True),
        ({"key": "k", "operator": "Exists", "effect": "NoExecute"}, False),
        ({"key": "k", "value": "v"}, True),
        ({"key": "k", "value": "other"}, False),
        ({"key": "k", "operator": "Exists"}, True),
    ],
)
def test_tolerations(toleration: dict[str, str], *, taken: bool) -> None:
    one = node({"metadata": {"name": "n"}, **gpu_node(taints=[{"key": "k", "value": "v", "effect": "NoSchedule"}])})
    assert one.takes({"tolerations": [toleration]}) is taken


def test_a_soft_taint_keeps_nobody_away() -> None:
    one = node({"metadata": {"name": "n"}, **gpu_node(taints=[{"key": "k", "effect": "PreferNoSchedule"}])})
    assert one.takes({})


sizes = st.lists(st.sampled_from([1.0, 2.0, 4.0, 8.0]), max_size=12)


@given(pods=sizes, nodes=st.lists(st.sampled_from([2.0, 4.0, 8.0]), max_size=6))
def test_packing_never_overfills_and_more_nodes_never_hurt(pods: list[float], nodes: list[float]) -> None:
    wanted = [(str(number), {"g/pu": size}) for number, size in enumerate(pods)]
    left = pack(wanted, [{"g/pu": size} for size in nodes])
    unplaced = {one.who for one in left}
    placed = sum(size for number, size in enumerate(pods) if str(number) not in unplaced)
    assert placed <= sum(nodes)
    assert len(pack(wanted, [{"g/pu": size} for size in [*nodes, 8.0]])) <= len(left)
