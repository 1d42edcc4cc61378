"""``llmgen explain``."""

from __future__ import annotations

import re
import sys

import click

from llmgen.cli import output


@click.command("explain")
@click.argument("spec", metavar="SPEC|ID")
@click.argument("path", metavar="[PATH]", required=False)
@output.env_option
@output.format_option
def command(spec: str, path: str | None, env: str | None, style: str) -> None:
    """Derive one generated value, from spec line and catalogue fact to number; or explain a problem id.

    PATH is a path of the generated values; a path that holds several values derives each of them.

    \b
    Examples:
      llmgen explain values/prod/spec.yaml models.chat.revisions.v1.maxConcurrentRequests
      llmgen explain LLM311
    """
    if path is None:
        _problem(spec, style)
        return
    from llmgen import explain  # noqa: PLC0415 -- `--help` needs none of it
    from llmgen.problems import dotted, guess_hint, parse_dotted  # noqa: PLC0415

    outcome = output.run(spec, env, style)
    try:
        wanted = parse_dotted(path)
    except ValueError as error:
        raise click.UsageError(f"{path!r} is not a path: {error}") from error
    found = explain.derivations(outcome, wanted)
    if not found:
        known = [dotted(leaf) for leaf in outcome.values.derived] if outcome.values else []
        ending = [name for name in known if name.endswith(f".{path}")]
        hint = f"did you mean {' or '.join(ending[:3])}?" if ending else guess_hint(path, known)
        click.echo(
            f"no generated value is called {path}"
            + (f"; {hint}" if hint else "; the chart's defaults are in its values.yaml"),
            err=True,
        )
        sys.exit(1)
    if style == "json":
        output.print_json([explain.as_json(item) for item in found])
    else:
        click.echo("\n\n".join(explain.as_text(item) for item in found))


def _problem(name: str, style: str) -> None:
    from llmgen.problems import ids  # noqa: PLC0415 -- only here

    if not re.fullmatch(r"(?i)LLM\d+|[a-z]+(-[a-z0-9]+)+", name):
        raise click.UsageError("give SPEC and PATH, or one problem id such as LLM311")
    try:
        kind = ids.kind(name)
    except KeyError as error:
        raise click.UsageError(str(error.args[0])) from error
    if style == "json":
        output.print_json(
            {"id": kind.id, "name": kind.name, "title": kind.title, "explanation": kind.explanation, "fix": kind.fix}
        )
    else:
        click.echo(f"{kind.id} {kind.name}\n{kind.title}.\n\n{kind.explanation}\n\nFix: {kind.fix}")
