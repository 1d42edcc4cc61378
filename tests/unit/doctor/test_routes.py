from __future__ import annotations

from tests.unit.doctor.conftest import Examine, FakeApi, only

ROUTE = """\
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: assistant, namespace: serving}
spec: {parentRefs: [{name: public, namespace: edge}]}
"""
GATEWAY = "/apis/gateway.networking.k8s.io/v1/namespaces/edge/gateways/public"


def listener(source: str) -> dict[str, object]:
    return {"spec": {"listeners": [{"allowedRoutes": {"namespaces": {"from": source}}}]}}


def test_the_parent_of_a_route(api: FakeApi, examine: Examine) -> None:
    assert only(examine(ROUTE), "gateway", "edge/public").message == "there is no Gateway public in edge"
    api.put(GATEWAY, listener("Same"))
    assert only(examine(ROUTE), "gateway").message == "it takes routes of edge only"
    api.put(GATEWAY, listener("All"))
    assert only(examine(ROUTE), "gateway").level == "ok"
