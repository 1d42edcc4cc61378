"""`llmgen key new`: what it prints is a key that the gateway takes."""

from __future__ import annotations

import json
from hashlib import sha256

from click.testing import CliRunner

from llmgen.cli import main


def invoke(*args: str) -> str:
    result = CliRunner().invoke(main, args)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_text() -> None:
    lines = dict(line.split(": ", 1) for line in invoke("key", "new").splitlines())
    key = lines["key"].strip()
    assert key.startswith("sk-llm-")
    assert lines["sha256"].strip() == "sha256:" + sha256(key.encode()).hexdigest()
    assert key not in invoke("key", "new")


def test_json() -> None:
    made = json.loads(invoke("key", "new", "--format", "json"))
    assert made["sha256"] == "sha256:" + sha256(made["key"].encode()).hexdigest()


def test_is_listed() -> None:
    assert "key " in invoke("--help")
    assert "new" in invoke("key", "--help")
