"""The pages of the gateway: its configuration file and its metrics."""

from __future__ import annotations

from llmgen.docs import contracts, markdown


def config_page() -> str:
    """Return docs/reference/gateway-config.md."""
    return contracts.schema_page(
        "gateway-config",
        "schemas/gateway-config.schema.yaml",
        "The gateway's configuration",
        "The one file that `llm-gateway --config FILE` reads, and reads again when it changes: a new file is checked first, and only a "
        "right one replaces the old. `llm-gateway check FILE` checks it without starting anything.",
    )


def metrics_page() -> str:
    """Return docs/reference/gateway-metrics.md."""
    from llm_gateway.metrics import describe  # noqa: PLC0415 -- needs the gateway's own packages

    text = markdown.header(
        "gateway/llm_gateway/metrics.py",
        "The gateway's metrics",
        "Every Prometheus family that the gateway exports on its second port, at `/metrics`. "
        "The label `tenant` has a bounded set of values.",
    )
    rows = [
        {
            "Metric": markdown.code(family.name),
            "Type": family.kind,
            "Labels": ", ".join(map(markdown.code, family.labels)) or "-",
            "What it is": family.help,
        }
        for family in describe()
    ]
    return text + "\n" + markdown.table(rows)
