"""``llm-gateway --config FILE``, ``llm-gateway --upstream URL`` and ``llm-gateway check FILE``."""

from __future__ import annotations

import gc
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from llm_gateway.config import Snapshot

WRONG = 1  # exit code: the input is wrong; 2 is click's for wrong usage
QUIET_GENERATIONS = (
    50_000,
    20,
    50,
)  # requests leave few cycles behind; the defaults would look for them hundreds of times a second


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--config",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Configuration to serve; followed for changes.",
)
@click.option(
    "--upstream", help="Serve this OpenAI-compatible URL with embedded defaults, without keys, on 127.0.0.1:8080."
)
@click.option("--model", help="With --upstream: the model's name there.  [default: the first that it lists]")
@click.version_option(package_name="llmgen", prog_name="llm-gateway")
@click.pass_context
def main(context: click.Context, file: Path | None, upstream: str | None, model: str | None) -> None:
    """Policy before the GPU: keys, limits, validation, routing and a bounded queue in front of OpenAI-compatible engines."""
    if context.invoked_subcommand is not None:
        return
    if (file is None) == (upstream is None):
        raise click.UsageError("give one of --config FILE and --upstream URL")
    if model is not None and upstream is None:
        raise click.UsageError("--model goes with --upstream")
    snapshot = _loaded(file) if file is not None else _laptop(str(upstream), model)
    _serve(snapshot, file)


@main.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def check(file: Path) -> None:
    """Read and validate FILE and all that it names; exit 1 with the reasons where it is wrong."""
    snapshot = _loaded(file)
    for warning in snapshot.warnings:
        click.echo(f"warning: {warning}", err=True)
    click.echo(
        f"{file}: fine: {len(snapshot.models)} models, {len(snapshot.tenants)} tenants, {len(snapshot.keys)} keys"
    )


def _loaded(file: Path) -> Snapshot:
    from llm_gateway import config  # noqa: PLC0415 -- `--help` needs none of it

    try:
        return config.load(file)
    except config.ConfigProblems as error:
        click.echo(error.report, err=True)
    except OSError as error:
        click.echo(f"{file}: {error.strerror}", err=True)
    sys.exit(WRONG)


def _laptop(upstream: str, model: str | None) -> Snapshot:
    """Ask the URL for its model, where none is named."""
    from llm_gateway import config  # noqa: PLC0415 -- as above

    url = upstream.rstrip("/").removesuffix("/v1")
    try:
        found = config.laptop(url, model=model or _first_model(url))
    except config.ConfigProblems as error:
        click.echo(error.report, err=True)
        sys.exit(WRONG)
    where = f"http://{found.server.host}:{found.server.port}/v1"
    click.echo(
        f"{where} -> {url} (model {next(iter(found.models))}; no keys; metrics on port {found.server.admin_port})",
        err=True,
    )
    return found


def _first_model(url: str) -> str:
    import json  # noqa: PLC0415 -- as above
    import urllib.error  # noqa: PLC0415
    import urllib.request  # noqa: PLC0415

    if not url.startswith(("http://", "https://")):
        raise click.UsageError(f"--upstream {url}: expected an http or https URL")
    try:
        with urllib.request.urlopen(f"{url}/v1/models", timeout=5) as reply:  # noqa: S310 -- checked above
            return str(json.load(reply)["data"][0]["id"])
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise click.ClickException(f"{url}/v1/models does not tell a model ({error}); name it with --model") from error


def _serve(snapshot: Snapshot, file: Path | None) -> None:
    import asyncio  # noqa: PLC0415 -- as above

    from llm_gateway.server.run import run  # noqa: PLC0415
    from llm_gateway.tokens import TokenizerError  # noqa: PLC0415

    try:
        import uvloop  # noqa: PLC0415 -- not on Windows
    except ImportError:
        factory = None
    else:
        factory = uvloop.new_event_loop
    gc.collect()
    gc.freeze()
    gc.set_threshold(*QUIET_GENERATIONS)
    with asyncio.Runner(loop_factory=factory) as runner:
        try:
            runner.run(run(snapshot, config=file))
        except (OSError, TokenizerError) as error:
            raise click.ClickException(getattr(error, "strerror", None) or str(error)) from error
