"""Who owns a size owns it alone, and moving traffic moves nothing but what autoscalers follow."""

from __future__ import annotations

import copy
from typing import Any

from tests.chart.conftest import CI, Helm, load, only

REVISION = {"weights": {"hub": {"repo": "a/b", "revision": "c" * 40}}, "maxConcurrentRequests": 20}
KEDA = {"autoscaler": "keda", "minReplicas": 1, "maxReplicas": 4, "inFlightTarget": 8}


def values(stable: int = 100, canary: int = 0) -> dict[str, Any]:
    tracks = {"stable": {"revision": "v1", "weight": stable}, "canary": {"revision": "v2", "weight": canary}}
    model = {
        "limits": {"maxPromptTokens": 100, "maxCompletionTokens": 10},
        "tracks": tracks,
        "revisions": {name: {**REVISION, "scaling": KEDA} for name in ("v1", "v2")},
    }
    return {
        "prometheus": {"address": "http://prometheus:9090"},
        "gateway": {"enabled": True, "scaling": {"autoscaler": "keda"}},
        "routing": {"default": "chat"},
        "models": {"chat": model},
    }


def test_nobody_renders_replicas_where_an_autoscaler_owns_them(rendered: dict[str, list[dict[str, Any]]]):
    owned = 0
    for objects in rendered.values():
        targets = {
            item["spec"]["scaleTargetRef"]["name"]
            for item in objects
            if item["kind"] in {"ScaledObject", "HorizontalPodAutoscaler"}
        }
        for item in objects:
            if item["kind"] == "Deployment" and item["metadata"]["name"] in targets:
                owned += 1
                assert "replicas" not in item["spec"], item["metadata"]["name"]
    assert owned >= 4


def test_no_two_autoscalers_share_a_target(rendered: dict[str, list[dict[str, Any]]]):
    for objects in rendered.values():
        kinds = {"ScaledObject", "HorizontalPodAutoscaler"}
        targets = [item["spec"]["scaleTargetRef"]["name"] for item in objects if item["kind"] in kinds]
        assert len(targets) == len(set(targets))
        deployments = {item["metadata"]["name"] for item in objects if item["kind"] == "Deployment"}
        assert set(targets) <= deployments


def test_weights_move_what_autoscalers_follow_and_no_pod(helm: Helm):
    before, after = (helm.objects(values=values(*weights)) for weights in ((100, 0), (75, 25)))
    for kind in ("Deployment", "PodDisruptionBudget", "Service"):
        assert [item for item in before if item["kind"] == kind] == [item for item in after if item["kind"] == kind]
    name = "demo-chat-v2"
    assert only(before, "ScaledObject", name) != only(after, "ScaledObject", name)


def test_shares_of_the_queue_add_up_to_all_of_it(helm: Helm):
    objects = helm.objects(values=values(75, 25))
    shares = []
    for name in ("demo-chat-v1", "demo-chat-v2"):
        query = only(objects, "ScaledObject", name)["spec"]["triggers"][0]["metadata"]["query"]
        shares.append(float(query.rpartition(" + ")[2].split(" * ")[0]))
    assert sum(shares) == 1


def test_every_load_trigger_would_rather_fail_than_read_zero(rendered: dict[str, list[dict[str, Any]]]):
    triggers = [
        trigger
        for objects in rendered.values()
        for item in objects
        if item["kind"] == "ScaledObject"
        for trigger in item["spec"]["triggers"]
        if trigger["type"] == "prometheus"
    ]
    assert len(triggers) > 4
    assert {trigger["metadata"]["ignoreNullValues"] for trigger in triggers} == {"false"}


def test_names_of_triggers_are_unique(rendered: dict[str, list[dict[str, Any]]]):
    for objects in rendered.values():
        for item in objects:
            if item["kind"] == "ScaledObject":
                names = [trigger["name"] for trigger in item["spec"]["triggers"]]
                assert len(names) == len(set(names))


def test_the_adapter_is_told_the_queries_that_keda_would_ask(helm: Helm):
    keda, hpa = values(75, 25), copy.deepcopy(values(75, 25))
    hpa["gateway"]["scaling"]["autoscaler"] = "hpa"
    for revision in hpa["models"]["chat"]["revisions"].values():
        revision["scaling"] = {**KEDA, "autoscaler": "hpa"}
    asked = {
        trigger["metadata"]["query"]
        for item in helm.objects(values=keda)
        if item["kind"] == "ScaledObject"
        for trigger in item["spec"]["triggers"]
    }
    objects = helm.objects(values=hpa)
    rules = load(only(objects, "ConfigMap", "demo-metrics-adapter")["data"]["rules.yaml"])["externalRules"]
    assert {rule["metricsQuery"] for rule in rules} == asked
    wanted = {
        metric["external"]["metric"]["name"]
        for item in objects
        if item["kind"] == "HorizontalPodAutoscaler"
        for metric in item["spec"]["metrics"]
    }
    assert {rule["name"]["as"] for rule in rules} == wanted


def test_old_kubernetes_is_told_no_tolerance(helm: Helm):
    def text(kube: str) -> str:
        return helm.template(CI / "minimal-values.yaml", values=values(), kube=kube)

    assert "tolerance:" in text("1.34.0")
    assert "tolerance:" not in text("1.33.9")
