"""What every command shares: options, colours, reports."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import IO, TYPE_CHECKING, Any, NoReturn, TypeVar, cast

import click

if TYPE_CHECKING:
    from llmgen.pipeline import Outcome
    from llmgen.problems import Problem
    from llmgen.problems.report import Format

F = TypeVar("F", bound=Callable[..., Any])

spec_argument = click.argument("spec", metavar="SPEC", type=click.Path())
env_option = click.option("--env", "-e", metavar="NAME", help="Environment of the spec; needed when it has any.")
format_option = click.option(
    "--format", "style", type=click.Choice(["text", "json"]), default="text", show_default=True, help="How to print."
)
report_option = click.option(
    "--format", "style", type=click.Choice(["text", "json", "github", "sarif"]), default="text", show_default=True,
    help="How to print; github and sarif annotate a pull request.",
)  # fmt: skip


def colour(stream: IO[str]) -> bool:
    """Say whether ``stream`` shows colours: a terminal, and NO_COLOR (no-color.org) unset."""
    return stream.isatty() and not os.environ.get("NO_COLOR")


def show(problems: Iterable[Problem], style: str = "text", *, to: IO[str] | None = None) -> None:
    """Print problems; text goes to standard error, the machine formats to standard output."""
    from llmgen.problems import report  # noqa: PLC0415 -- only where there is something to say

    stream = to or (sys.stderr if style == "text" else sys.stdout)
    text = report(list(problems), cast("Format", style), colour=style == "text" and colour(stream))
    if text:
        click.echo(text, file=stream, nl=not text.endswith("\n"), color=True if colour(stream) else None)


def fail(problems: Sequence[Problem], style: str = "text") -> NoReturn:
    """Print problems and leave with exit code 1."""
    show(problems, style)
    if style == "text":
        count = sum(problem.severity == "error" for problem in problems)
        click.echo(f"{count} error{'s' if count != 1 else ''}, nothing written", err=True)
    sys.exit(1)


def environment(spec: str, env: str | None, *, all_without: bool = False) -> str | None:
    """Return the environment to use; a wrong or missing name is wrong usage (exit code 2).

    ``all_without``: no name means every environment, so none is asked for.
    """
    from llmgen.load import environments  # noqa: PLC0415 -- parses the file

    names = environments(spec)
    if env is None:
        if names and not all_without:
            raise click.UsageError(f"{spec} has environments; choose one with --env: {', '.join(names)}")
        return None
    if env not in names:
        from llmgen.problems import guess_hint  # noqa: PLC0415 -- only after an error

        if not names and os.path.exists(spec):  # noqa: PTH110 -- a plain question
            raise click.UsageError(f"{spec} stands alone, it has no environments; leave --env out")
        hint = guess_hint(env, names)
        if names:
            raise click.UsageError(
                f"{spec} has no environment {env!r}; it has {', '.join(names)}" + (f"; {hint}" if hint else "")
            )
        return None
    return env


def run(
    spec: str, env: str | None, style: str = "text", *, beside: Any = None, layered: bool = True,  # noqa: ANN401 -- a folder or None
) -> Outcome:  # fmt: skip
    """Run the pipeline; errors are printed and end the command, warnings are printed (text) and it goes on."""
    from llmgen import pipeline  # noqa: PLC0415 -- `--help` needs none of it

    outcome = pipeline.run(spec, environment(spec, env), beside=beside, layered=layered)
    if outcome.failed:
        fail(outcome.problems, style)
    if outcome.problems:
        show(outcome.problems, to=sys.stderr)
    return outcome


def print_json(data: object) -> None:
    """Print ``data`` as JSON with stable key order as given."""
    click.echo(json.dumps(data, indent=2, ensure_ascii=False))
