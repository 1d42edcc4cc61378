"""The Gateway of the Gateway API that the release's route hangs on."""

from __future__ import annotations

from collections.abc import Iterator

from llmgen.doctor.exam import Exam, root
from llmgen.doctor.finding import About, Finding, Question

_GROUP = "gateway.networking.k8s.io"


def questions(exam: Exam) -> Iterator[Question]:
    """Ask for the parent of each route."""
    for route in exam.release.of_kind("HTTPRoute", _GROUP):
        for parent in route["spec"].get("parentRefs") or ():
            if parent.get("kind", "Gateway") == "Gateway":
                namespace, name = parent.get("namespace") or exam.namespace, parent["name"]
                yield About("gateway", f"{namespace}/{name}").asked(_gateway, exam, namespace, name)


def _gateway(about: About, exam: Exam, namespace: str, name: str) -> Iterator[Finding]:
    found = exam.reader.one(f"{root(_GROUP, 'v1')}/namespaces/{namespace}/gateways/{name}")
    why = "the route hangs on nothing, and no request arrives"
    if found is None:
        yield about.fail(
            f"there is no Gateway {name} in {namespace}",
            why=why,
            fix=f"kubectl -n {namespace} get gateways; gateway.exposure.parentGateway",
        )
        return
    allowed = {
        ((listener.get("allowedRoutes") or {}).get("namespaces") or {}).get("from", "Same")
        for listener in found["spec"].get("listeners") or ()
    }
    if namespace != exam.namespace and allowed == {"Same"}:
        yield about.fail(
            f"it takes routes of {namespace} only",
            why=why,
            fix="listeners[].allowedRoutes.namespaces.from: Selector or All",
        )
        return
    yield about.ok(
        "there, and takes routes of this namespace"
        if "Selector" not in allowed
        else "there; whether its selector takes this namespace was not looked at"
    )
