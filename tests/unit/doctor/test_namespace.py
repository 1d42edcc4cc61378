from __future__ import annotations

from typing import Any

import pytest
import yaml
from tests.unit.doctor.conftest import Examine, FakeApi, of, only

NAMESPACE = "/api/v1/namespaces/serving"


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
    ],
)  # fmt: skip
def test_quotas(
    api: FakeApi, examine: Examine, hard: dict[str, str], used: dict[str, str], level: str, message: str
) -> None:
    api.put(f"{NAMESPACE}/resourcequotas/gpus", {"spec": {"hard": hard}, "status": {"hard": hard, "used": used}})
    found = only(examine(), "quota")
    assert (found.level, found.message) == (level, message)


def test_the_releases_own_pods_do_not_count_twice(api: FakeApi, examine: Examine) -> None:
    hard = {"requests.nvidia.com/gpu": "4"}
    api.put(f"{NAMESPACE}/resourcequotas/gpus", {"spec": {"hard": hard}, "status": {"hard": hard, "used": hard}})
    assert only(examine(), "quota").level == "warn"
    pod = {"spec": {"containers": [{"resources": {"limits": {"nvidia.com/gpu": "4"}}}]}}
    api.put(f"{NAMESPACE}/pods/own", pod, labels={"app.kubernetes.io/instance": "assistant"})
    assert only(examine(), "quota").level == "ok"


@pytest.mark.parametrize(
    ("item", "level"),
    [
        ({"type": "Container", "max": {"memory": "8Gi"}}, "fail"),
        ({"type": "Container", "max": {"memory": "12Gi"}}, "ok"),
        ({"type": "Pod", "max": {"cpu": "2"}}, "fail"),
        ({"type": "PersistentVolumeClaim", "max": {"storage": "1Gi"}}, "ok"),
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
