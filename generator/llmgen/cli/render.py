"""``llmgen render``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from llmgen.cli import output

if TYPE_CHECKING:
    from llmgen.pipeline import Outcome


@click.command("render")
@output.spec_argument
@output.env_option
@click.option(
    "-o",
    "--output",
    "target",
    metavar="FILE",
    default="-",
    show_default=True,
    help="Values file to write; - prints it.",
)
@click.option(
    "--manifests", metavar="DIR", type=click.Path(file_okay=False), help="Also run `helm template` into this folder."
)
@click.option("--check", is_flag=True, help="Write nothing; fail with a diff if FILE is not what would be written.")
@output.report_option
def command(spec: str, env: str | None, target: str, manifests: str | None, check: bool, style: str) -> None:  # noqa: FBT001
    """Turn a spec into the values of the chart, every generated number followed by its reason.

    overrides.yaml and rollout.yaml beside FILE are layered over the values, in this order: they are checked and count in the GPU
    budget, and are never written. If anything is wrong, nothing is written and an existing FILE is left as it is.

    \b
    In a pipeline, fail when somebody forgot to render:
      llmgen render values/prod/spec.yaml -o values/prod/values.yaml --check
    """
    from llmgen import rendering  # noqa: PLC0415 -- `--help` needs none of it

    if check and target == "-":
        raise click.UsageError("--check needs -o FILE, the file to compare with")
    beside = Path(target).parent if target != "-" else None
    outcome = output.run(spec, env, style, beside=beside)
    text = rendering.values_text(outcome, spec)
    if check:
        _compare(text, target, spec, env)
    else:
        _write(text, target)
    if manifests is not None and not check:
        _manifests(outcome, text, Path(manifests), beside or Path(spec).parent)


def _compare(text: str, target: str, spec: str, env: str | None) -> None:
    import difflib  # noqa: PLC0415 -- only on drift

    try:
        current = Path(target).read_text(encoding="utf-8")
    except OSError as error:
        click.echo(f"{target}: {error.strerror}: it was never rendered", err=True)
        sys.exit(1)
    if current == text:
        click.echo(f"{target} is what {spec} renders to")
        return
    lines = difflib.unified_diff(
        current.splitlines(), text.splitlines(), f"{target} (now)", f"{target} (from {spec})", lineterm=""
    )
    click.echo("\n".join(lines))
    again = f"llmgen render {spec}{f' --env {env}' if env else ''} -o {target}"
    click.echo(f"{target} has drifted from {spec}; render it again: {again}", err=True)
    sys.exit(1)


def _write(text: str, target: str) -> None:
    from llmgen.files import write_atomically  # noqa: PLC0415 -- only when writing

    try:
        if target != "-":
            Path(target).parent.mkdir(parents=True, exist_ok=True)
        write_atomically(target, text)
    except OSError as error:
        raise click.ClickException(f"{target}: {error.strerror}") from error
    if target != "-":
        click.echo(f"wrote {target}", err=True)


def _manifests(outcome: Outcome, text: str, folder: Path, beside: Path) -> None:
    from llmgen import helm, rendering  # noqa: PLC0415 -- only with --manifests
    from llmgen.files import write_atomically  # noqa: PLC0415

    try:
        manifests = rendering.manifests(outcome, text, beside)
    except helm.HelmError as error:
        raise click.ClickException(str(error)) from error
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "manifests.yaml"
    write_atomically(str(path), manifests)
    click.echo(f"wrote {path} ({manifests.count(chr(10) + 'kind: ')} objects)", err=True)
