"""``llmgen check``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from llmgen.cli import output

if TYPE_CHECKING:
    from llmgen.problems import Problem
    from llmgen.source import Document


@click.command("check")
@click.argument("values", nargs=-1, required=True, metavar="VALUES...", type=click.Path())
@click.option(
    "--previous", metavar="FILE", multiple=True, type=click.Path(),
    help="Values of the release before, layered likewise when given again: refuse to remove a revision that they send requests.",
)  # fmt: skip
@output.report_option
def command(values: tuple[str, ...], previous: tuple[str, ...], style: str) -> None:
    """Check values files for what the chart's schema cannot say; later files are layered over earlier ones, as with `helm -f`.

    \b
    Example, also against what runs (helm get values RELEASE > running.yaml):
      llmgen check values/prod/values.yaml values/prod/overrides.yaml --previous running.yaml
    """
    from llmgen import invariants, removals  # noqa: PLC0415 -- `--help` needs none of it
    from llmgen.problems import in_file_order  # noqa: PLC0415

    document, problems = _layered(values)
    before, unread = _layered(previous)
    problems += unread
    if document is not None:
        problems += [*invariants.check(document), *removals.check(None if before is None else before.data, document)]
    problems = in_file_order(problems)
    errors = sum(problem.severity == "error" for problem in problems)
    output.show(problems, style)
    if style == "text" and not errors:
        warnings = f"{len(problems)} warning{'s' if len(problems) != 1 else ''}"
        click.echo(f"{' + '.join(values)}: nothing to complain about" if not problems else warnings)
    sys.exit(1 if errors else 0)


def _layered(files: tuple[str, ...]) -> tuple[Document | None, list[Problem]]:
    """Read files and layer later ones over earlier ones."""
    from llmgen import source  # noqa: PLC0415 -- `--help` needs none of it
    from llmgen.merge import merge_documents  # noqa: PLC0415

    problems: list[Problem] = []
    document: Document | None = None
    for file in files:
        reading = source.read(file)
        problems.extend(reading.problems)
        if reading.document is not None:
            _refuse_spec(file, reading.document)
            document = (
                reading.document
                if document is None
                else merge_documents(document, (), patch=reading.document, keep_nulls=True)
            )
    return document, problems


def _refuse_spec(file: str, document: Document) -> None:
    if isinstance(document.data, dict) and document.data.get("kind") == "ServingSpec":
        raise click.UsageError(f"{file} is a serving spec, not values: llmgen validate {file}")
