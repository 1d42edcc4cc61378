"""``llmgen key``."""

from __future__ import annotations

import click

from llmgen.cli import output


@click.group("key")
def command() -> None:
    """Make API keys. Only their SHA-256 is ever written down."""


@command.command("new")
@output.format_option
def new(style: str) -> None:
    """Make an API key: the key for its owner, and its SHA-256 for the spec.

    The key is printed once and kept nowhere. Give it to its owner; put the SHA-256 under `tenants.<name>.keys.<key>.sha256`, or
    into a Secret that `secret` refers to. To rotate a key, add the new one beside it, and remove the old one when it is no longer used.

    \b
    Example:
      llmgen key new
    """
    from llmgen.keys import make, mark  # noqa: PLC0415 -- only here

    key = make()
    if style == "json":
        output.print_json({"key": key, "sha256": mark(key)})
        return
    click.echo(f"key:    {key}")
    click.echo(f"sha256: {mark(key)}")
