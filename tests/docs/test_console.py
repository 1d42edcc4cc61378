"""Tutorials and guides are executed: every `console` block runs, in the order of the page, and prints what the page shows.

The tags after `console` say what a block needs, see `shell.NOT_RUN`. Commands for a cluster are not run, but their charts render, and the
objects they name are among what was rendered.
"""

from __future__ import annotations

import itertools
import re
import shlex
from pathlib import Path

import pytest
import yaml
from tests.docs import shell
from tests.docs.markdown import Block, Page, pages
from tests.docs.shell import Command, Shell

GUIDES = [page for page in pages() if page.name.startswith(("README.md", "docs/tutorials/", "docs/how-to/"))]
TAGS = shell.NOT_RUN.keys() | {shell.FAILS}
KINDS = "deployment|service|configmap|secret|poddisruptionbudget|networkpolicy|scaledobject|pod|job"
NAMED = re.compile(rf"(?:{KINDS})/[a-z0-9-]+")
LOCAL_PORT = re.compile(r"(?:127\.0\.0\.1:|localhost:|[pP]ort[: =]+)(\d+)")
OPTIONS_OF_TEMPLATE = {"-f", "--values", "--set", "--set-string", "-n", "--namespace"}


@pytest.mark.parametrize("page", GUIDES, ids=lambda page: page.path.stem)
def test_commands_do_what_the_page_shows(page: Page, tmp_path: Path):
    objects: set[str] = set()
    with Shell(shell.checkout(tmp_path)) as reader:
        for block in page.blocks:
            if block.language != "console":
                continue
            assert set(block.tags) <= TAGS, f"{block.where}: unknown tag in {block.tags}; known are {sorted(TAGS)}"
            if "cluster" in block.tags:
                for command in shell.commands(block):
                    _for_a_cluster(reader, command, block, objects)
            elif not set(block.tags) & shell.NOT_RUN.keys():
                _run(reader, block)


@pytest.mark.parametrize("page", GUIDES, ids=lambda page: page.path.stem)
def test_blocks_of_commands_are_marked_as_console(page: Page):
    """So that none escapes: commands stand in `console`, anything else is no command."""
    wrong = [block.where for block in page.blocks if block.language in {"sh", "bash", "shell"}]
    prompts = [block.where for block in page.blocks if block.language != "console" and block.text.startswith("$ ")]
    assert not wrong + prompts


def test_output_is_compared():
    """The comparison can fail: it is what the other tests rest on."""
    assert shell.matches(("one", "…", "three 3"), "one\ntwo\ntwo\nthree 3\n")
    assert shell.matches(("one … 3",), "one 2 3  \n")
    assert not shell.matches(("one", "three"), "one\ntwo\nthree\n")
    assert not shell.matches(("one …",), "two 2\n")


def test_no_command_needs_a_certain_port_of_this_machine(tmp_path: Path):
    """What is listening here already is nobody's business: the shell moves the ports, and shows those of the page."""
    shown = " ".join(shell.PORTS)
    with Shell(tmp_path) as reader:
        assert reader.run(f"ports='{shown}'; echo $ports x{shell.PORTS[0]}") == (0, f"{shown} x{shell.PORTS[0]}\n")
        code, numbers = reader.run("for port in $ports; do echo $((port + 0)) $((port + 1)); done")
    moved = [int(after) - 1 for after in numbers.split()[1::2]]
    assert code == 0
    assert not {str(port) for port in moved} & set(shell.PORTS)
    assert len(set(moved)) == len(shell.PORTS)


@pytest.mark.parametrize("page", GUIDES, ids=lambda page: page.path.stem)
def test_ports_that_commands_open_are_known(page: Page):
    """A port that a page fixes is one that the shell can move."""
    run = [block for block in page.blocks if block.language == "console" and not set(block.tags) & shell.NOT_RUN.keys()]
    fixed = {port for block in run for port in LOCAL_PORT.findall(block.text)}
    assert fixed <= set(shell.PORTS)


def _run(reader: Shell, block: Block) -> None:
    known = shell.commands(block)
    for command in known:
        code, printed = reader.run(command.text)
        where = f"{block.page.name}:{command.line}: {command.text}"
        wanted_to_fail = shell.FAILS in block.tags and command is known[-1]
        assert bool(code) == wanted_to_fail, f"{where}\nended with {code}\n{printed}"
        if command.shown:
            assert shell.matches(command.shown, printed), (
                f"{where}\nprints\n{printed}\nand the page shows\n" + "\n".join(command.shown)
            )


def _for_a_cluster(reader: Shell, command: Command, block: Block, objects: set[str]) -> None:
    """Render what Helm would install, and look up what kubectl names. Once a release was rendered, its objects are known."""
    where = f"{block.page.name}:{command.line}: {command.text}"
    words = shlex.split(command.text.replace("\\\n", " "), comments=True)
    for file in (after for before, after in itertools.pairwise(words) if before == "-f" and after != "-"):
        assert (reader.folder / file).exists(), f"{where}: there is no {file}"
    if words[0] == "helm" and {"install", "upgrade"} & set(words):
        objects |= _rendered(reader, words, where)
    if words[0] == "kubectl" and objects:
        missing = set(NAMED.findall(command.text)) - objects
        assert not missing, f"{where}: the release has no {sorted(missing)}, it has {sorted(objects)}"


def _rendered(reader: Shell, words: list[str], where: str) -> set[str]:
    kept, plain = [], []
    rest = iter(words[1:])
    for word in rest:
        if word in OPTIONS_OF_TEMPLATE:
            kept += [word, next(rest)]
        elif word in {"--timeout", "--version"}:
            next(rest)
        elif not word.startswith("-") and word not in {"install", "upgrade"}:
            plain.append(word)
    code, printed = reader.run(shlex.join(["helm", "template", *plain, *kept, "--kube-version", "1.34"]))
    assert code == 0, f"{where}\n{printed}"
    found = {f"{made['kind'].lower()}/{made['metadata']['name']}" for made in yaml.safe_load_all(printed) if made}
    assert found, f"{where}\n{printed}"
    return found
