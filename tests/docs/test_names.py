"""What pages name exists: commands and their options, make targets, problem ids, metrics, and keys of the contracts."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Any
from xml.etree import ElementTree as ET

import click
import pytest
from tests.docs.markdown import GENERATED, ROOT, Page, Said, page, pages

from llm_gateway import cli as gateway_cli
from llmgen import cli
from llmgen.contract.schemas import load_schema
from llmgen.problems import ids

OURS = [page for page in pages() if not page.name.startswith(GENERATED) and page.name != "CHANGELOG.md"]
PROGRAMS: dict[str, click.Command] = {"llmgen": cli.main, "llm-gateway": gateway_cli.main}
# The contracts, and the places in them whose keys prose names without the way there.
SHORT: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("serving-spec", ()),
    ("serving-spec", ("models", "*")),
    ("serving-spec", ("cluster", "pools", "*")),
    ("values", ()),
    ("values", ("models", "*")),
    ("values", ("engineDefaults",)),
    ("gateway-config", ()),
    ("gateway-config", ("models", "*")),
)
ENDS = re.compile(r"^(?:\||\|\||&&|&|;|>|>>|<|2>.*|\)|#)$")
KEY = re.compile(r"[a-z][A-Za-z]*(?:\.(?:[a-zA-Z][A-Za-z0-9-]*|<[a-z]+>|\*|[A-Z]+))+")


def _id(page: Page) -> str:
    return page.name


@pytest.mark.parametrize("page", OURS, ids=_id)
def test_commands_and_options_exist(page: Page):
    wrong = [
        f"{page.name}:{said.line}: {problem}"
        for said in _code(page)
        for name in PROGRAMS
        for words in _calls(said.text, name)
        if (problem := _unknown(name, words))
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("page", OURS, ids=_id)
def test_make_targets_exist(page: Page):
    targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    wrong = [
        f"{page.name}:{said.line}: make {target}"
        for said in _code(page)
        for call in re.findall(r"(?:^|\s)make((?: [a-z0-9-]+)+)", said.text)
        for target in call.split()
        if target not in targets
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("page", OURS, ids=_id)
def test_problem_ids_exist(page: Page):
    text = page.path.read_text(encoding="utf-8")
    unknown = {found for found in re.findall(r"\bLLM\d{3}\b", text) if found not in ids.kinds()}
    assert not unknown, f"{page.name}: {sorted(unknown)}"


def test_codes_of_the_gateway_are_complete():
    """The table of codes lists what the gateway's source refuses with, and nothing else."""
    source = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "gateway/llm_gateway").rglob("*.py"))
    told = set(re.findall(r'(?:code=|unauthenticated\(\s*)"([a-z_]+)"', source))
    table = [
        line
        for line in page("docs/explanation/request-path.md").path.read_text(encoding="utf-8").splitlines()
        if re.match(r"\| \d{3} \|", line)
    ]
    listed = {code for line in table for code in re.findall(r"`([a-z_]+)`", line.split("|")[2])}
    assert told <= listed, f"missing in the table: {sorted(told - listed)}"
    assert all(f'"{code}"' in source for code in listed), sorted(code for code in listed if f'"{code}"' not in source)


def test_the_picture_is_well_formed_and_names_commands_that_exist():
    picture = ET.parse(ROOT / "docs/images/architecture.svg").getroot()  # noqa: S314 -- our own
    texts = [element.text or "" for element in picture.iter() if element.tag.endswith("}text")]
    assert {"title", "desc"} <= {element.tag.rpartition("}")[2] for element in picture}
    commands = {found for text in texts for found in re.findall(r"^(\w+): ", text)} & {
        "validate",
        "size",
        "render",
        "rollout",
        "doctor",
    }
    assert commands <= set(cli.main.commands) | set(cli.main.list_commands(click.Context(cli.main)))


