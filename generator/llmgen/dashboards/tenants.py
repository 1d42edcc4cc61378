"""Who uses what."""

from __future__ import annotations

from llmgen.dashboards.model import Dashboard, Panel, Row, Step, line

_USAGE = Row(
    title="Usage",
    panels=(
        Panel(
            title="Usage in the chosen time", description="Requests and tokens of each tenant and model.", unit="short", kind="table", width=24,
            queries=(
                line("sum by (tenant, model) (increase(<gateway.requests>{<tenants>}[$__range]))", "Requests"),
                line("sum by (tenant, model) (increase(<gateway.promptTokens>{<tenants>}[$__range]))", "Tokens in"),
                line("sum by (tenant, model) (increase(<gateway.completionTokens>{<tenants>}[$__range]))", "Tokens out"),
            ),
        ),
        Panel(
            title="Requests by tenant", description="Requests that ended, per second.", unit="reqps", stacked=True,
            queries=(line("sum by (tenant) (rate(<gateway.requests>{<tenants>}[$__rate_interval]))", "{{tenant}}"),),
        ),
        Panel(
            title="Tokens in by tenant", description="Prompt tokens sent to engines.", unit="tokps", stacked=True,
            queries=(line("sum by (tenant) (rate(<gateway.promptTokens>{<tenants>}[$__rate_interval]))", "{{tenant}}"),),
        ),
        Panel(
            title="Tokens out by tenant", description="Completion tokens.", unit="tokps", stacked=True,
            queries=(line("sum by (tenant) (rate(<gateway.completionTokens>{<tenants>}[$__rate_interval]))", "{{tenant}}"),),
        ),
    ),
)  # fmt: skip

_LIMITS = Row(
    title="Limits",
    panels=(
        Panel(
            title="Limits used", unit="percentunit", most=1, steps=(Step(above=0.8, colour="orange"), Step(above=1, colour="red")),
            description="Used share of each limit, at the tenant's last request.",
            queries=(line('max by (tenant, limit) (<gateway.limitUsed>{<release>,tenant=~"$tenant"})', "{{tenant}} {{limit}}"),),
        ),
        Panel(
            title="Refusals by tenant", description="Requests refused before an engine saw them.", unit="reqps", stacked=True,
            queries=(line("sum by (tenant, reason) (rate(<gateway.rejections>{<tenants>}[$__rate_interval]))", "{{tenant}} {{reason}}"),),
        ),
        Panel(
            title="Failures by tenant", unit="reqps", stacked=True,
            description="Requests that failed through no fault of the tenant.",
            queries=(line(
                'sum by (tenant, outcome) (rate(<gateway.requests>{<tenants>,outcome=~"no_backend|timeout_ttft|timeout_total|upstream_error"}[$__rate_interval]))',
                "{{tenant}} {{outcome}}",
            ),),
        ),
    ),
)  # fmt: skip

TENANTS = Dashboard(
    uid="llm-serving-tenants",
    title="LLM serving / Tenants",
    description="Usage, limits and failures by tenant.",
    rows=(_USAGE, _LIMITS),
    tenants=True,
)
