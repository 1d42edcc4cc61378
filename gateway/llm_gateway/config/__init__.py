"""Read the configuration: one file in, one immutable snapshot out, or every mistake at once."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from llm_gateway.config.build import build
from llm_gateway.config.checks import check
from llm_gateway.config.reading import Reading
from llm_gateway.config.snapshot import (
    Admission,
    Jwt,
    LimitStore,
    Model,
    Provider,
    Revision,
    Routing,
    Rule,
    Server,
    Snapshot,
    Tokenizer,
    Tracks,
    Upstream,
)
from llmgen.contract import check as check_shape
from llmgen.contract import load_schema
from llmgen.problems import Problem, errors, in_file_order
from llmgen.problems.report import report
from llmgen.source import read_text
from llmgen.spec.defaults import fill

__all__ = [
    "Admission",
    "ConfigProblems",
    "Jwt",
    "LimitStore",
    "Model",
    "Provider",
    "Revision",
    "Routing",
    "Rule",
    "Server",
    "Snapshot",
    "Tokenizer",
    "Tracks",
    "Upstream",
    "laptop",
    "load",
    "loads",
]


class ConfigProblems(Exception):  # noqa: N818 -- the input is wrong, not the program
    """The configuration is wrong. problems: all of them, in file order."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = in_file_order(problems)
        super().__init__(f"{len(self.problems)} problems in the configuration")

    @property
    def report(self) -> str:
        """The problems as a compiler prints them."""
        return report(self.problems)


def load(path: str | os.PathLike[str]) -> Snapshot:
    """Read the file and the secrets it names. Raises OSError where it cannot be read, ConfigProblems where it is wrong."""
    file = Path(path)
    return _snapshot(file.read_text(encoding="utf-8", errors="replace"), os.fspath(path), file)


def loads(text: str, file: str = "-") -> Snapshot:
    """Read ``text`` as if it stood in ``file``. Raises ConfigProblems."""
    return _snapshot(text, file, None)


def laptop(upstream_url: str, *, model: str = "default", max_tokens: int = 131072) -> Snapshot:
    """Return what one process needs before any OpenAI-compatible URL: one model, no keys, limits in memory.

    Raises ConfigProblems for something that is no URL.
    """
    import json  # noqa: PLC0415 -- only here; JSON is YAML

    half = max_tokens // 2
    settings = {
        "server": {"host": "127.0.0.1"},
        "models": {
            model: {
                "limits": {
                    "maxPromptTokens": half,
                    "maxCompletionTokens": max_tokens - half,
                    "requestTimeoutSeconds": 600,
                },
                "upstream": {"urls": [upstream_url]},
            }
        },
        "tenants": {"local": {}},
        "anonymous": "local",
    }
    return loads(json.dumps(settings), "--upstream")


def _snapshot(text: str, name: str, file: Path | None) -> Snapshot:
    found = read_text(text, name)
    problems = list(found.problems)
    schema = load_schema("gateway-config")
    if found.document is not None:
        problems += check_shape(found.document, schema)
    if found.document is None or errors(problems):
        raise ConfigProblems(problems)
    reading = Reading(found.document, fill(found.document.data, schema, schema))
    check(reading)
    if reading.problems:
        raise ConfigProblems([*problems, *reading.problems])
    return build(reading, file=file, text=text)
