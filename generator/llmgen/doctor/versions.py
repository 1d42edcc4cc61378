"""Kubernetes, the operators, and the kinds of objects that the release brings."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from llmgen.doctor.api import ForbiddenError, Object
from llmgen.doctor.exam import Exam, root
from llmgen.doctor.finding import About, Finding, Question
from llmgen.spec.build import camel

Version = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """An operator: the addon that claims it, a kind it brings, and the image and usual namespace it runs in.

    ``least`` is the oldest version that serves what the chart uses, and ``because`` says what that is.
    """

    addon: str
    title: str
    group: str
    image: str
    namespace: str
    install: str
    least: Version = (0, 0)
    because: str = ""


OPERATORS = (
    Operator(
        addon="keda", title="KEDA", group="keda.sh", image="keda", namespace="keda", least=(2, 18),
        because="the chart's ScaledObjects are made for 2.18 and later, which also pauses scale-in alone",
        install="helm upgrade --install keda keda --repo https://kedacore.github.io/charts -n keda --create-namespace",
    ),
    Operator(
        addon="istio", title="Istio", group="networking.istio.io", image="pilot", namespace="istio-system", least=(1, 22),
        because="networking.istio.io/v1 is served from 1.22 on",
        install="istioctl install --set profile=default --set components.cni.enabled=true",
    ),
    Operator(
        addon="prometheus_operator", title="prometheus-operator", group="monitoring.coreos.com", image="prometheus-operator",
        namespace="monitoring",
        install="helm upgrade --install kube-prometheus-stack kube-prometheus-stack "
        "--repo https://prometheus-community.github.io/helm-charts -n monitoring --create-namespace",
    ),
    Operator(
        addon="prometheus_adapter", title="prometheus-adapter", group="external.metrics.k8s.io", image="prometheus-adapter",
        namespace="monitoring",
        install="helm upgrade --install prometheus-adapter prometheus-adapter "
        "--repo https://prometheus-community.github.io/helm-charts -n monitoring --create-namespace",
    ),
    Operator(
        addon="gateway_api", title="Gateway API", group="gateway.networking.k8s.io", image="", namespace="",
        install="kubectl apply -f https://github.com/kubernetes-sigs/gateway-api/releases/latest/download/standard-install.yaml",
    ),
)  # fmt: skip


def questions(exam: Exam) -> Iterator[Question]:
    """Ask for the server's version, then for each operator that the spec claims, then for every kind."""
    addons = exam.spec.cluster.addons
    yield About("kubernetes", "version").asked(_kubernetes, exam)
    for operator in OPERATORS:
        if getattr(addons, operator.addon):
            yield About("addon", operator.title).asked(_claimed, exam, operator)
            if operator.image:
                yield About("operator", operator.title).asked(_operator, exam, operator)
    if addons.istio:
        yield About("operator", "istio-cni").asked(_istio_cni, exam)
    kinds: dict[str, set[str]] = defaultdict(set)
    for item in exam.release.objects:
        kinds[item["apiVersion"]].add(item["kind"])
    for version_, those in sorted(kinds.items()):
        if "/" in version_:  # core kinds are always served
            yield About("kind", version_).asked(_kinds, exam, those)


def _kubernetes(about: About, exam: Exam) -> Iterator[Finding]:
    found = exam.reader.one("/version") or {}
    said = f"{found.get('major')}.{found.get('minor')}"
    actual, wanted = version(said), version(exam.spec.cluster.kubernetes_version)
    if actual is None or wanted is None:
        yield about.unknown(f"the server says version {said!r}", why="it cannot be compared", fix="kubectl version")
    elif actual < wanted:
        yield about.fail(
            f"the cluster is {_dotted(actual)}, the spec says {_dotted(wanted)}",
            why="fields that this server does not know are dropped or refused",
            fix=f'cluster.kubernetesVersion: "{_dotted(actual)}", or upgrade the cluster',
        )
    elif actual > wanted:
        yield about.warn(
            f"the cluster is {_dotted(actual)}, the spec says {_dotted(wanted)}",
            why="the manifests are checked and rendered for an older server than the one that gets them",
            fix=f'cluster.kubernetesVersion: "{_dotted(actual)}"',
        )
    else:
        yield about.ok(f"{_dotted(actual)}, as the spec says")


