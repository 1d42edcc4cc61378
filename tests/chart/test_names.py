"""Every name fits 63 characters and stays different, whatever people call their releases, models and revisions."""

from __future__ import annotations

import re
from typing import Any

import pytest
from tests.chart.conftest import CHART, CI, Helm, ci_values, load, load_all

from llmgen.checks.names import object_name

LONG_RELEASE = "r" + "e" * 51 + "x"
DNS_LABEL = re.compile(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?")


def model(*revisions: str) -> dict[str, Any]:
    base = ci_values("minimal")["models"]["chat"]
    return {
        **base,
        "tracks": {"stable": {"revision": revisions[0]}},
        "revisions": dict.fromkeys(revisions, base["revisions"]["v1"]),
    }


def names(objects: list[dict[str, Any]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for item in objects:
        found.setdefault(item["kind"], []).append(item["metadata"]["name"])
    return found


def check(objects: list[dict[str, Any]]) -> None:
    for kind, of_kind in names(objects).items():
        assert len(of_kind) == len(set(of_kind)), kind
        assert not [name for name in of_kind if not DNS_LABEL.fullmatch(name)], kind
    for item in objects:
        for value in item["metadata"]["labels"].values():
            assert len(value) <= 63


def test_the_longest_names_fit_and_differ(helm: Helm):
    models = {f"m{'o' * 37}{end}": model(*(f"r{'v' * 37}{tail}" for tail in "ab0")) for end in ("aa", "ab", "bz")}
    volumes = {f"v{'w' * 37}{end}": {"create": {"size": "1Gi"}} for end in ("aa", "ab")}
    assert len(LONG_RELEASE) == 53
    check(helm.objects(values={"models": models, "volumes": volumes}, release=LONG_RELEASE))


def test_names_of_every_length_fit_and_differ(helm: Helm):
    models = {f"m{'x' * length}": model("v1", "v2", "v" * 40) for length in range(40)}
    check(helm.objects(values={"models": models}, release=LONG_RELEASE))


def test_the_generator_makes_the_same_names(helm: Helm):
    models = {
        f"{'m' * length}{'-' * dashes}n": model("v1", "v--2") for length in range(1, 34, 3) for dashes in (1, 2, 5)
    }
    release = "r" * 30
    wanted = {object_name(release, key, revision) for key in models for revision in ("v1", "v--2")}
    assert set(names(helm.objects(values={"models": models}, release=release))["Deployment"]) == wanted
    assert any(len(name) < 63 for name in wanted)
    assert any(len(name) == 63 for name in wanted)


def test_a_dash_at_the_cut_does_not_stay(helm: Helm):
    models = {f"{'m' * length}-{'n' * (38 - length)}": model("v1") for length in range(1, 38)}
    check(helm.objects(values={"models": models}, release="r" * 20))


@pytest.mark.parametrize("values", [{}, {"nameOverride": "engines"}])
def test_two_releases_in_a_namespace_share_no_object_and_no_pod(helm: Helm, values: dict[str, Any]):
    file = CI / "minimal-values.yaml"
    one, other = helm.objects(file, values=values, release="one"), helm.objects(file, values=values, release="other")
    shared = {(item["kind"], item["metadata"]["name"]) for item in one} & {
        (item["kind"], item["metadata"]["name"]) for item in other
    }
    assert not shared
    pods = [item["spec"]["template"]["metadata"]["labels"] for item in other if item["kind"] == "Deployment"]
    for item in one:
        selector = item["spec"].get("podSelector", item["spec"].get("selector", {})) if "spec" in item else {}
        wanted = selector.get("matchLabels", selector)
        assert not wanted or not [labels for labels in pods if wanted.items() <= labels.items()], item["metadata"][
            "name"
        ]


def test_cluster_wide_names_carry_the_namespace(helm: Helm):
    """The same release name in two namespaces is two releases."""
    objects = helm.objects(CI / "all-branches-values.yaml")
    wide = {item["metadata"]["name"] for item in objects if item["kind"] in {"PriorityClass", "PersistentVolume"}}
    assert len(wide) == 3
    assert all(name.startswith("ns-everything-") for name in wide)


def test_a_subchart_and_its_alias_stay_apart(helm: Helm, helm4: Helm, tmp_path: Any):
    """Two aliases of the chart in one parent release, in the same namespace."""
    parent = tmp_path / "parent"
    (parent / "charts").mkdir(parents=True)
    (parent / "charts" / helm.chart.name).write_bytes(helm.chart.read_bytes())
    version = re.search(r"^version: (.+)$", (CHART / "Chart.yaml").read_text(), re.MULTILINE)
    assert version is not None
    dependencies = "".join(
        f"\n  - {{name: llm-serving, version: {version[1]}, repository: '', alias: {alias}}}"
        for alias in ("chat-engines", "batch-engines")
    )
    (parent / "Chart.yaml").write_text(f"apiVersion: v2\nname: parent\nversion: 0.1.0\ndependencies:{dependencies}\n")
    values = {
        "global": {"parent": "may say anything"},
        "chat-engines": {**ci_values("minimal"), "gateway": {"enabled": True}},
        "batch-engines": {**ci_values("minimal"), "gateway": {"enabled": True}},
    }
    for binary in (helm, helm4):
        objects = load_all(binary.template(values=values, chart=parent))
        check(objects)
        assert {"demo-chat-engines-chat-v1", "demo-batch-engines-chat-v1"} <= set(names(objects)["Deployment"])
        selectors = [item["spec"]["selector"]["matchLabels"] for item in objects if item["kind"] == "Deployment"]
        assert selectors[0] != selectors[1]
        configs = [
            load(item["data"]["gateway.yaml"])["provider"] for item in objects if "gateway.yaml" in item.get("data", {})
        ]
        for config in configs:
            labels = {"app.kubernetes.io/name": config["name"], "app.kubernetes.io/instance": config["release"]}
            found = {
                item["metadata"]["name"]
                for item in objects
                if item["kind"] == "Service"
                and {**labels, "llmgen.dev/revision": "v1"}.items() <= item["metadata"]["labels"].items()
            }
            assert found == {config["gatewayService"].replace("-gateway", "-chat-v1")}, "each gateway watches its own"
        assert len(configs) == 2
