"""Each alert fires when it should, stays silent when it should, and fires alone: promtool on the rendered rules."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.chart.conftest import CHART, Helm, tool
from tests.observability import rendered

from llmgen.alerts import alerts
from llmgen.metrics import expand


class _Loader(yaml.SafeLoader):
    """YAML in which 0x60 is sixty more zeros, as promtool writes it, and no hexadecimal number."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in found if not tag.endswith((":int", ":float"))]
    for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
HERE = Path(__file__).parent / "alerts"
RUNBOOKS = Path(__file__).resolve().parents[2] / "docs" / "runbooks"
BASE: dict[str, str] = yaml.load((HERE / "base.yaml").read_text(), _Loader)  # noqa: S506 -- a safe loader
SCENARIOS: dict[tuple[str, str], dict[str, Any]] = {
    (alert, name): scenario
    for file in sorted(HERE.glob("*.yaml"))
    if file.stem not in {"base", "values"}
    for alert, scenarios in yaml.load(file.read_text(), _Loader).items()  # noqa: S506 -- a safe loader
    for name, scenario in scenarios.items()
}
_ENGINE = 'namespace="ns",llm_release="demo",llm_model="chat",llm_class="interactive",llm_revision="{0}",pod="{0}-{1}",engine="0"'
WORDS = {
    "v1": _ENGINE.format("v1", 0),
    "v1b": _ENGINE.format("v1", 1),
    "v2": _ENGINE.format("v2", 0),
    "gw": 'namespace="ns",llm_release="demo",pod="gw-0"',
    "ns": 'namespace="ns"',
}


@pytest.fixture(scope="module")
def promtool() -> str:
    return tool("promtool")


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> dict[bool, Path]:
    """The rule files of a release with and without a gateway."""
    folder = tmp_path_factory.mktemp("rules")
    helm = Helm(tool("helm"), CHART)
    made = {}
    for gateway in (True, False):
        objects = helm.objects(HERE / "values.yaml", values={"gateway": {"enabled": gateway}})
        made[gateway] = folder / f"{gateway}.yaml"
        made[gateway].write_text(json.dumps({"groups": rendered.groups(tuple(objects))}))
    return made


def _series(scenario: dict[str, Any]) -> list[dict[str, str]]:
    given = {**BASE, **(scenario.get("series") or {})}
    return [
        {"series": expand(series, WORDS), "values": values} for series, values in given.items() if values is not None
    ]


def _test(scenario: dict[str, Any]) -> dict[str, Any]:
    firing = [{"labels": f'{{alertname="{name}"}}', "value": 1} for name in sorted(scenario["firing"])]
    expr = 'group by (alertname) (ALERTS{alertstate="firing"})'
    return {
        "interval": "1m",
        "input_series": _series(scenario),
        "promql_expr_test": [{"expr": expr, "eval_time": scenario["at"], "exp_samples": firing}],
    }


@pytest.mark.prometheus
@pytest.mark.parametrize("key", SCENARIOS, ids=": ".join)
def test_scenario(key: tuple[str, str], promtool: str, rules: dict[bool, Path], tmp_path: Path):
    scenario = SCENARIOS[key]
    file = tmp_path / "test.yaml"
    rule_file = str(rules[scenario.get("gateway", True)])
    file.write_text(json.dumps({"rule_files": [rule_file], "evaluation_interval": "1m", "tests": [_test(scenario)]}))
    done = subprocess.run([promtool, "test", "rules", str(file)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_is_seen_to_fire_and_to_stay_silent():
    fires = {alert for (alert, _), scenario in SCENARIOS.items() if alert in scenario["firing"]}
    silent = {alert for (alert, _), scenario in SCENARIOS.items() if alert not in scenario["firing"]}
    assert fires == silent == alerts().keys()
    assert len(alerts()) >= 16


@pytest.mark.prometheus
def test_rules_pass_the_linter(promtool: str, rules: dict[bool, Path]):
    for file in rules.values():
        command = [promtool, "check", "rules", "--lint=all", "--lint-fatal", str(file)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_has_a_runbook_and_no_runbook_is_left_over():
    assert {page.stem for page in RUNBOOKS.glob("LLM*.md")} == alerts().keys()
    for name in alerts():
        text = (RUNBOOKS / f"{name}.md").read_text(encoding="utf-8")
        assert text.startswith(f"# {name}\n")
        headings = re.findall(r"^## (.*)$", text, re.MULTILINE)
        assert headings == ["What it means", "What to look at", "What to do"], name


def test_texts_of_alerts_are_sentences():
    for alert in alerts().values():
        assert alert.severity in {"critical", "warning", "info"}
        assert not alert.summary.endswith("."), alert.name
        assert alert.description.endswith((".", ".)")), alert.name


@pytest.mark.prometheus
def test_the_scrape_configuration_of_the_guide_is_one(promtool: str, tmp_path: Path):
    guide = (RUNBOOKS.parent / "how-to" / "watch-a-release.md").read_text(encoding="utf-8")
    found = re.search(r"^```yaml foreign\n(.*?)^```", guide, re.DOTALL | re.MULTILINE)
    assert found is not None
    (tmp_path / "prometheus.yml").write_text(found[1])
    command = [promtool, "check", "config", str(tmp_path / "prometheus.yml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
