"""The whole examination: a healthy cluster, few rights, and the promise that nothing is written or given away."""

from __future__ import annotations

import json

import pytest
from tests.unit.doctor.conftest import Examine, FakeApi, only

from llmgen.doctor import UnreachableError, report, worst


def test_a_cluster_that_has_everything(examine: Examine) -> None:
    findings = examine()
    assert [one for one in findings if one.level != "ok"] == []
    assert {one.check for one in findings} == {
        "kubernetes", "addon", "operator", "external-metrics", "kind", "namespace", "quota", "limit-range", "secret", "claim",
        "priority-class", "nodes", "room", "prometheus", "trigger", "rules", "selected",
    }  # fmt: skip
    assert worst(findings) == "ok"


def test_without_any_right_everything_is_unknown_and_nothing_wrong(api: FakeApi, examine: Examine) -> None:
    """Discovery is all that every user may do."""
    api.forbidden = {"/api/", "/apis/apps/v1/", "/apis/storage.k8s.io/v1/", "/apis/monitoring.coreos.com/v1/"}
    api.forbidden |= {"/apis/scheduling.k8s.io/v1/", "/apis/apiregistration.k8s.io/v1/"}
    findings = examine()
    assert {one.level for one in findings} == {"ok", "unknown"}
    assert {one.check for one in findings if one.level == "ok"} == {"kubernetes", "addon", "kind"}
    assert all(one.why and one.fix for one in findings if one.level == "unknown")
    assert "get secrets in serving" in only(findings, "secret", "hub").message
    assert "--verb=list --resource=nodes" in only(findings, "nodes", "pool small").fix
    assert "--prometheus" in only(findings, "trigger").fix


def test_one_missing_right_hides_one_thing(api: FakeApi, examine: Examine) -> None:
    api.forbidden = {"/api/v1/namespaces/serving/secrets/hub"}
    findings = examine()
    assert [(one.check, one.subject) for one in findings if one.level != "ok"] == [("secret", "hub")]


def test_a_right_below_one_namespace_is_enough_for_the_operator(api: FakeApi, examine: Examine) -> None:
    api.forbidden = {"/apis/apps/v1/deployments"}
    assert only(examine(), "operator", "KEDA").level == "ok"


def test_a_server_that_does_not_answer(api: FakeApi, examine: Examine) -> None:
    api.down = UnreachableError("no route")
    with pytest.raises(UnreachableError, match="no route"):
        examine()


def test_no_secret_is_given_away(api: FakeApi, examine: Examine) -> None:
    api.objects["/api/v1/namespaces/serving/secrets/tenant-acme"]["data"]["sha256"] = "c2stbGxtLXBsYWlu"  # sk-llm-plain
    findings = examine()
    said = report.text(findings) + json.dumps(report.as_json(findings))
    assert only(findings, "secret", "tenant-acme").level == "fail"
    for value in ("sk-llm-plain", "c2stbGxtLXBsYWlu", "hf_very_secret", "aGZfdmVyeV9zZWNyZXQ"):
        assert value not in said


def test_nothing_is_asked_twice(api: FakeApi, examine: Examine) -> None:
    examine()
    asked = [path for path in api.asked if not path.endswith("/query")]
    assert len(asked) == len(set(asked))


def test_what_is_the_same_is_said_once(api: FakeApi, examine: Examine) -> None:
    api.forbidden = {"/api/v1/nodes"}
    text = report.text(examine())
    assert "unknown nodes pool small, pods without GPUs: this user may not list nodes\n" in text
    assert text.count("may not list nodes") == 2, "once for nodes, once for room"


def test_the_report(api: FakeApi, examine: Examine) -> None:
    del api.objects["/api/v1/namespaces/serving/secrets/hub"]
    findings = examine()
    text, data = report.text(findings), report.as_json(findings, spec="spec.yaml")
    assert text.startswith("fail    secret hub: there is no Secret hub in serving\n        why: ")
    assert text.splitlines()[2].startswith(
        "        fix: kubectl -n serving create secret generic hub --from-literal=token=VALUE"
    )
    assert "1 fail, 0 warn, 0 unknown" in text.splitlines()[-1]
    assert data["spec"] == "spec.yaml"
    assert data["counts"]["fail"] == 1
    assert data["findings"][0]["subject"] == "hub"
    assert "\x1b[31mfail" in report.text(findings, colour=True)
