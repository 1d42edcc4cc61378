"""What holds for every command: help, wrong usage, start-up."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib.metadata import version

import click
import pytest
from tests.unit.cli.conftest import Invoke

from llmgen.cli import COMMANDS, main

HEAVY = (
    "yaml",
    "jsonschema",
    "jinja2",
    "kubernetes",
    "llmgen.contract",
    "llmgen.source",
    "llmgen.spec",
    "llmgen.sizing",
    "llmgen.catalog",
)


def test_help_lists_every_command_and_the_exit_codes(invoke: Invoke) -> None:
    result = invoke("--help")
    assert result.exit_code == 0
    assert all(re.search(rf"^  {name}  ", result.stdout, re.MULTILINE) for name in COMMANDS)
    assert "Exit codes: 0 fine, 1 the input is wrong or drifted, 2 wrong usage" in " ".join(result.stdout.split())


def _commands() -> list[tuple[str, ...]]:
    """Every command, those inside a group too."""
    found: list[tuple[str, ...]] = []
    for name in COMMANDS:
        command = main.get_command(click.Context(main), name)
        inside = list(command.commands) if isinstance(command, click.Group) else []
        found += [(name, inner) for inner in inside] or [(name,)]
    return found


@pytest.mark.parametrize("words", _commands(), ids=" ".join)
def test_every_command_teaches(invoke: Invoke, words: tuple[str, ...]) -> None:
    """Help opens with what the command does, and has a line that can be copied."""
    result = invoke(*words, "-h")
    assert result.exit_code == 0
    example = rf"^    .*llmgen {' '.join(words)}\b|^    (# yaml-language-server|llmgen (validate|size|render) DIR)"
    assert re.search(example, result.stdout, re.MULTILINE)
    assert result.stdout == invoke(*words, "--help").stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_an_unknown_option_is_wrong_usage(invoke: Invoke, name: str) -> None:
    result = invoke(name, "--surely-not")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "No such option" in result.stderr


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("rendr", "render"), ("vaildate", "validate"), ("explian", "explain"), ("catalogue", "catalog")],
)
def test_a_misspelt_command(invoke: Invoke, typed: str, meant: str) -> None:
    result = invoke(typed)
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"No such command '{typed}'. Did you mean '{meant}'?" in result.stderr


def test_an_unknown_command_without_a_guess(invoke: Invoke) -> None:
    result = invoke("xyzzy")
    assert result.exit_code == 2
    assert "No such command 'xyzzy'." in result.stderr
    assert "mean" not in result.stderr


def test_version(invoke: Invoke) -> None:
    assert invoke("--version").stdout == f"llmgen, version {version('llmgen')}\n"


def test_help_and_completion_import_nothing_heavy() -> None:
    code = (
        "import sys, json\nfrom llmgen.cli import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        "print(json.dumps(sorted(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    loaded = set(json.loads(done.stdout.splitlines()[-1]))
    assert not loaded & set(HEAVY)


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_a_command_parses_no_yaml(name: str) -> None:
    code = (
        f"import sys\nfrom llmgen.cli import main\ntry:\n    main(['{name}', '--help'])\nexcept SystemExit:\n    pass\n"
        "assert 'yaml' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, timeout=60)
