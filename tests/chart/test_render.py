"""Rendering is a pure function of chart, values and versions, and every supported Kubernetes accepts the objects."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.chart.conftest import CASES, CHART, CI, Helm, load, load_all, tool

KUBERNETES = [f"1.{minor}" for minor in range(30, 38)]
CUSTOM = ("gateway.networking.k8s.io/", "keda.sh/", "monitoring.coreos.com/", "networking.istio.io/")
"""Kinds of add-ons; kubeconform knows Kubernetes' own."""
SINCE = {"image-volume": 33}
"""First minor version of Kubernetes that a case needs."""


def documents(text: str) -> list[str]:
    """Return the documents as text.

    Helm 4 leaves a blank line behind each document that is not the last of its template; Helm 3 does not.
    """
    return sorted(part.strip("\n") for part in re.split(r"^---\n", text, flags=re.MULTILINE) if part.strip())


@pytest.mark.parametrize("case", CASES)
def test_helm_3_and_helm_4_render_the_same_bytes(helm: Helm, helm4: Helm, case: str):
    file = CI / f"{case}-values.yaml"
    assert documents(helm.template(file)) == documents(helm4.template(file))


@pytest.mark.parametrize("case", CASES)
def test_two_renderings_are_the_same_bytes(helm: Helm, case: str):
    file = CI / f"{case}-values.yaml"
    assert helm.template(file) == helm.template(file)


@pytest.mark.parametrize("case", CASES)
def test_no_line_ends_in_blanks(helm: Helm, case: str):
    assert not [line for line in helm.template(CI / f"{case}-values.yaml").splitlines() if line != line.rstrip()]


def test_the_folder_renders_like_the_package(helm: Helm):
    file = CI / "all-branches-values.yaml"
    assert helm.template(file, chart=CHART) == helm.template(file)


def test_templates_ask_nobody_and_roll_no_dice():
    forbidden = re.compile(
        r"\b(lookup|now|rand\w+|genCA|genSelfSignedCert|genPrivateKey|uuidv4|IsInstall|IsUpgrade|htpasswd)\b"
    )
    found = {path.name: match for path in (CHART / "templates").rglob("*.*") if (match := forbidden.search(code(path)))}
    assert not found


def code(path: Path) -> str:
    return re.sub(r"\{\{-? ?/\*.*?\*/ ?-?\}\}", "", path.read_text(), flags=re.DOTALL)


def test_lint_is_strict_and_silent(helm: Helm, helm4: Helm):
    for version in (helm, helm4):
        for case in CASES:
            options = (
                "lint",
                "--strict",
                str(CHART),
                "--values",
                str(CI / f"{case}-values.yaml"),
                "--kube-version",
                "1.34.0",
            )
            done = version.run(*options)
            assert done.returncode == 0, done.stdout + done.stderr
            assert "[WARNING]" not in done.stdout


def test_every_document_is_one_object_with_the_recommended_labels(rendered: dict[str, list[dict[str, Any]]]):
    wanted = {
        f"app.kubernetes.io/{key}" for key in ("name", "instance", "version", "component", "part-of", "managed-by")
    } | {"helm.sh/chart"}
    for objects in rendered.values():
        for item in objects:
            if item["metadata"]["name"].startswith(("demo-map", "demo-text")):  # extraObjects are the user's
                continue
            assert wanted <= set(item["metadata"]["labels"]), item["metadata"]["name"]
            cluster_wide = item["kind"] in {"PriorityClass", "PersistentVolume"}
            assert item["metadata"].get("namespace") == (None if cluster_wide else "ns")


def test_no_object_is_rendered_twice(rendered: dict[str, list[dict[str, Any]]]):
    for objects in rendered.values():
        keys = [(item["apiVersion"], item["kind"], item["metadata"]["name"]) for item in objects]
        assert len(keys) == len(set(keys))


@pytest.fixture(scope="session")
def api_schemas(tmp_path_factory: pytest.TempPathFactory, rendered: dict[str, list[dict[str, Any]]]) -> Path:
    """The schemas of the kinds we render, as kubeconform reads them: local references, no $schema."""
    import kubernetes_validate  # noqa: PLC0415 -- slow to import, and only here

    source = Path(kubernetes_validate.__file__).parent / "kubernetes-json-schema"
    target = tmp_path_factory.mktemp("api-schemas")
    kinds = {
        schema_name(item)
        for objects in rendered.values()
        for item in objects
        if not item["apiVersion"].startswith(CUSTOM)
    }
    for version in KUBERNETES:
        (target / version).mkdir()
        for name in ("_definitions", *kinds):
            text = (source / f"v{version}.0-local-strict" / f"{name}.json").read_text()
            data = json.loads(text.replace("/api/_definitions.json", "_definitions.json"))
            data.pop("$schema", None)
            (target / version / f"{name}.json").write_text(json.dumps(data))
    return target


def schema_name(item: dict[str, Any]) -> str:
    group, _, version = item["apiVersion"].rpartition("/")
    return "-".join(part for part in (item["kind"].lower(), group.partition(".")[0], version) if part)


def conform(version: str, schemas: Path, text: str) -> dict[str, Any]:
    location = f"{schemas}/{version}/{{{{.ResourceKind}}}}{{{{.KindSuffix}}}}.json"
    command = [
        tool("kubeconform"),
        "-strict",
        "-output",
        "json",
        "-summary",
        "-n",
        "1",
        "-schema-location",
        location,
        "-",
    ]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    result: dict[str, Any] = json.loads(done.stdout)
    return result


@pytest.mark.parametrize("version", KUBERNETES)
def test_kubernetes_accepts_every_object(helm: Helm, api_schemas: Path, version: str):
    cases = [case for case in CASES if int(version.split(".")[1]) >= SINCE.get(case, 0)]
    parts = [
        part for case in cases for part in documents(helm.template(CI / f"{case}-values.yaml", kube=f"{version}.0"))
    ]
    own = [part for part in parts if not re.search(rf"^apiVersion: ({'|'.join(CUSTOM)})", part, re.MULTILINE)]
    text = "\n---\n".join(own)
    result = conform(version, api_schemas, text)
    assert not result["resources"], result["resources"]
    assert result["summary"]["valid"] == len(load_all(text))


def test_kubeconform_would_notice(helm: Helm, api_schemas: Path):
    text = helm.template(CI / "minimal-values.yaml").replace("minReadySeconds:", "minReadySecond:")
    assert conform("1.34", api_schemas, text)["summary"]["invalid"] == 1


def test_the_oldest_supported_kubernetes_is_the_oldest_tested():
    assert load((CHART / "Chart.yaml").read_text())["kubeVersion"] == f">={KUBERNETES[0]}.0-0"


@pytest.mark.parametrize("engine", ["helm", "helm4"])
def test_a_block_set_to_null_is_refused_in_words(engine: str, package: Path) -> None:
    """Of every block that has defaults, by both Helms, before any template needs it."""
    defaults = load((CHART / "values.yaml").read_text())
    blocks = [key for key, value in defaults.items() if isinstance(value, dict) and value]
    done = Helm(tool(engine), package).attempt(CI / "minimal-values.yaml", values=dict.fromkeys(blocks))
    assert done.returncode
    assert [block for block in blocks if f"{block}: got nothing, want a map" not in done.stderr] == []
    assert "nil pointer" not in done.stderr
