from __future__ import annotations

from dataclasses import replace

from tests.unit.doctor.conftest import HERE, Examine, FakeApi, deployment, of, only

from llmgen import doctor
from llmgen.pipeline import Outcome

EXTERNAL = "/apis/apiregistration.k8s.io/v1/apiservices/v1beta1.external.metrics.k8s.io"
METRIC = "/apis/external.metrics.k8s.io/v1beta1/namespaces/serving/assistant-chat-v1-inflight"
SCALER = """\
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: assistant-chat-v1, namespace: serving}
spec:
  scaleTargetRef: {name: assistant-chat-v1}
  minReplicas: 1
  maxReplicas: 3
  metrics: [{type: External, external: {metric: {name: assistant-chat-v1-inflight}}}]
"""


def test_keda_must_own_external_metrics(api: FakeApi, examine: Examine) -> None:
    api.objects[EXTERNAL]["spec"]["service"]["name"] = "prometheus-adapter"
    found = only(examine(), "external-metrics")
    assert (found.level, found.message) == ("fail", "it belongs to prometheus-adapter, not to keda")
    api.objects[EXTERNAL]["spec"]["service"]["name"] = "keda-operator-metrics-apiserver"
    api.objects[EXTERNAL]["status"]["conditions"][0] = {
        "type": "Available",
        "status": "False",
        "message": "no endpoints",
    }
    found = only(examine(), "external-metrics")
    assert (found.level, found.message) == ("fail", "no endpoints")
    del api.objects[EXTERNAL]
    assert only(examine(), "external-metrics").level == "fail"
    assert of(examine(without="ScaledObject"), "external-metrics") == []


def test_without_keda_the_adapter_must(api: FakeApi, examine: Examine) -> None:
    assert "not to prometheus-adapter" in only(examine(SCALER, without="ScaledObject"), "external-metrics").message
    api.objects[EXTERNAL]["spec"]["service"]["name"] = "adapter"
    assert only(examine(SCALER, without="ScaledObject"), "external-metrics").level == "ok"


def test_a_metric_that_the_adapter_was_not_told(api: FakeApi, examine: Examine) -> None:
    name = "assistant-chat-v1-inflight"
    assert only(examine(SCALER, without="ScaledObject"), "external-metric", name).level == "ok", "not installed yet"
    labels = {"app.kubernetes.io/instance": "assistant"}
    api.put("/apis/apps/v1/namespaces/serving/deployments/assistant-chat-v1", deployment("x:1"), labels=labels)
    assert only(examine(SCALER, without="ScaledObject"), "external-metric", name).level == "warn"
    api.put(METRIC, {"items": [{"value": "3"}]})
    assert only(examine(SCALER, without="ScaledObject"), "external-metric", name).message == "answered by the adapter"


def test_kube_state_metrics(api: FakeApi, outcome: Outcome) -> None:
    assert outcome.context is not None
    spec = outcome.context.spec
    addons = replace(spec.cluster.addons, kube_state_metrics=True)
    claims = replace(spec, cluster=replace(spec.cluster, addons=addons))
    claimed = replace(outcome, context=replace(outcome.context, spec=claims))
    query = "count(kube_deployment_spec_replicas)"
    for answer, level in ((0, "fail"), (1, "ok")):
        api.queries[query] = answer
        findings = doctor.examine(claimed, (HERE / "manifests.yaml").read_text(), api)
        assert only(findings, "addon", "kube-state-metrics").level == level
