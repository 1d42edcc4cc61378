"""``llmgen completion``."""

from __future__ import annotations

import click


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print the shell code that completes commands and options.

    \b
    For this session:
      source <(llmgen completion bash)
    """
    from click.shell_completion import get_completion_class  # noqa: PLC0415 -- only here

    from llmgen.cli import main  # noqa: PLC0415 -- this module is part of it

    found = get_completion_class(shell)
    if found is None:  # pragma: no cover -- the choice above allows only what click has
        raise click.UsageError(f"no completion for {shell}")
    click.echo(found(main, {}, "llmgen", "_LLMGEN_COMPLETE").source())
