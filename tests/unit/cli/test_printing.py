"""Commands that print what is known: schema, catalog, completion."""

from __future__ import annotations

import json
import subprocess
import sys

import jsonschema
import pytest
import yaml
from tests.unit.cli.conftest import Invoke

from llmgen.bundle import bundle_text
from llmgen.cli.catalog import KINDS, table
from llmgen.cli.schema import NAMES


@pytest.mark.parametrize("name", NAMES)
def test_schema(invoke: Invoke, name: str) -> None:
    result = invoke("schema", name)
    assert (result.exit_code, result.stderr) == (0, "")
    jsonschema.Draft202012Validator.check_schema(json.loads(result.stdout))
    assert result.stdout == bundle_text(name)


def test_schema_is_the_spec_by_default(invoke: Invoke) -> None:
    assert invoke("schema").stdout == invoke("schema", "serving-spec").stdout
    assert invoke("schema", "nothing").exit_code == 2


@pytest.mark.parametrize("kind", KINDS)
def test_catalog(invoke: Invoke, kind: str) -> None:
    text, data = invoke("catalog", kind), invoke("catalog", kind, "--format", "json")
    assert (text.exit_code, data.exit_code) == (0, 0)
    rows = json.loads(data.stdout)
    assert len(text.stdout.splitlines()) == len(rows) + 2
    assert text.stdout.splitlines()[0].split() == " ".join(rows[0]).split()
    assert data.stdout == invoke("catalog", kind, "--format", "json").stdout
    first = str(next(iter(rows[-1].values())))
    entry = invoke("catalog", kind, first)
    assert entry.exit_code == 0
    assert yaml.safe_load(entry.stdout) == json.loads(invoke("catalog", kind, first, "--format", "json").stdout)


@pytest.mark.parametrize(
    ("kind", "typed", "meant"),
    [
        ("gpus", "L40-S-48GB", "L40S-48GB"),
        ("models", "Qwen/Qwen2.5-7B-Instrct", "Qwen/Qwen2.5-7B-Instruct"),
        ("vllm", "0.3", "0.30"),
    ],
)
def test_an_unknown_entry(invoke: Invoke, kind: str, typed: str, meant: str) -> None:
    result = invoke("catalog", kind, typed)
    assert (result.exit_code, result.stdout) == (2, "")
    assert meant in result.stderr


def test_a_gpu_by_alias(invoke: Invoke) -> None:
    assert yaml.safe_load(invoke("catalog", "gpus", "h100").stdout)["name"] == "H100-SXM-80GB"


def test_table() -> None:
    rows = [{"name": "a", "count": 5, "rate": 0.25}, {"name": "longer", "count": 1000, "rate": None}]
    assert table(rows) == "name    count  rate\n------  -----  ----\na           5  0.25\nlonger   1000     -"
    assert table([]) == "nothing"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(invoke: Invoke, shell: str) -> None:
    result = invoke("completion", shell)
    assert result.exit_code == 0
    assert "_LLMGEN_COMPLETE" in result.stdout
    assert "llmgen" in result.stdout


def test_completion_completes() -> None:
    """What the shell asks for when somebody types `llmgen val<tab>` and `llmgen render --man<tab>`."""
    for words, wanted in (("llmgen val", "plain,validate"), ("llmgen render --man", "plain,--manifests")):
        done = subprocess.run(
            [sys.executable, "-c", "from llmgen.cli import main; main(prog_name='llmgen')"], capture_output=True, text=True, check=False, timeout=60,
            env={"_LLMGEN_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(len(words.split()) - 1)},
        )  # fmt: skip
        assert wanted in done.stdout.splitlines()


def test_an_unknown_shell(invoke: Invoke) -> None:
    assert invoke("completion", "tcsh").exit_code == 2
