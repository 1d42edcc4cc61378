"""YAML in the pages is true: parts of a spec make a valid spec, parts of values render."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from tests.docs.fragments import FRESH, KINDS, fragments
from tests.docs.markdown import GENERATED, ROOT, Block, Page, page, pages

from llmgen.cli import main
from llmgen.pipeline import OVERLAYS

GUIDES = [page for page in pages() if page.name.startswith("docs/") and not page.name.startswith(GENERATED)]
OURS = [page for page in pages() if not page.name.startswith(GENERATED)]
CONFIG = ROOT / "benchmarks/data/model-configs.json"


def _cases(kind: str) -> list[Any]:
    return [pytest.param(block, whole, id=block.where) for page in OURS for block, whole in fragments(page, kind)]


@pytest.mark.parametrize("page", GUIDES, ids=lambda page: page.name)
def test_every_yaml_block_of_a_guide_says_what_it_is(page: Page):
    unknown = [
        f"{block.where}: {' '.join(block.tags) or 'no tag'}"
        for block in page.blocks
        if block.language in {"yaml", "yml"}
        and not (set(block.tags) & KINDS.keys() and set(block.tags) <= KINDS.keys() | {FRESH})
    ]
    assert not unknown


@pytest.mark.parametrize(("block", "whole"), _cases("spec"))
def test_spec(block: Block, whole: dict[str, Any], tmp_path: Path):
    """Valid over the starter spec. A config.json that it names is that of a known model."""
    for model in whole["models"].values():
        if config := model.get("architecture", {}).get("config"):
            (tmp_path / config).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / config).write_text(_config("Qwen/Qwen2.5-7B-Instruct"), encoding="utf-8")
    spec = tmp_path / "spec.yaml"
    spec.write_text(yaml.safe_dump(whole, sort_keys=False), encoding="utf-8")
    result = CliRunner().invoke(main, ["validate", str(spec)])
    assert result.exit_code == 0, f"{block.where}\n{result.output}"


@pytest.mark.parametrize(("block", "whole"), _cases("values"))
def test_values(block: Block, whole: dict[str, Any], tmp_path: Path):
    """Accepted by `llmgen check` and by the chart, over the chart's minimal values."""
    values = tmp_path / "values.yaml"
    values.write_text(yaml.safe_dump(whole, sort_keys=False), encoding="utf-8")
    checked = CliRunner().invoke(main, ["check", str(values)])
    assert checked.exit_code == 0, f"{block.where}\n{checked.output}"
    command = [
        "helm",
        "template",
        "demo",
        str(ROOT / "charts/llm-serving"),
        "--kube-version",
        "1.34",
        "-f",
        str(values),
    ]
    rendered = subprocess.run(command, capture_output=True, text=True, check=False)
    assert rendered.returncode == 0, f"{block.where}\n{rendered.stderr}"


def test_the_application_of_argo_cd_finds_its_files():
    """Its values are relative to the chart; what readers make may be missing, as ignoreMissingValueFiles allows."""
    documents = [
        yaml.safe_load(block.text) for block in page("docs/how-to/gitops.md").blocks if "foreign" in block.tags
    ]
    (source,) = (document["spec"]["source"] for document in documents if document.get("kind") == "Application")
    files = [(ROOT / source["path"] / file).resolve().relative_to(ROOT) for file in source["helm"]["valueFiles"]]
    assert [file.name for file in files] == [
        "values.yaml",
        *OVERLAYS,
    ]  # the order of `llmgen render`
    assert (ROOT / source["path"] / "Chart.yaml").exists()
    assert (ROOT / files[0]).exists()


@pytest.mark.parametrize("block", [block for page in OURS for block in page.blocks], ids=lambda block: block.where)
def test_yaml_and_json_are_readable(block: Block):
    if block.language == "yaml":
        list(yaml.safe_load_all(block.text))
    elif block.language == "json":
        json.loads(block.text)


def _config(name: str) -> str:
    known = json.loads(CONFIG.read_text(encoding="utf-8"))
    return json.dumps(known[name]["config"] if "config" in known[name] else known[name])
