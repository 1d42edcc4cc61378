"""What autoscalers ask: the API of external metrics, and kube-state-metrics behind it."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

from llmgen.doctor.exam import Exam, root
from llmgen.doctor.finding import About, Finding, Question

_API = "v1beta1.external.metrics.k8s.io"
_WHY = "autoscalers read their numbers through it; without it the number of pods stays as it is"


def questions(exam: Exam) -> Iterator[Question]:
    """Ask who serves external metrics, whether it knows the release's, and whether loading engines can be seen."""
    metrics = sorted(set(_external(exam)))
    keda = any(exam.release.of_kind("ScaledObject"))
    if keda or metrics:
        yield About("external-metrics", _API).asked(_served, exam, "keda" if keda else "prometheus-adapter")
    for name in metrics:
        yield About("external-metric", name).asked(_known, exam)
    if exam.spec.cluster.addons.kube_state_metrics and exam.prober.there:
        yield About("addon", "kube-state-metrics").asked(_state, exam)


def _external(exam: Exam) -> Iterator[str]:
    for scaler in exam.release.of_kind("HorizontalPodAutoscaler"):
        for metric in scaler["spec"].get("metrics") or ():
            if metric["type"] == "External":
                yield metric["external"]["metric"]["name"]


def _served(about: About, exam: Exam, wanted: str) -> Iterator[Finding]:
    """One server only can answer for external metrics, and the last one installed wins."""
    found = exam.reader.one(f"{root('apiregistration.k8s.io', 'v1')}/apiservices/{_API}")
    if found is None:
        yield about.fail("nobody serves it", why=_WHY, fix=f"install {wanted}")
        return
    service = str((found["spec"].get("service") or {}).get("name"))
    conditions = {one["type"]: one for one in (found.get("status") or {}).get("conditions") or ()}
    available = conditions.get("Available", {})
    if ("keda" in service) != (wanted == "keda"):
        fix = f"turn off the external metrics of {service}, and install {wanted} again"
        yield about.fail(f"it belongs to {service}, not to {wanted}", why=_WHY, fix=fix)
    elif available.get("status") != "True":
        said = str(available.get("message") or "not available")
        yield about.fail(said, why=_WHY, fix=f"kubectl describe apiservice {_API}")
    else:
        yield about.ok(f"served by {service}")


def _known(about: About, exam: Exam) -> Iterator[Finding]:
    """The adapter answers only what its own rules say, which somebody has to give it."""
    path = f"{root('external.metrics.k8s.io', 'v1beta1')}/namespaces/{exam.namespace}/{quote(about.subject)}"
    found = exam.reader.one(path)
    if found is not None and found.get("items"):
        yield about.ok("answered by the adapter")
    elif not exam.runs():
        yield about.ok("not answered yet, the release is not installed")
    else:
        yield about.warn(
            "the adapter does not answer it although the release runs", why="its autoscaler cannot compute a size and leaves it",
            fix=f"give the adapter the rules in the ConfigMap of the release: kubectl -n {exam.namespace} get configmaps",
        )  # fmt: skip


def _state(about: About, exam: Exam) -> Iterator[Finding]:
    from llmgen.metrics import metric  # noqa: PLC0415 -- reads the chart's file

    name = metric("kubeState", "deploymentReplicas").name
    count = exam.prober.series(f"count({name})")
    if count:
        yield about.ok(f"Prometheus has {name}")
        return
    yield about.fail(
        f"the spec claims it, and Prometheus has no {name}",
        why="a trigger that must not fire while engines load never fires, and alerts on replicas are silent",
        fix="install kube-state-metrics and let Prometheus scrape it, or cluster.addons.kubeStateMetrics: false",
    )
