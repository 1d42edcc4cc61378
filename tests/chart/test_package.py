"""What is in the package is what the other tests talk about."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.chart.conftest import CHART, load


def test_the_schema_is_in_the_package(members: dict[str, bytes], schema: dict[str, Any]):
    assert schema["additionalProperties"] is False
    assert members["values.schema.json"] == (CHART / "values.schema.json").read_bytes()


def test_every_template_and_file_is_in_the_package(members: dict[str, bytes]):
    wanted = {
        str(path.relative_to(CHART))
        for folder in ("templates", "files")
        for path in (CHART / folder).rglob("*")
        if path.is_file()
    }
    assert wanted <= set(members)


def test_tests_and_ci_values_are_not_in_the_package(members: dict[str, bytes]):
    folders = {Path(name).parts[0] for name in members}
    assert folders == {
        ".helmignore",
        "Chart.yaml",
        "README.md",
        "values.yaml",
        "values.schema.json",
        "templates",
        "files",
    }


def test_templates_stay_small():
    long = {
        str(path): lines for path in (CHART / "templates").rglob("*.*") if (lines := path.read_text().count("\n")) > 80
    }
    assert not long


def test_every_template_has_a_suite_of_its_own_path():
    rendered = list((CHART / "templates").rglob("*.yaml"))
    missing = [
        str(path)
        for path in rendered
        if not (CHART / "tests" / path.relative_to(CHART / "templates")).with_name(f"{path.stem}_test.yaml").is_file()
    ]
    assert not missing


def test_no_suite_uses_snapshots():
    using = [str(path) for path in (CHART / "tests").rglob("*_test.yaml") if "Snapshot" in path.read_text()]
    assert not using, "a missing snapshot passes silently"


def test_the_chart_describes_itself(members: dict[str, bytes]):
    chart = load(members["Chart.yaml"].decode())
    for key in (
        "name",
        "description",
        "version",
        "appVersion",
        "kubeVersion",
        "home",
        "sources",
        "icon",
        "keywords",
        "maintainers",
    ):
        assert chart[key], key
    assert isinstance(chart["appVersion"], str)
    assert chart["type"] == "application"
    assert f"v{chart['appVersion']}" in chart["annotations"]["artifacthub.io/images"]
