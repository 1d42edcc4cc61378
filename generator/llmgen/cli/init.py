"""``llmgen init``."""

from __future__ import annotations

import sys
from pathlib import Path

import click


@click.command("init")
@click.argument("folder", metavar="[DIR]", default=".", type=click.Path(file_okay=False))
@click.option("--name", default="assistant", show_default=True, help="Name of the release.")
@click.option("--force", is_flag=True, help="Replace an existing spec.yaml.")
def command(folder: str, name: str, force: bool) -> None:  # noqa: FBT001 -- a click option
    """Write a commented starter spec: gateway, primary instruct model, smaller fallback, GPU pool, canary ready.

    \b
    Then:
      llmgen validate DIR/spec.yaml
      llmgen size DIR/spec.yaml
      llmgen render DIR/spec.yaml -o DIR/values.yaml
    """
    from llmgen import starter  # noqa: PLC0415 -- loads jinja2
    from llmgen.files import write_atomically  # noqa: PLC0415

    if not starter.NAME.fullmatch(name):
        raise click.BadParameter("lower-case letters, digits and dashes, starting with a letter", param_hint="--name")
    target = Path(folder) / "spec.yaml"
    if target.exists() and not force:
        click.echo(f"{target} exists; --force replaces it", err=True)
        sys.exit(1)
    target.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(str(target), starter.spec(name))
    click.echo(f"wrote {target}\nnext: llmgen validate {target}")