@pytest.mark.parametrize("page", OURS, ids=_id)
def test_keys_of_the_contracts_exist(page: Page):
    """A dotted name in code whose first word is a key of a contract, or of a model, a pool or a revision in it, is one to its end."""
    wrong = [
        f"{page.name}:{span.line}: `{span.text}`: in no contract"
        for span in page.spans
        if _no_key(span.text.split(" ")[0].rstrip(":"))
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    "name", ["gateway.limitStore.knd", "limits.maxPromptToken", "models.<name>.source.hb", "startup.budget"]
)
def test_a_key_that_does_not_exist_is_found(name: str):
    assert _no_key(name)


@pytest.mark.parametrize(
    "name",
    ["gateway.limitStore.kind", "limits.maxPromptTokens", "models.chat.source.hub", "routing.py", "spec.model.uri"],
)
def test_a_key_that_exists_is_not(name: str):
    assert not _no_key(name)


def _code(page: Page) -> Iterator[Said]:
    """Code spans, and the lines of blocks; a line that ends in a backslash goes on."""
    yield from page.spans
    for block in page.blocks:
        text = block.text.replace("\\\n", "  ")
        for number, line in enumerate(text.splitlines()):
            yield Said(line=block.line + number, text=line.strip().removeprefix("$ "))


def _calls(text: str, program: str) -> Iterator[list[str]]:
    """The words after each call of the program."""
    for found in re.finditer(rf"(?:^|[\s(|`]){re.escape(program)}(?=\s+[a-z-])", text):
        rest = re.split(r"[|;&`)<>]", text[found.end() :].replace("<(", ""))[0]
        try:
            words = shlex.split(rest, comments=True)
        except ValueError:
            words = rest.split()
        yield words


def _unknown(program: str, words: list[str]) -> str | None:
    command, path = PROGRAMS[program], program
    context = click.Context(command)
    queue = list(words)
    while (
        isinstance(command, click.Group)
        and queue
        and re.fullmatch(r"[a-z-]+", queue[0])
        and not queue[0].startswith("-")
    ):
        word = queue.pop(0)
        found = command.get_command(context, word)
        if found is None:
            return f"{path} {word}: no such command"
        command, path = found, f"{path} {word}"
        context = click.Context(command, parent=context)
    known = {name for parameter in command.get_params(context) for name in (*parameter.opts, *parameter.secondary_opts)}
    for word in queue:
        if ENDS.match(word):
            break
        if re.match(r"--?[a-z]", word) and word.split("=")[0] not in known:
            return f"{path} has no option {word.split('=')[0]}"
    return None


def _no_key(text: str) -> bool:
    if not KEY.fullmatch(text) or text.endswith((".py", ".yaml", ".md", ".json")):
        return False
    path = text.split(".")
    roots = [(tree, node) for name, parts in SHORT for tree in [load_schema(name)] for node in [_below(tree, parts)]]
    known = [(tree, node) for tree, node in roots if path[0] in node.get("properties", {})]
    return bool(known) and not any(_has(tree, node, path) for tree, node in known)


def _below(root: Mapping[str, Any], parts: tuple[str, ...]) -> Mapping[str, Any]:
    """The node at a path; `*` is any name."""
    node = _resolve(root, root)
    for part in parts:
        node = _resolve(root, node["additionalProperties"] if part == "*" else node["properties"][part])
    return node


def _has(root: Mapping[str, Any], node: Mapping[str, Any], path: list[str]) -> bool:
    if not path:
        return True
    node = _resolve(root, node)
    for choice in ("allOf", "anyOf", "oneOf"):
        if any(_has(root, part, path) for part in node.get(choice, ())):
            return True
    first, rest = path[0], path[1:]
    if first in node.get("properties", {}):
        return _has(root, node["properties"][first], rest)
    for below in ("additionalProperties", "items"):
        if isinstance(node.get(below), dict) and _has(root, node[below], rest):
            return True
    if any(_has(root, below, rest) for below in node.get("patternProperties", {}).values()):
        return True
    return node.get("additionalProperties") is True or bool(node.get("x-escape-hatch"))


def _resolve(root: Mapping[str, Any], node: Mapping[str, Any]) -> Mapping[str, Any]:
    while isinstance(reference := node.get("$ref"), str) and reference.startswith("#/"):
        target: Any = root
        for part in reference[2:].split("/"):
            target = target[part]
        node = {**target, **{key: value for key, value in node.items() if key != "$ref"}}
    return node
