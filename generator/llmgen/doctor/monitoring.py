"""Prometheus: it answers, it understands the release's own queries, and it selects what the release wants scraped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from llmgen.doctor.api import Object
from llmgen.doctor.exam import Exam
from llmgen.doctor.finding import About, Finding, Question
from llmgen.doctor.prober import QueryError

_GROUP = "monitoring.coreos.com"
_SELECTED = {"PodMonitor": "podMonitor", "ServiceMonitor": "serviceMonitor", "PrometheusRule": "rule"}
"""Kinds that a Prometheus selects, and how its selectors are called."""


def questions(exam: Exam) -> Iterator[Question]:
    """Ask whether Prometheus answers, then each query, then the selectors."""
    if exam.prober.there:
        yield About("prometheus", str(exam.prober.address or "--prometheus")).asked(_answers, exam)
        for scaler in exam.release.of_kind("ScaledObject"):
            for number, trigger in enumerate(scaler["spec"]["triggers"]):
                if trigger["type"] == "prometheus":
                    name = f"{scaler['metadata']['name']}/{trigger.get('name') or number}"
                    yield About("trigger", name).asked(_trigger, exam, trigger["metadata"]["query"])
        for rules in exam.release.of_kind("PrometheusRule"):
            yield About("rules", rules["metadata"]["name"]).asked(_rules, exam, rules)
    elif any(exam.release.of_kind("ScaledObject")):
        yield About("prometheus", "address").asked(_nowhere)
    for kind in _SELECTED:
        for item in exam.release.of_kind(kind, _GROUP):
            yield About("selected", f"{kind} {item['metadata']['name']}").asked(_selected, exam, item)


def _nowhere(about: About) -> Iterator[Finding]:
    yield about.fail(
        "the spec names no Prometheus",
        why="autoscalers have nobody to ask",
        fix="cluster.prometheus.address, or llmgen doctor --prometheus URL",
    )


def _answers(about: About, exam: Exam) -> Iterator[Finding]:
    try:
        count = exam.prober.series("up")
    except QueryError as error:
        yield about.fail(
            f"it refuses the query `up`: {error}", why="it is no Prometheus", fix="cluster.prometheus.address"
        )
        return
    if count:
        yield about.ok(f"answers, and scrapes {count} targets")
        return
    yield about.fail(
        "answers, and scrapes nothing", why="autoscaling, alerts and gates see nothing", fix="see its page /targets"
    )


def _trigger(about: About, exam: Exam, query: str) -> Iterator[Finding]:
    try:
        count = exam.prober.series(query)
    except QueryError as error:
        yield about.fail(
            f"Prometheus refuses its query: {error}",
            why="the autoscaler is blind and stays at its fallback",
            fix="report it: the chart wrote this query",
        )
        return
    if count > 1:
        yield about.fail(
            f"its query answers {count} series",
            why="KEDA takes one and treats more as an error",
            fix="report it: the chart wrote this query",
        )
    elif count == 1:
        yield about.ok("its query answers one number")
    elif exam.runs():
        yield about.warn(
            "its query answers nothing although the release runs",
            why="the autoscaler stays at its fallback: nothing scrapes these pods, or labels differ",
            fix=f"ask Prometheus: {' '.join(query.split())}",
        )
    else:
        yield about.ok("its query is understood; no series yet, the release is not installed")


def _rules(about: About, exam: Exam, rules: Object) -> Iterator[Finding]:
    asked, bad = 0, 0
    for group in rules["spec"]["groups"]:
        for rule in group["rules"]:
            asked += 1
            try:
                exam.prober.series(rule["expr"])
            except QueryError as error:
                bad += 1
                yield about.fail(
                    f"{rule.get('alert') or rule.get('record')}: {error}",
                    why="this rule never evaluates",
                    fix="report it: the chart wrote this rule",
                )
    if not bad:
        yield about.ok(f"{asked} rules are understood")


def _selected(about: About, exam: Exam, item: Object) -> Iterator[Finding]:
    prefix = _SELECTED[item["kind"]]
    servers = exam.everywhere("prometheuses", group=_GROUP)
    if not servers:
        yield about.warn(
            "no object Prometheus in the cluster",
            why="nobody reads it, unless another operator does",
            fix="kubectl get prometheus --all-namespaces",
        )
        return
    labels = item["metadata"].get("labels") or {}
    home = exam.reader.one(f"/api/v1/namespaces/{exam.namespace}") or {"metadata": {}}
    around = {"kubernetes.io/metadata.name": exam.namespace, **(home["metadata"].get("labels") or {})}
    wanted = []
    for server in servers:
        spec, where = server["spec"], f"{server['metadata']['namespace']}/{server['metadata']['name']}"
        namespaces = spec.get(f"{prefix}NamespaceSelector")
        inside = (
            server["metadata"]["namespace"] == exam.namespace if namespaces is None else selects(namespaces, around)
        )
        if inside and selects(spec.get(f"{prefix}Selector"), labels):
            yield about.ok(f"selected by Prometheus {where}")
            return
        wanted.append(f"{where} wants {_said(spec.get(f'{prefix}Selector'))} in namespaces with {_said(namespaces)}")
    yield about.fail(
        f"no Prometheus selects it: {'; '.join(wanted)}", why="its metrics or rules do not exist for anybody",
        fix="metadata.labels in the spec adds labels to every object; or loosen the selector of Prometheus",
    )  # fmt: skip


def selects(selector: Mapping[str, Any] | None, labels: Mapping[str, str]) -> bool:
    """Say whether a label selector matches: nothing for null, everything for an empty one (Kubernetes API, LabelSelector)."""
    if selector is None:
        return False
    if not (selector.get("matchLabels") or {}).items() <= labels.items():
        return False
    return all(_expression(one, labels) for one in selector.get("matchExpressions") or ())


def _expression(one: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    key, values = one["key"], one.get("values") or ()
    return {
        "In": labels.get(key) in values,
        "NotIn": labels.get(key) not in values,
        "Exists": key in labels,
        "DoesNotExist": key not in labels,
    }[one["operator"]]


def _said(selector: Mapping[str, Any] | None) -> str:
    if not selector:
        return "no selector" if selector is None else "any labels"
    parts = [f"{key}={value}" for key, value in (selector.get("matchLabels") or {}).items()]
    parts += [
        f"{one['key']} {one['operator']} {','.join(one.get('values') or ())}".strip()
        for one in selector.get("matchExpressions") or ()
    ]
    return ", ".join(parts)
