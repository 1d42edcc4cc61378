"""A spec against a live cluster: what would keep the release from installing, serving or scaling. Nothing is written, ever."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from llmgen.doctor import autoscaling, classes, monitoring, namespace, nodes, routes, secrets, storage, versions
from llmgen.doctor.api import Api, ApiError, ForbiddenError, KubernetesApi, Reader, UnreachableError
from llmgen.doctor.exam import Exam
from llmgen.doctor.finding import LEVELS, About, Finding, worst
from llmgen.doctor.prober import Prober
from llmgen.doctor.release import Release, read

if TYPE_CHECKING:
    from llmgen.pipeline import Outcome

__all__ = [
    "LEVELS",
    "Api",
    "Exam",
    "Finding",
    "KubernetesApi",
    "Release",
    "UnreachableError",
    "diagnose",
    "examine",
    "read",
    "worst",
]

_ROOMS = (versions, namespace, secrets, storage, classes, nodes, routes, autoscaling, monitoring)


def examine(outcome: Outcome, manifests: str, api: Api, *, prometheus: str | None = None) -> list[Finding]:
    """Return every finding about a rendered spec on the cluster behind ``api``.

    ``prometheus`` is an address that this machine reaches, where the spec's is only reached inside the cluster. Raises UnreachableError
    when the API server does not answer at all, ValueError when the spec has errors.
    """
    if outcome.context is None or outcome.plan is None:
        raise ValueError("the spec is wrong, so there is nothing to look for")
    spec, reader = outcome.context.spec, Reader(api)
    address = spec.cluster.prometheus.address if spec.cluster.prometheus is not None else None
    exam = Exam(
        spec=spec,
        plan=outcome.plan,
        release=read(manifests, name=spec.metadata.name, namespace=spec.metadata.namespace),
        reader=reader,
        prober=Prober(reader, address, prometheus),
    )
    reader.one("/version")
    return list(diagnose(exam))


def diagnose(exam: Exam) -> Iterator[Finding]:
    """Ask every question; one that cannot be answered is a finding too, and stops no other."""
    for room in _ROOMS:
        for question in room.questions(exam):
            try:
                yield from question.ask()
            except ApiError as error:
                yield _unanswered(question.about, error)


def _unanswered(about: About, error: ApiError) -> Finding:
    if isinstance(error, ForbiddenError):
        where = f" in {error.namespace}" if error.namespace else ""
        said = f"this user may not {error.verb} {error.resource}{where}"
        return about.unknown(said, why="it was not looked at", fix=_allow(about, error))
    if about.check == "prometheus":
        other = "cluster.prometheus.address, or --prometheus URL for an address that this machine reaches"
        return about.fail(str(error), why="autoscaling, alerts and gates need it", fix=other)
    return about.unknown(str(error), why="it was not looked at", fix="try again, or ask whoever runs the cluster")


def _allow(about: About, error: ForbiddenError) -> str:
    role = f"role llmgen-doctor -n {error.namespace}" if error.namespace else "clusterrole llmgen-doctor"
    option = "non-resource-url" if error.resource.startswith("/") else "resource"
    fix = (
        f"whoever runs the cluster: kubectl create {role} --verb={error.verb} --{option}={error.resource}, and bind it"
    )
    if about.check in ("prometheus", "trigger", "rules"):
        fix += "; or kubectl port-forward to Prometheus, and --prometheus http://127.0.0.1:9090"
    return fix
