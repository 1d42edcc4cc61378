"""``llmgen schema``."""

from __future__ import annotations

import click

NAMES = ("serving-spec", "values", "gateway-config", "catalog")


@click.command("schema")
@click.argument("name", type=click.Choice(NAMES), default="serving-spec", required=False)
def command(name: str) -> None:
    """Print a contract as one self-contained JSON Schema.

    \b
    For an editor, put this line on top of a spec:
      # yaml-language-server: $schema=path/to/serving-spec.schema.json
    """
    from llmgen.cli import output  # noqa: PLC0415 -- `--help` needs none of it
    from llmgen.contract import load_schema  # noqa: PLC0415

    output.print_json(load_schema(name))
