"""The reference pages, built from the schemas, the command line, the problem registry and the catalogues."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping

Page = Callable[[], str]

README_MARKERS = ("<!-- values:begin -->", "<!-- values:end -->")
"""Lines of the chart's README between which the table of values is written."""


def pages() -> Mapping[str, Page]:
    """Return the builder of each page's text, by its path in the repository."""
    from llmgen.docs import cases, catalogs, commands, contracts, gateway, observability, problems  # noqa: PLC0415 -- parses YAML

    return {
        "docs/reference/spec.md": contracts.spec_page,
        "docs/reference/values.md": contracts.values_page,
        "docs/reference/cli.md": commands.page,
        "docs/reference/problems.md": problems.page,
        "docs/reference/gpus.md": catalogs.gpus_page,
        "docs/reference/vllm.md": catalogs.vllm_page,
        "docs/reference/models.md": catalogs.models_page,
        "docs/reference/gateway-config.md": gateway.config_page,
        "docs/reference/gateway-metrics.md": gateway.metrics_page,
        "docs/reference/alerts.md": observability.alerts_page,
        "docs/reference/e2e.md": cases.page,
        **observability.dashboards(),
    }


def bundles() -> Mapping[str, Page]:
    """Return the builder of each bundled schema's JSON text, by its path in the repository."""
    from llmgen.bundle import bundle_text  # noqa: PLC0415 -- parses YAML
    from llmgen.contract.schemas import OUTPUTS  # noqa: PLC0415

    return {path: functools.partial(bundle_text, name) for name, path in OUTPUTS.items()}


def between_markers(readme: str) -> str:
    """Return ``readme`` with the table of values between its markers. Raises ValueError when it has no markers."""
    from llmgen.docs import contracts  # noqa: PLC0415 -- parses YAML

    begin, end = README_MARKERS
    head, found, rest = readme.partition(begin)
    _, closed, tail = rest.partition(end)
    if not found or not closed:
        raise ValueError(f"the README has no lines {begin} and {end}")
    return f"{head}{begin}\n{contracts.values_table()}{end}{tail}"
