"""The page of the command line, from each command's own help."""

from __future__ import annotations

from collections.abc import Iterator

import click

from llmgen.cli import COMMANDS, main
from llmgen.docs import markdown

_WIDTH = 100
_ABOUT = (
    (
        "Every command prints its result to standard output, and problems and remarks to standard error. "
        "Exit codes: 0 fine, 1 the input is wrong or an output has drifted, 2 wrong usage."
    ),
    (
        "Colours appear on a terminal only and never when `NO_COLOR` is set. "
        "`LLMGEN_HELM` names the helm to run, else it is the one on `PATH`."
    ),
)


def page() -> str:
    """Return docs/reference/cli.md."""
    text = markdown.header("the help of each command", "The command line", *_ABOUT)
    text += "\n" + "\n".join(f"- [`llmgen {name}`](#llmgen-{name}): {about}" for name, about in COMMANDS.items()) + "\n"
    top = _context("llmgen", main, None)
    text += _section("llmgen", top)
    for name in COMMANDS:
        command = main.get_command(top, name)
        if command is None:  # pragma: no cover -- COMMANDS is the group's own list
            raise LookupError(name)
        text += "".join(_sections(_context(name, command, top)))
    return text


def _sections(context: click.Context) -> Iterator[str]:
    """Yield the section of a command and of the commands inside it."""
    yield _section(context.command_path, context)
    if isinstance(context.command, click.Group):
        for name, command in context.command.commands.items():
            yield from _sections(_context(name, command, context))


def _context(name: str, command: click.Command, parent: click.Context | None) -> click.Context:
    return command.make_context(name, [], parent, resilient_parsing=True, terminal_width=_WIDTH)


def _section(title: str, context: click.Context) -> str:
    return f"\n## {title}\n\n```text\n{context.get_help().rstrip()}\n```\n"
