"""Limits and targets that contradict each other or the model."""

from __future__ import annotations

from llmgen.checks.context import Context
from llmgen.problems import Path
from llmgen.spec.model import Limits, Model


def check(context: Context) -> None:
    """Run every rule of this family."""
    for name, model in context.spec.models.items():
        path: Path = ("models", name)
        _kind(context, path, model)
        _targets(context, path, model)
        _times(context, path, model)
    for item in context.revisions():
        concurrent, batched = item.model.limits.max_concurrent_requests, item.revision.engine.max_batched_tokens
        if concurrent is not None and concurrent > batched:
            context.add(
                "LLM221", (*item.path, "engine", "maxBatchedTokens"),
                f"{batched} tokens per step cannot hold one token of each of {concurrent} concurrent requests",
                hint=f"at least {concurrent}",
                rests_on=[("models", item.model_name, "limits", "maxConcurrentRequests")],
            )  # fmt: skip


def _kind(context: Context, path: Path, model: Model) -> None:
    completion: Path = (*path, "limits", "maxCompletionTokens")
    if model.kind == "generate" and model.limits.max_completion_tokens == 0:
        context.add(
            "LLM222",
            completion,
            "a generate model needs a bound on its completions",
            hint="set limits.maxCompletionTokens, for example 2048",
            rests_on=[(*path, "kind")],
        )
    if model.kind != "generate" and model.limits.max_completion_tokens > 0:
        context.add(
            "LLM222",
            completion,
            f"{model.kind} models have no completions",
            hint="remove maxCompletionTokens",
            rests_on=[(*path, "kind")],
        )


def _targets(context: Context, path: Path, model: Model) -> None:
    targets, limits = model.targets, model.limits
    for mean, most, key, bound in (
        (targets.mean_prompt_tokens, limits.max_prompt_tokens, "meanPromptTokens", "maxPromptTokens"),
        (targets.mean_completion_tokens, limits.max_completion_tokens, "meanCompletionTokens", "maxCompletionTokens"),
    ):
        if mean is not None and mean > most:
            context.add(
                "LLM223",
                (*path, "targets", key),
                f"a mean of {mean} tokens is above the limit of {most}",
                hint=f"limits.{bound} is the longest",
                rests_on=[(*path, "limits", bound)],
            )


def _times(context: Context, path: Path, model: Model) -> None:
    limits, targets = model.limits, model.targets
    if limits.queue_timeout >= limits.request_timeout:
        context.add(
            "LLM224", (*path, "limits", "queueTimeout"),
            f"waiting up to {limits.queue_timeout:g} s leaves nothing of the request timeout of {limits.request_timeout:g} s",
            rests_on=[(*path, "limits", "requestTimeout")],
        )  # fmt: skip
    if limits.ttft_timeout is not None:
        _ttft_timeout(context, path, limits.ttft_timeout, model)
    if targets.ttft_p95 is not None and targets.ttft_p95 >= limits.request_timeout:
        context.add(
            "LLM224", (*path, "targets", "ttftP95"),
            f"a first token after {targets.ttft_p95:g} s is past the request timeout of {limits.request_timeout:g} s",
            rests_on=[(*path, "limits", "requestTimeout")],
        )  # fmt: skip
    elif (needed := _longest_answer(model, limits)) > limits.request_timeout:
        context.add(
            "LLM225", (*path, "limits", "requestTimeout"),
            f"a full completion of {limits.max_completion_tokens} tokens at the promised TPOT takes {needed:.0f} s: "
            f"the timeout of {limits.request_timeout:g} s would cut it",
            hint=f"at least {needed:.0f}s, or a smaller maxCompletionTokens",
            rests_on=[(*path, "limits", "maxCompletionTokens"), (*path, "targets")],
        )  # fmt: skip


def _ttft_timeout(context: Context, path: Path, timeout: float, model: Model) -> None:
    limits, promised = model.limits, model.targets.ttft_p95
    place: Path = (*path, "limits", "ttftTimeout")
    if timeout > limits.request_timeout:
        context.add(
            "LLM224", place,
            f"waiting {timeout:g} s for the first byte is past the request timeout of {limits.request_timeout:g} s",
            rests_on=[(*path, "limits", "requestTimeout")],
        )  # fmt: skip
    elif promised is not None and timeout < promised:
        context.add(
            "LLM224", place,
            f"giving up after {timeout:g} s asks again for answers that the target of {promised:g} s (p95) still allows",
            hint=f"at least {promised:g}s", rests_on=[(*path, "targets", "ttftP95")],
        )  # fmt: skip


def _longest_answer(model: Model, limits: Limits) -> float:
    """Seconds of the longest answer at the promised TTFT and TPOT; 0 without a TPOT target."""
    if model.targets.tpot_p95 is None:
        return 0.0
    return (model.targets.ttft_p95 or 0.0) + limits.max_completion_tokens * model.targets.tpot_p95
