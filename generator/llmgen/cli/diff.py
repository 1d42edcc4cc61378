"""``llmgen diff``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from llmgen.cli import output

if TYPE_CHECKING:
    from llmgen.comparison import Side


@click.command("diff")
@click.argument("before", metavar="A", type=click.Path())
@click.argument("after", metavar="B", type=click.Path())
@output.env_option
@output.format_option
def command(before: str, after: str, env: str | None, style: str) -> None:
    """Say what changes for users between two specs or values files: models, replicas, GPUs, price, limits, and what restarts.

    \b
    Example, against the main branch:
      llmgen diff <(git show main:values/prod/spec.yaml) values/prod/spec.yaml
    """
    from llmgen import comparison  # noqa: PLC0415 -- `--help` needs none of it

    old, new = _side(before, env, style), _side(after, env, style)
    changes = comparison.compare(old, new)
    if style == "json":
        output.print_json([comparison.as_json(change) for change in changes])
    else:
        click.echo(comparison.as_text(changes, old, new))


def _side(file: str, env: str | None, style: str) -> Side:
    from llmgen import comparison, invariants, source  # noqa: PLC0415

    reading = source.read(file)
    document = reading.document
    if document is None:
        output.fail(reading.problems, style)
    if isinstance(document.data, dict) and document.data.get("kind") == "ServingSpec":
        names = document.data.get("environments") or {}
        outcome = output.run(file, env if env in names else None, style)
        return comparison.of_outcome(outcome)
    problems = [*reading.problems, *invariants.check(document)]
    if any(problem.severity == "error" for problem in problems):
        output.fail(problems, style)
    return comparison.of_values(document.data)
