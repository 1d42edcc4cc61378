"""``llmgen schema``."""

from __future__ import annotations

import click

NAMES = ("serving-spec", "values", "catalog")


@click.command("schema")
@click.argument("name", type=click.Choice(NAMES), default="serving-spec", required=False)
def command(name: str) -> None:
    """Print a contract as one self-contained JSON Schema.

    \b
    For an editor, put this line on top of a spec:
      # yaml-language-server: $schema=path/to/serving-spec.schema.json
    """
    from llmgen.bundle import bundle_text  # noqa: PLC0415 -- parses YAML

    click.echo(bundle_text(name), nl=False)
