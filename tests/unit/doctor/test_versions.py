from __future__ import annotations

import pytest
from tests.unit.doctor.conftest import Examine, FakeApi, deployment, only

from llmgen.doctor.versions import version


@pytest.mark.parametrize(
    ("text", "expected"), [("v1.34.2", (1, 34)), ("1.27-distroless", (1, 27)), ("1.34+", (1, 34)), ("main", None)]
)
def test_version(text: str, expected: tuple[int, int] | None) -> None:
    assert version(text) == expected


@pytest.mark.parametrize(("minor", "level"), [("33", "fail"), ("34", "ok"), ("35", "warn"), ("?", "unknown")])
def test_kubernetes_against_the_spec(api: FakeApi, examine: Examine, minor: str, level: str) -> None:
    api.objects["/version"]["minor"] = minor
    assert only(examine(), "kubernetes").level == level


def test_an_addon_that_is_claimed_and_not_there(api: FakeApi, examine: Examine) -> None:
    del api.objects["/apis/keda.sh"], api.objects["/apis/keda.sh/v1alpha1"]
    findings = examine()
    claimed, kind = only(findings, "addon", "KEDA"), only(findings, "kind", "keda.sh/v1alpha1")
    assert (claimed.level, kind.level) == ("fail", "fail")
    assert "cluster.addons.keda: false" in claimed.fix


def test_a_kind_of_another_version(api: FakeApi, examine: Examine) -> None:
    del api.objects["/apis/monitoring.coreos.com/v1"]
    api.put("/apis/monitoring.coreos.com", {"versions": [{"version": "v1alpha1"}]})
    found = only(examine(), "kind", "monitoring.coreos.com/v1")
    assert (
        found.message == "the server does not know PodMonitor, PrometheusRule; it serves monitoring.coreos.com v1alpha1"
    )


@pytest.mark.parametrize(("tag", "level"), [("2.17.3", "fail"), ("2.18.0", "ok"), ("3.0.0", "ok"), ("main", "ok")])
def test_version_of_an_operator(api: FakeApi, examine: Examine, tag: str, level: str) -> None:
    api.put("/apis/apps/v1/namespaces/keda/deployments/keda-operator", deployment(f"ghcr.io/kedacore/keda:{tag}"))
    assert only(examine(), "operator", "KEDA").level == level


def test_an_operator_that_does_not_run(api: FakeApi, examine: Examine) -> None:
    api.objects["/apis/apps/v1/namespaces/keda/deployments/keda-operator"]["status"] = {}
    assert "no ready pod" in only(examine(), "operator", "KEDA").message
    del api.objects["/apis/apps/v1/namespaces/keda/deployments/keda-operator"]
    assert only(examine(), "operator", "KEDA").level == "warn"


def test_istio_without_cni(api: FakeApi, examine: Examine) -> None:
    del api.objects["/apis/apps/v1/namespaces/istio-system/daemonsets/istio-cni-node"]
    found = only(examine(), "operator", "istio-cni")
    assert found.level == "fail"
    assert "NET_ADMIN" in found.why
