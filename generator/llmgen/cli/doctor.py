"""``llmgen doctor``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from llmgen.cli import output

if TYPE_CHECKING:
    from llmgen.doctor import Api


@click.command("doctor")
@output.spec_argument
@output.env_option
@click.option("--context", metavar="NAME", help="Context of the kubeconfig; its current one by default.")
@click.option("--kubeconfig", metavar="FILE", type=click.Path(), help="Instead of KUBECONFIG and ~/.kube/config.")
@click.option("--prometheus", metavar="URL", help="Address of Prometheus as this machine reaches it.")
@output.format_option
def command(
    spec: str, env: str | None, context: str | None, kubeconfig: str | None, prometheus: str | None, style: str
) -> None:
    """Look whether a cluster has what a spec needs: versions, GPU nodes with room, storage, secrets, Prometheus.

    Only GET requests are sent, and no value of a Secret is printed. What may not be read is unknown, not wrong: with few rights the
    rest is still looked at. Exit code 1 when anything would not work, 0 otherwise.

    \b
    Examples:
      llmgen doctor values/prod/spec.yaml
      llmgen doctor spec.yaml --env prod --context prod-eu --prometheus http://127.0.0.1:9090
    """
    from llmgen import doctor, helm, rendering  # noqa: PLC0415 -- `--help` needs none of it
    from llmgen.doctor import report  # noqa: PLC0415

    outcome = output.run(spec, env, style)
    try:
        manifests = rendering.manifests(outcome, rendering.values_text(outcome, spec), Path(spec).parent)
    except helm.HelmError as error:
        raise click.ClickException(str(error)) from error
    try:
        api = _api(kubeconfig, context)
        findings = doctor.examine(outcome, manifests, api, prometheus=prometheus)
    except doctor.UnreachableError as error:
        raise click.ClickException(str(error)) from error
    if style == "json":
        output.print_json(report.as_json(findings, spec=spec, environment=env or "", server=api.server))
    else:
        shown = output.colour(sys.stdout)
        click.echo(report.text(findings, colour=shown), color=True if shown else None)
    if doctor.worst(findings) == "fail":
        sys.exit(1)


def _api(kubeconfig: str | None, context: str | None) -> Api:
    from llmgen.doctor import KubernetesApi  # noqa: PLC0415 -- as above

    try:
        return KubernetesApi(kubeconfig, context)
    except ImportError as error:
        raise click.ClickException(
            "llmgen doctor needs the Kubernetes client: pip install 'llmgen[cluster]'"
        ) from error
