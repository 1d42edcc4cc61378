from __future__ import annotations

import pytest
from tests.unit.doctor.conftest import MARK, Examine, FakeApi, of, only, secret

from llm_gateway.config.reading import MARK as PATTERN
from llmgen.keys import make, mark

INSIDE = "/api/v1/namespaces/serving/secrets"


def test_a_secret_that_is_missing(api: FakeApi, examine: Examine) -> None:
    del api.objects[f"{INSIDE}/tenant-acme"]
    found = only(examine(), "secret", "tenant-acme")
    assert found.level == "fail"
    assert "deployment assistant-gateway" in found.why
    assert found.fix.startswith(
        "llmgen key new makes the key and its hash; kubectl -n serving create secret generic tenant-acme"
    )


def test_a_key_that_is_missing_or_empty(api: FakeApi, examine: Examine) -> None:
    api.put(f"{INSIDE}/hub", secret({"tokn": "x"}))
    found = only(examine(), "secret", "hub")
    assert (found.level, found.message) == ("fail", "the Secret has no key 'token'; it has tokn")
    api.put(f"{INSIDE}/hub", secret({"token": " \n"}))
    found = only(examine(), "secret", "hub")
    assert (found.level, found.message) == ("fail", "key 'token' is empty")


@pytest.mark.parametrize(
    ("value", "level"),
    [(mark(make()), "ok"), (MARK + "\n", "ok"), (MARK[7:], "fail"), (MARK.upper(), "fail"), (make(), "fail")],
    ids=["made", "newline", "bare", "upper", "the-key-itself"],
)
def test_the_shape_of_a_hash_is_what_the_gateway_takes(api: FakeApi, examine: Examine, value: str, level: str) -> None:
    api.put(f"{INSIDE}/tenant-acme", secret({"sha256": value}))
    assert only(examine(), "secret", "tenant-acme").level == level
    assert bool(PATTERN.fullmatch(value.strip())) == (level == "ok")


def test_a_pull_secret_of_the_wrong_type(api: FakeApi, examine: Examine) -> None:
    api.put(f"{INSIDE}/registry", secret({"password": "x"}))
    found = only(examine(), "secret", "registry")
    assert (found.level, found.message) == ("fail", "its type is Opaque, not kubernetes.io/dockerconfigjson")
    assert "docker-registry registry" in found.fix


def test_an_optional_secret_may_be_missing(examine: Examine) -> None:
    found = only(examine(POD.format(optional="true")), "secret", "extra")
    assert found.level == "ok"
    assert only(examine(POD.format(optional="false")), "secret", "extra").level == "fail"


def test_a_secret_of_the_release_itself_is_not_looked_for(examine: Examine) -> None:
    own = "apiVersion: v1\nkind: Secret\nmetadata: {name: extra, namespace: serving}\n"
    assert of(examine(POD.format(optional="false"), own), "secret", "extra") == []


def test_a_certificate_is_looked_for_beside_the_ingress_gateway(api: FakeApi, examine: Examine) -> None:
    found = only(examine(GATEWAY), "secret", "tls")
    assert (found.level, found.message) == ("fail", "no pod carries istio=ingress")
    api.put("/api/v1/namespaces/mesh/pods/ingress", {"spec": {"containers": []}}, labels={"istio": "ingress"})
    found = only(examine(GATEWAY), "secret", "tls")
    assert (found.level, found.message) == ("fail", "there is no Secret tls in mesh, where the ingress gateway runs")
    api.put("/api/v1/namespaces/mesh/secrets/tls", secret({"tls.crt": "x"}))
    assert only(examine(GATEWAY), "secret", "tls").level == "ok"


POD = """\
apiVersion: v1
kind: Pod
metadata: {{name: test, namespace: serving}}
spec:
  containers:
    - name: x
      envFrom: [{{secretRef: {{name: extra, optional: {optional}}}}}]
"""
GATEWAY = """\
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: assistant, namespace: serving}
spec:
  selector: {istio: ingress}
  servers: [{hosts: [a.example.com], tls: {mode: SIMPLE, credentialName: tls}}]
"""
