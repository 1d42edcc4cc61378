"""What clients see: requests, failures, latency, tokens, and whether they wait."""

from __future__ import annotations

from llmgen.dashboards.model import Dashboard, Panel, Row, Step, line, percentiles

_PROMISES = Row(
    title="Promises",
    panels=(
        Panel(
            title="Requests now", description="Requests that ended, per second.", unit="reqps", kind="stat", width=4,
            queries=(line("sum(rate(<gateway.requests>{<gateway>}[$__rate_interval]))"),),
        ),
        Panel(
            title="Failed, last hour", unit="percentunit", kind="stat", width=4,
            description="Share of requests that failed through no fault of the client. Refusals for load are beside.",
            queries=(line('max(<rules.errorRatio>{<models>,window="1h"})'),),
            steps=(Step(above=0.005, colour="orange"), Step(above=0.05, colour="red")),
        ),
        Panel(
            title="Late first tokens, last hour", unit="percentunit", kind="stat", width=4,
            description="Share of streams whose first token came later than targets.ttftSeconds; the worst model.",
            queries=(line('max(<rules.slowRatio>{<models>,window="1h"})'),),
            steps=(Step(above=0.05, colour="orange"), Step(above=0.3, colour="red")),
        ),
        Panel(
            title="Refused for load", unit="percentunit", kind="stat", width=4,
            description="Share of requests that found the queue full or waited too long in it.",
            queries=(line(
                'sum(rate(<gateway.requests>{<gateway>,outcome=~"queue_full|queue_timeout"}[10m]) or 0 * rate(<gateway.requests>{<gateway>}[10m]))'
                " / sum(rate(<gateway.requests>{<gateway>}[10m]))"
            ),),
            steps=(Step(above=0.01, colour="orange"), Step(above=0.1, colour="red")),
        ),
        Panel(
            title="Engines ready", description="Engines that take requests.", unit="short", kind="stat", width=4,
            queries=(line('sum(max by (model, revision) (<gateway.endpoints>{<gateway>,state="ready"}))'),),
        ),
        Panel(
            title="Waiting now", description="Requests in the gateway's queue.", unit="short", kind="stat", width=4,
            queries=(line("sum(<gateway.queueDepth>{<gateway>})"),),
        ),
    ),
)  # fmt: skip

_REQUESTS = Row(
    title="Requests",
    panels=(
        Panel(
            title="Requests by model", description="Requests that ended, per second.", unit="reqps", stacked=True,
            queries=(line("sum by (model) (rate(<gateway.requests>{<gateway>}[$__rate_interval]))", "{{model}}"),),
        ),
        Panel(
            title="Requests by outcome", unit="reqps", stacked=True,
            description="How requests ended. no_backend, timeout_* and upstream_error are failures, queue_* are refusals for load.",
            queries=(line("sum by (outcome) (rate(<gateway.requests>{<gateway>}[$__rate_interval]))", "{{outcome}}"),),
        ),
        Panel(
            title="Error rate", unit="percentunit",
            description="Share of failed requests over five minutes; refusals for load and mistakes of clients left out.",
            queries=(line('<rules.errorRatio>{<models>,window="5m"}', "{{llm_model}}"),),
        ),
    ),
)  # fmt: skip

_LATENCY = Row(
    title="Latency",
    panels=(
        Panel(
            title="Time to first token", unit="s",
            description="From a request's arrival at the gateway to its first byte, queueing included, and what the model promises (as p95).",
            queries=(
                *percentiles("<gateway.ttft_bucket>{<gateway>}", "model", "{{model}}"),
                line("max by (llm_model) (<rules.ttftTarget>{<models>})", "{{llm_model}} promised"),
            ),
        ),
        Panel(
            title="Request duration", description="From a request's arrival at the gateway to its last byte.", unit="s",
            queries=percentiles("<gateway.duration_bucket>{<gateway>}", "model", "{{model}}"),
        ),
        Panel(
            title="Time per output token", unit="s",
            description="Mean time per token of a request, as the engines measure it, and what the model promises (as p95).",
            queries=(
                *percentiles("<engine.tpot_bucket>{<models>}", "llm_model", "{{llm_model}}"),
                line("max by (llm_model) (<rules.tpotTarget>{<models>})", "{{llm_model}} promised"),
            ),
        ),
    ),
)  # fmt: skip