def _claimed(about: About, exam: Exam, operator: Operator) -> Iterator[Finding]:
    served = _served(exam, operator.group)
    if served:
        yield about.ok(f"serves {operator.group} ({', '.join(served)})")
        return
    key = camel(operator.addon)
    yield about.fail(
        f"the spec claims it, and nothing serves {operator.group}",
        why=f"objects of {operator.group} are refused, and the release with them",
        fix=f"{operator.install}, or cluster.addons.{key}: false",
    )


def _operator(about: About, exam: Exam, operator: Operator) -> Iterator[Finding]:
    running = _images(_deployments(exam, operator.namespace, "deployments"), operator.image)
    if not running:
        yield about.warn(
            f"no Deployment runs an image called {operator.image}",
            why="its objects are stored and nobody acts on them, unless it is managed outside this cluster",
            fix=operator.install,
        )
        return
    for name, item in running.items():
        found = version(name.partition(":")[2].partition("@")[0])
        where = f"{item['metadata']['namespace']}/{item['metadata']['name']}"
        if found is not None and found < operator.least:
            yield about.fail(
                f"{where} is {_dotted(found)}, at least {_dotted(operator.least)} is needed", why=operator.because, fix=operator.install
            )  # fmt: skip
        elif not (item.get("status") or {}).get("readyReplicas"):
            yield about.fail(
                f"{where} has no ready pod", why="nobody acts on its objects",
                fix=f"kubectl -n {item['metadata']['namespace']} describe deployment {item['metadata']['name']}",
            )  # fmt: skip
        else:
            yield about.ok(f"{where} runs {name}" + ("" if found else ", a version that cannot be compared"))


def _istio_cni(about: About, exam: Exam) -> Iterator[Finding]:
    found = _images(_deployments(exam, "istio-system", "daemonsets"), "install-cni")
    if found:
        yield about.ok(
            ", ".join(f"{item['metadata']['namespace']}/{item['metadata']['name']}" for item in found.values())
        )
        return
    yield about.fail(
        "no DaemonSet runs install-cni",
        why="without it a sidecar needs an init container with NET_ADMIN, which Pod Security `restricted` refuses",
        fix="istioctl install --set components.cni.enabled=true",
    )


def _kinds(about: About, exam: Exam, kinds: set[str]) -> Iterator[Finding]:
    found = exam.reader.one(f"/apis/{about.subject}")
    served = {item["kind"] for item in (found or {}).get("resources") or ()}
    missing = sorted(kinds - served)
    if not missing:
        yield about.ok(", ".join(sorted(kinds)))
        return
    group = about.subject.partition("/")[0]
    others = _served(exam, group)
    operator = next((one for one in OPERATORS if one.group == group), None)
    yield about.fail(
        f"the server does not know {', '.join(missing)}"
        + (f"; it serves {group} {', '.join(others)}" if others else ""),
        why="Helm refuses the whole release",
        fix=operator.install if operator else f"install what brings {group}",
    )


def _served(exam: Exam, group: str) -> list[str]:
    found = exam.reader.one(f"/apis/{group}")
    return [str(item["version"]) for item in (found or {}).get("versions") or ()]


def _deployments(exam: Exam, namespace: str, resource: str) -> tuple[Object, ...]:
    """Return the workloads of the cluster, or of the operator's usual namespace where only that may be read."""
    try:
        return exam.everywhere(resource, group="apps")
    except ForbiddenError:
        return exam.reader.all(f"{root('apps', 'v1')}/namespaces/{namespace}/{resource}")


def _images(items: Iterable[Object], image: str) -> dict[str, Object]:
    """Return the workloads that run an image of this name, by its reference without the registry."""
    found = {}
    for item in items:
        for box in item["spec"]["template"]["spec"].get("containers") or ():
            reference = str(box.get("image", "")).rpartition("/")[2]
            if re.split("[:@]", reference)[0] == image:
                found[reference] = item
    return found


def version(text: str) -> Version | None:
    """Return (major, minor) of ``1.34+``, ``v2.17.1`` or ``1.27-distroless``; None for anything else."""
    match = re.match(r"v?(\d+)\.(\d+)", text)
    return (int(match[1]), int(match[2])) if match else None


def _dotted(number: Version) -> str:
    return f"{number[0]}.{number[1]}"
