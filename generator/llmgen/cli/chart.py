"""``llmgen chart``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

_SHOWN = 5
"""Files named in one message."""


@click.command("chart")
@click.argument("folder", metavar="[DIR]", required=False, type=click.Path(file_okay=False))
def command(folder: str | None) -> None:
    """Print the folder of the chart that comes with llmgen, or copy it to DIR.

    A folder that is there already and is not the same chart is never touched: exit code 1.

    \b
    Examples:
      helm upgrade --install assistant "$(llmgen chart)" -f values.yaml
      llmgen chart charts/llm-serving
    """
    from llmgen import chart  # noqa: PLC0415 -- loads PyYAML

    if folder is None:
        click.echo(chart.folder())
        return
    target = Path(folder)
    try:
        different = chart.copy(target)
    except OSError as error:
        raise click.ClickException(f"{target}: {error.strerror or error}") from error
    if different:
        more = f" and {len(different) - _SHOWN} more" if len(different) > _SHOWN else ""
        click.echo(
            f"{target} is there and differs in {', '.join(different[:_SHOWN])}{more}: remove it, or name another",
            err=True,
        )
        sys.exit(1)
    click.echo(f"{target} is the chart of this llmgen")
