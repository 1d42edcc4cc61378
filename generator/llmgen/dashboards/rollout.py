"""Canary against stable."""

from __future__ import annotations

from llmgen.dashboards.model import Dashboard, Panel, Query, Row, line

_ON = "on (namespace, llm_release, llm_model, llm_revision) group_left (llm_track) <rules.track>{<models>}"
_BY = "namespace, llm_release, llm_model, llm_revision"
_NAME = "{{llm_model}} {{llm_track}}"


def _by_track(expr: str) -> Query:
    """Return a query per revision with the name of its track joined."""
    return line(f"sum by (llm_model, llm_track) (({expr}) * {_ON})", _NAME)


def _p95(histogram: str) -> Query:
    rates = f"sum by ({_BY}, le) (rate({histogram}{{<models>}}[$__rate_interval]))"
    return _by_track(f"histogram_quantile(0.95, {rates})")


def _share(reason: str) -> Query:
    one = f'sum by ({_BY}) (rate(<engine.finished>{{<models>,finished_reason="{reason}"}}[$__rate_interval]))'
    return _by_track(f"{one} / sum by ({_BY}) (rate(<engine.finished>{{<models>}}[$__rate_interval]))")


_WHERE = Row(
    title="Where traffic goes",
    panels=(
        Panel(
            title="Tracks", description="The revision that each track points to, and its share of the requests.", unit="short", kind="table", width=8,
            queries=(line("max by (model, track, revision) (<gateway.trackInfo>{<gateway>}) * on (model, track) group_left () "
                          "max by (model, track) (<gateway.trackWeight>{<gateway>})", "Percent"),),
        ),
        Panel(
            title="Weights", description="Share of requests that each track gets, in percent, the brake included.", unit="short", most=100,
            queries=(line("max by (model, track) (<gateway.trackWeight>{<gateway>})", "{{model}} {{track}}"),),
        ),
        Panel(
            title="Requests by track", description="Requests that engines answered.", unit="reqps", stacked=True,
            queries=(_by_track(f'sum by ({_BY}) (rate(<engine.http>{{<models>,handler=~"/v1/.*"}}[$__rate_interval]))'),),
        ),
    ),
)  # fmt: skip

_ANSWERS = Row(
    title="Are the answers right",
    panels=(
        Panel(
            title="Failures by track", unit="percentunit",
            description="Share of requests that failed or were cut off over half an hour, refusals for load left out: what LLMCanaryWorse compares.",
            queries=(line("max by (llm_model, llm_track) (<rules.revisionErrors>{<models>})", _NAME),),
        ),
        Panel(
            title="Cut off by a stop", description="Share of answers that ended because the engine stopped.", unit="percentunit",
            queries=(_share("abort"),),
        ),
        Panel(
            title="Cut by their length", unit="percentunit",
            description="Share of answers that ran into their limit. A canary that differs from stable here answers differently.",
            queries=(_share("length"),),
        ),
        Panel(
            title="Invalid JSON by track", unit="percentunit",
            description="Share of invalid answers where JSON was asked for, over half an hour: what LLMCanaryAnswersWorse compares.",
            queries=(line('max by (llm_model, llm_track) (<rules.revisionInvalid>{<models>,kind="json"})', _NAME),),
        ),
        Panel(
            title="Invalid tool calls by track", unit="percentunit",
            description="Share of answers with a call of an unknown function or with arguments that do not fit, over half an hour.",
            queries=(line('max by (llm_model, llm_track) (<rules.revisionInvalid>{<models>,kind="tools"})', _NAME),),
        ),
        Panel(
            title="Refusals by track", unit="percentunit",
            description="Share of answers that the engine marked as refused, over half an hour; vLLM marks none by itself.",
            queries=(line("max by (llm_model, llm_track) (<rules.revisionRefusals>{<models>})", _NAME),),
        ),
    ),
)  # fmt: skip

_SPEED = Row(
    title="Is it as fast",
    panels=(
        Panel(
            title="Time to first token, p95", description="In the engine. A canary with a small share runs at less load per engine.", unit="s",
            queries=(_p95("<engine.ttft_bucket>"),),
        ),
        Panel(
            title="Time between tokens, p95", description="Between two tokens of a stream.", unit="s",
            queries=(_p95("<engine.itl_bucket>"),),
        ),
        Panel(
            title="Running per engine", description="Mean batch: compare latencies at equal load.", unit="short",
            queries=(_by_track(f"avg by ({_BY}) (<engine.running>{{<models>}})"),),
        ),
        Panel(
            title="Output per request", unit="tokens",
            description="Mean tokens of an answer. A drift between tracks means that they answer differently.",
            queries=(_by_track(
                f"sum by ({_BY}) (rate(<engine.requestGenerationTokens_sum>{{<models>}}[$__rate_interval]))"
                f" / sum by ({_BY}) (rate(<engine.requestGenerationTokens_count>{{<models>}}[$__rate_interval]))"
            ),),
        ),
        Panel(
            title="Preemptions by track", description="Requests thrown out of the batch, per second.", unit="reqps",
            queries=(_by_track(f"sum by ({_BY}) (rate(<engine.preemptions>{{<models>}}[$__rate_interval]))"),),
        ),
        Panel(
            title="Copies to the shadow", unit="reqps", stacked=True,
            description="Requests copied to a shadow revision by outcome, and copies that were due and not sent.",
            queries=(
                line("sum by (model, outcome) (rate(<gateway.mirrored>{<gateway>}[$__rate_interval]))", "{{model}} {{outcome}}"),
                line("sum by (model, reason) (rate(<gateway.mirrorDropped>{<gateway>}[$__rate_interval]))", "{{model}} not sent: {{reason}}"),
            ),
        ),
    ),
)  # fmt: skip

ROLLOUT = Dashboard(
    uid="llm-serving-rollout",
    title="LLM serving / Rollout",
    description="Canary and shadow against stable.",
    rows=(_WHERE, _ANSWERS, _SPEED),
)