_ANSWERS = Row(
    title="Answers",
    panels=(
        Panel(
            title="Answers by revision", description="Answers that came to their end, a shadow's copies included.", unit="reqps", stacked=True,
            queries=(line("sum by (model, revision) (rate(<gateway.answers>{<gateway>}[$__rate_interval]))", "{{model}} {{revision}}"),),
        ),
        Panel(
            title="Structured answers", unit="reqps", stacked=True,
            description="Answers to requests for JSON or with tools: valid, invalid, truncated by their limit, or unchecked (too long to judge).",
            queries=(line("sum by (kind, result) (rate(<gateway.structured>{<gateway>}[$__rate_interval]))", "{{kind}} {{result}}"),),
        ),
        Panel(
            title="Invalid answers", unit="percentunit",
            description="Share of the valid and invalid ones that are invalid: no JSON, not of the schema, no call of a function that there is.",
            queries=(line(
                'sum by (model, kind) (rate(<gateway.structured>{<gateway>,result="invalid"}[$__rate_interval]))'
                ' / sum by (model, kind) (rate(<gateway.structured>{<gateway>,result=~"valid|invalid"}[$__rate_interval]))', "{{model}} {{kind}}"
            ),),
        ),
    ),
)  # fmt: skip

_TOKENS = Row(
    title="Tokens",
    panels=(
        Panel(
            title="Tokens in", description="Prompt tokens that engines read, cached ones included.", unit="tokps", stacked=True,
            queries=(line("sum by (llm_model) (rate(<engine.promptTokens>{<models>}[$__rate_interval]))", "{{llm_model}}"),),
        ),
        Panel(
            title="Tokens out", description="Tokens that engines wrote.", unit="tokps", stacked=True,
            queries=(line("sum by (llm_model) (rate(<engine.generationTokens>{<models>}[$__rate_interval]))", "{{llm_model}}"),),
        ),
        Panel(
            title="Prompt tokens from the cache", unit="percentunit", most=1,
            description="Share of prompt tokens that the prefix cache spared.",
            queries=(line(
                "sum by (llm_model) (rate(<engine.promptTokensCached>{<models>}[$__rate_interval]))"
                " / sum by (llm_model) (rate(<engine.promptTokens>{<models>}[$__rate_interval]))", "{{llm_model}}"
            ),),
        ),
    ),
)  # fmt: skip

_LOAD = Row(
    title="Load",
    panels=(
        Panel(
            title="Queue depth", description="Requests that wait for a slot, in all gateway pods.", unit="short",
            queries=(line("sum by (model) (<gateway.queueDepth>{<gateway>})", "{{model}}"),),
        ),
        Panel(
            title="Time in the queue", description="How long requests waited for a slot.", unit="s",
            queries=percentiles("<gateway.queueWait_bucket>{<gateway>}", "model", "{{model}}"),
        ),
        Panel(
            title="In flight and slots", description="Requests that hold a slot, and how many there are.", unit="short",
            queries=(
                line("sum by (model) (<gateway.inFlight>{<gateway>})", "{{model}} in flight"),
                line("sum by (model) (<gateway.slots>{<gateway>})", "{{model}} slots"),
            ),
        ),
        Panel(
            title="Refusals by reason", unit="reqps", stacked=True,
            description="Requests refused before an engine saw them, by the code that clients get.",
            queries=(line("sum by (reason) (rate(<gateway.rejections>{<gateway>}[$__rate_interval]))", "{{reason}}"),),
        ),
        Panel(
            title="Retries and fallbacks", unit="reqps",
            description="Second attempts on the same model, requests that another model answered, and those that the budget forbade.",
            queries=(
                line("sum by (model) (rate(<gateway.retries>{<gateway>}[$__rate_interval]))", "{{model}} retried"),
                line("sum by (model, to) (rate(<gateway.fallbacks>{<gateway>}[$__rate_interval]))", "{{model}} to {{to}}"),
                line("sum by (model) (rate(<gateway.retryBudgetEmpty>{<gateway>}[$__rate_interval]))", "{{model}} forbidden"),
            ),
        ),
        Panel(
            title="Open requests by gateway pod", description="Requests that each gateway pod handles, waiting ones included.", unit="short",
            queries=(line("sum by (pod) (<gateway.open>{<release>})", "{{pod}}"),),
        ),
    ),
)  # fmt: skip

SERVICE = Dashboard(
    uid="llm-serving-service",
    title="LLM serving / Service",
    description="What clients of a release see.",
    rows=(_PROMISES, _REQUESTS, _LATENCY, _ANSWERS, _TOKENS, _LOAD),
)
