"""Start-up: a question opens only the file it needs, and the files stay small enough to be parsed at every run."""

from __future__ import annotations

import subprocess
import sys
from importlib.resources import files

import pytest

LIMIT_BYTES = {"gpus.yaml": 60_000, "models.yaml": 60_000, "vllm/0.32.yaml": 45_000}


def run(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.strip()


@pytest.mark.parametrize(
    ("question", "opened"),
    [
        ("catalog.gpu('H100')", "['gpus.yaml']"),
        ("catalog.vllm('0.32.1')", "['vllm/0.32.yaml']"),
        ("catalog.model('Qwen/Qwen3-8B')", "['models.yaml']"),
        ("catalog.minors()", "[]"),
        ("(catalog.gpu('H100'), catalog.gpus(), catalog.gpu('L4'))", "['gpus.yaml']"),
    ],
)
def test_a_question_opens_only_its_file_and_only_once(question: str, opened: str):
    code = f"""
import yaml
from llmgen import catalog
from llmgen.catalog import accelerators, checkpoints, engines, files
parsed = []
original = yaml.load
def spy(stream, Loader):
    parsed.append(stream.name.partition('catalog/')[2])
    return original(stream, Loader=Loader)
yaml.load = spy
{question}
print(parsed)
"""
    assert run(code) == opened


def test_importing_the_catalogue_imports_no_yaml():
    assert run("import sys, llmgen.catalog; print('yaml' in sys.modules)") == "False"


@pytest.mark.parametrize(("file", "limit"), LIMIT_BYTES.items())
def test_files_stay_lean(file: str, limit: int):
    assert len(files("llmgen.catalog").joinpath(file).read_bytes()) < limit
