"""``llmgen catalog``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click

from llmgen.cli import output

KINDS = ("gpus", "models", "vllm", "storage")


@click.command("catalog")
@click.argument("kind", type=click.Choice(KINDS))
@click.argument("name", required=False)
@output.format_option
def command(kind: str, name: str | None, style: str) -> None:
    """Print what is known about GPUs, models, vLLM versions and storage; with NAME, everything about one of them.

    \b
    Examples:
      llmgen catalog gpus
      llmgen catalog gpus H100
      llmgen catalog vllm 0.32
    """
    from llmgen import catalog, listings  # noqa: PLC0415 -- parses YAML

    if name is None:
        rows = listings.overview(kind)
        if style == "json":
            output.print_json(rows)
        else:
            click.echo(table(rows))
        return
    try:
        entry = listings.entry(kind, name)
    except catalog.UnknownName as error:
        raise click.UsageError(str(error)) from error
    if style == "json":
        output.print_json(entry)
    else:
        from llmgen.emit import emit  # noqa: PLC0415 -- only here

        click.echo(emit(entry), nl=False)


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Lay out rows of equal keys as a plain text table; numbers to the right."""
    if not rows:
        return "nothing"
    columns = list(rows[0])
    cells = [[_cell(row[column]) for column in columns] for row in rows]
    widths = [max(len(column), *(len(line[index]) for line in cells)) for index, column in enumerate(columns)]
    numeric = [all(not isinstance(row[column], str) for row in rows) for column in columns]

    def line(values: Sequence[str]) -> str:
        padded = [
            value.rjust(width) if right else value.ljust(width)
            for value, width, right in zip(values, widths, numeric, strict=True)
        ]
        return "  ".join(padded).rstrip()

    return "\n".join([line(columns), line(["-" * width for width in widths]), *(line(values) for values in cells)])


def _cell(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:g}" if isinstance(value, float) else str(value)
