"""``llmgen validate``."""

from __future__ import annotations

import sys

import click

from llmgen.cli import output


@click.command("validate")
@output.spec_argument
@click.option("--env", "-e", metavar="NAME", help="Check one environment; all of them otherwise.")
@click.option("--strict", is_flag=True, help="Warnings fail too.")
@output.report_option
def command(spec: str, env: str | None, strict: bool, style: str) -> None:  # noqa: FBT001 -- a click option
    """Check a spec and print every mistake at once, with file, line and column.

    Besides the contract, the rules across fields and the GPU plan are checked: whatever `render` would refuse is refused here.

    \b
    In a pipeline:
      llmgen validate values/prod/spec.yaml --format github
    """
    from llmgen import pipeline  # noqa: PLC0415 -- `--help` needs none of it

    problems = pipeline.validate(spec, output.environment(spec, env, all_without=True))
    errors = sum(problem.severity == "error" for problem in problems)
    if problems or style != "text":
        output.show(problems, style)
    if style == "text":
        warnings = len(problems) - errors
        said = _count(errors, "error") if errors else f"{spec} is valid"
        if errors or warnings:
            said += f", {_count(warnings, 'warning')}"
        click.echo(said, err=bool(errors))
    sys.exit(1 if errors or (strict and problems) else 0)


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
