from __future__ import annotations

from typing import Any

import pytest
import yaml
from tests.unit.doctor.conftest import Examine, FakeApi, deployment, of, only

NAMESPACE = "/api/v1/namespaces/serving"


def of_class(operator: str, *values: str) -> dict[str, Any]:
    condition = {"scopeName": "PriorityClass", "operator": operator, **({"values": list(values)} if values else {})}
    return {"scopeSelector": {"matchExpressions": [condition]}}


def test_a_namespace_that_is_missing(api: FakeApi, examine: Examine) -> None:
    del api.objects[NAMESPACE]
    found = only(examine(), "namespace")
    assert found.level == "warn"
    assert found.fix.startswith("kubectl create namespace serving")


@pytest.mark.parametrize(
    ("label", "message"), [("baseline", "enforces Pod Security baseline"), ("", "enforces no Pod Security")]
)
def test_pod_security(api: FakeApi, examine: Examine, label: str, message: str) -> None:
    labels = {"pod-security.kubernetes.io/enforce": label} if label else {}
    api.put(NAMESPACE, labels=labels)
    found = only(examine(), "namespace")
    assert (found.level, found.message) == ("warn", message)


def test_a_namespace_that_goes_away(api: FakeApi, examine: Examine) -> None:
    api.objects[NAMESPACE]["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert only(examine(), "namespace").level == "fail"


@pytest.mark.parametrize(
    ("hard", "used", "level", "message"),
    [
        ({"requests.nvidia.com/gpu": "8"}, {"requests.nvidia.com/gpu": "4"}, "ok", "1 leave room for everything"),
        (
            {"requests.nvidia.com/gpu": "8"}, {"requests.nvidia.com/gpu": "5"}, "warn",
            "gpus leaves 3 of requests.nvidia.com/gpu, and at the worst the release asks for 4",
        ),
        ({"cpu": "12"}, {}, "warn", "gpus leaves 12 of cpu, and at the worst the release asks for 13"),
        ({"pods": "6"}, {}, "ok", "1 leave room for everything"),
        ({"limits.cpu": "100"}, {}, "fail", "gpus counts limits.cpu, and pods of the release have no such limit"),
        ({"count/pods": "5"}, {}, "warn", "gpus leaves 5 of count/pods, and at the worst the release asks for 6"),
        ({"requests.memory": "48Gi"}, {}, "warn", "gpus leaves 48 GiB of requests.memory, and at the worst the release asks for 48.5 GiB"),
        ({"count/deployments.apps": "2", "count/serviceaccounts": "2", "count/secrets": "1"}, {}, "ok", "1 leave room for everything"),
        ({"count/deployments.apps": "2"}, {"count/deployments.apps": "1"}, "fail", "gpus leaves 1 of count/deployments.apps, and the release adds 2"),
        ({"count/secrets": "3"}, {"count/secrets": "3"}, "fail", "gpus leaves 0 of count/secrets, and the release adds 1"),
        ({"persistentvolumeclaims": "1", "services": "0"}, {}, "ok", "1 leave room for everything"),
        ({"persistentvolumeclaims": "0"}, {}, "fail", "gpus leaves 0 of persistentvolumeclaims, and the release adds 1"),
        ({"requests.storage": "40Gi"}, {}, "fail", "gpus leaves 40 GiB of requests.storage, and the release adds 50 GiB"),
        (
            {"shared.storageclass.storage.k8s.io/persistentvolumeclaims": "0"}, {}, "fail",
            "gpus leaves 0 of shared.storageclass.storage.k8s.io/persistentvolumeclaims, and the release adds 1",
        ),
        ({"other.storageclass.storage.k8s.io/requests.storage": "1Gi"}, {}, "ok", "1 leave room for everything"),
    ],
)  # fmt: skip
def test_quotas(
    api: FakeApi, examine: Examine, hard: dict[str, str], used: dict[str, str], level: str, message: str
) -> None:
    api.put(f"{NAMESPACE}/resourcequotas/gpus", {"spec": {"hard": hard}, "status": {"hard": hard, "used": used}})
    found = only(examine(), "quota")
    assert (found.level, found.message) == (level, message)


@pytest.mark.parametrize(
    ("spec", "level"),
    [
        ({"scopes": ["NotTerminating"]}, "fail"),
        ({"scopes": ["Terminating"]}, "ok"),
        ({"scopes": ["BestEffort"]}, "ok"),
        ({"scopes": ["NotBestEffort"]}, "fail"),
        (of_class("In", "serving-assistant-interactive"), "fail"),
        (of_class("In", "batch"), "ok"),
        (of_class("NotIn", "batch"), "fail"),
        (of_class("Exists"), "fail"),
        (of_class("DoesNotExist"), "ok"),
    ],
)
def test_a_quota_counts_only_pods_of_its_scopes(
    api: FakeApi, examine: Examine, spec: dict[str, Any], level: str
) -> None:
    api.put(f"{NAMESPACE}/resourcequotas/gpus", {"spec": {"hard": {"requests.nvidia.com/gpu": "1"}, **spec}})
    assert only(examine(), "quota").level == level


def test_a_quota_on_limits_says_nothing_to_pods_outside_its_scopes(api: FakeApi, examine: Examine) -> None:
    spec = {"hard": {"limits.cpu": "1"}, "scopes": ["Terminating"]}
    api.put(f"{NAMESPACE}/resourcequotas/jobs", {"spec": spec})
    assert only(examine(), "quota").level == "ok"


def test_objects_that_the_release_has_already_are_not_added_again(api: FakeApi, examine: Examine) -> None:
    hard = {"count/deployments.apps": "2", "requests.storage": "50Gi"}
    api.put(f"{NAMESPACE}/resourcequotas/gpus", {"spec": {"hard": hard}, "status": {"hard": hard, "used": hard}})
    assert [one.level for one in of(examine(), "quota")] == ["fail", "fail"]
    for name in ("assistant-chat-v1", "assistant-gateway"):
        labels = {"app.kubernetes.io/instance": "assistant"}
        api.put(f"/apis/apps/v1/namespaces/serving/deployments/{name}", deployment("x:1"), labels=labels)
    claim = {"spec": {"accessModes": ["ReadWriteMany"]}, "status": {"phase": "Bound"}}
    api.put(f"{NAMESPACE}/persistentvolumeclaims/assistant-cache", claim)
    assert only(examine(), "quota").level == "ok"


def test_the_releases_own_pods_do_not_count_twice(api: FakeApi, examine: Examine) -> None:
    hard = {"requests.nvidia.com/gpu": "4"}
    api.put(f"{NAMESPACE}/resourcequotas/gpus", {"spec": {"hard": hard}, "status": {"hard": hard, "used": hard}})
    found = only(examine(), "quota")
    message = "gpus leaves 0 of requests.nvidia.com/gpu, and the pods that always run ask for 2"
    assert (found.level, found.message) == ("fail", message)
    pod = {"spec": {"containers": [{"resources": {"limits": {"nvidia.com/gpu": "4"}}}]}}
    api.put(f"{NAMESPACE}/pods/own", pod, labels={"app.kubernetes.io/instance": "assistant"})
    assert only(examine(), "quota").level == "ok"


@pytest.mark.parametrize(
    ("item", "level"),
    [
        ({"type": "Container", "max": {"memory": "8Gi"}}, "fail"),
        ({"type": "Container", "max": {"memory": "12Gi"}}, "ok"),
        ({"type": "Pod", "max": {"cpu": "2"}}, "fail"),
        ({"type": "Pod", "min": {"memory": "256Mi"}}, "ok"),
        ({"type": "Pod", "min": {"memory": "512Mi"}}, "fail"),
        ({"type": "Container", "min": {"cpu": "1"}}, "fail"),
        ({"type": "Container", "min": {"cpu": "500m", "ephemeral-storage": "1Gi"}}, "ok"),
        ({"type": "PersistentVolumeClaim", "max": {"storage": "1Gi"}}, "fail"),
        ({"type": "PersistentVolumeClaim", "max": {"storage": "50Gi"}, "min": {"storage": "1Gi"}}, "ok"),
        ({"type": "PersistentVolumeClaim", "min": {"storage": "1Ti"}}, "fail"),
        ({"type": "Container", "default": {"cpu": "1"}}, "warn"),
    ],
)
def test_limit_ranges(api: FakeApi, examine: Examine, item: dict[str, Any], level: str) -> None:
    api.put(f"{NAMESPACE}/limitranges/limits", {"spec": {"limits": [item]}})
    assert only(examine(), "limit-range").level == level


def test_the_largest_container_counts(api: FakeApi, examine: Examine) -> None:
    item = {"type": "Container", "max": {"memory": "1Gi"}}
    api.put(f"{NAMESPACE}/limitranges/limits", {"spec": {"limits": [item]}})
    small, large = (
        {"name": name, "resources": {"limits": {"memory": size}}} for name, size in (("a", "1Gi"), ("b", "2Gi"))
    )
    pod = {"containers": [small, large]}
    template = {"metadata": {"labels": {}}, "spec": pod}
    sidecars = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "two"},
        "spec": {"template": template},
    }
    findings = examine(yaml.safe_dump(sidecars), without="Deployment")
    assert only(findings, "limit-range").message.startswith("limits allows 1Gi memory per container, two asks for")


def test_a_limit_range_that_gives_what_the_quota_wants(api: FakeApi, examine: Examine) -> None:
    hard = {"limits.cpu": "100"}
    api.put(f"{NAMESPACE}/resourcequotas/gpus", {"spec": {"hard": hard}})
    api.put(f"{NAMESPACE}/limitranges/limits", {"spec": {"limits": [{"type": "Container", "default": {"cpu": "1"}}]}})
    assert only(examine(), "quota").level == "ok"


def test_service_accounts_that_the_release_does_not_bring(api: FakeApi, examine: Examine) -> None:
    assert of(examine(), "service-account") == []
    findings = examine(without="ServiceAccount")
    assert [one.level for one in of(findings, "service-account")] == ["fail", "fail"]
    api.put(f"{NAMESPACE}/serviceaccounts/assistant")
    assert only(examine(without="ServiceAccount"), "service-account", "assistant").level == "ok"
