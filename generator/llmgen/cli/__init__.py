"""The command line: parse, call, print, exit code. No logic lives here."""

from __future__ import annotations

from importlib import import_module

import click

from llmgen import __version__

COMMANDS = {
    "init": "Write a commented starter spec.",
    "validate": "Check a spec: every mistake at once, with file, line and column.",
    "size": "Show which GPU shapes fit a model, what they cost, and why the others do not.",
    "render": "Turn a spec into the values of the chart, and into manifests.",
    "explain": "Derive one generated value, or explain a problem id.",
    "check": "Check values files, generated or forked, for what the schema cannot say.",
    "diff": "Say what changes for users between two specs or values files.",
    "doctor": "Look whether a cluster has what a spec needs; nothing is changed.",
    "chart": "Print the folder of the chart, or copy it out.",
    "rollout": "Move a new revision to all requests step by step, or back.",
    "schema": "Print a contract as JSON Schema.",
    "catalog": "Print what is known about GPUs, models, vLLM versions and storage.",
    "key": "Make API keys for tenants of the gateway.",
    "completion": "Print the shell code that completes commands and options.",
}
"""Help in one line by command; each lives in the module of its name, imported when it is called."""


class _Commands(click.Group):
    """A group that imports a command only when it is asked for, so that `--help` is instant."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"llmgen.cli.{cmd_name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from llmgen.problems import guess_hint  # noqa: PLC0415 -- only after an error

            hint = guess_hint(args[0], COMMANDS)
            raise click.UsageError(
                f"No such command {args[0]!r}." + (f" {hint[0].upper()}{hint[1:]}" if hint else ""), ctx
            )
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog="Start with `llmgen init`, then `llmgen validate spec.yaml`. "
    "Exit codes: 0 fine, 1 the input is wrong or drifted, 2 wrong usage.",
)
@click.version_option(__version__, prog_name="llmgen")
def main() -> None:
    """From one reviewed serving spec to a production vLLM stack on Kubernetes.

    A spec says which models are served, on which GPUs, for whom, and what is promised. llmgen checks it, sizes each model to the
    cheapest GPUs that keep the promise, and renders the values of the llm-serving chart, every number with its reason.
    """
