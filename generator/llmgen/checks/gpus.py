"""GPU shapes that cannot run the model, whatever the sizes."""

from __future__ import annotations

from llmgen.checks.context import Context, Resolved
from llmgen.facts import Facts
from llmgen.problems import Path
from llmgen.spec.model import GpuChoice


def check(context: Context, facts: Facts) -> None:
    """Run every rule of this family."""
    said: set[tuple[str, int]] = set()
    for item in context.revisions():
        found = facts.revisions[item.model_name, item.name]
        architecture = found.architecture
        if isinstance(item.revision.gpu, GpuChoice):
            _shape(context, item.revision.gpu, (*item.path, "gpu"))
        if architecture is None or architecture.unsupported:
            continue  # reported where it is sized (LLM303), and its numbers are guesses
        if (item.model_name, architecture.max_position) not in said:
            said.add((item.model_name, architecture.max_position))
            _context_length(context, item, architecture.max_position)
        if isinstance(item.revision.gpu, GpuChoice):
            _heads(context, item, item.revision.gpu, architecture.attention.heads)


def _shape(context: Context, gpu: GpuChoice, path: Path) -> None:
    tensor, pipeline = gpu.tensor_parallel, gpu.pipeline_parallel
    if gpu.count is not None and tensor is not None and gpu.count != tensor * pipeline:
        context.add(
            "LLM286",
            (*path, "count"),
            f"count {gpu.count} is not tensorParallel {tensor} × pipelineParallel {pipeline} = {tensor * pipeline}",
            hint=f"count: {tensor * pipeline}, or leave it out",
            rests_on=[(*path, "tensorParallel"), (*path, "pipelineParallel")],
        )
    pool = context.spec.cluster.pools.get(gpu.pool or "")
    if pool is None or tensor is None:
        return
    if tensor * pipeline > pool.gpus_per_node:
        context.add(
            "LLM287", (*path, "tensorParallel"),
            f"an engine of {tensor * pipeline} GPUs does not fit a node of pool {gpu.pool!r}, which has {pool.gpus_per_node}",
            hint=f"at most {pool.gpus_per_node} in this pool; engines do not span nodes",
            rests_on=[("cluster", "pools", gpu.pool or "", "gpusPerNode"), (*path, "pool"), (*path, "pipelineParallel")],
        )  # fmt: skip
    if pool.mig is not None and tensor * pipeline > 1:
        context.add(
            "LLM287",
            (*path, "tensorParallel"),
            "MIG slices cannot be joined: each engine has exactly one",
            allowed=("1",),
        )


def _heads(context: Context, item: Resolved, gpu: GpuChoice, heads: int) -> None:
    tensor = gpu.tensor_parallel
    if tensor is not None and heads % tensor:
        fits = [number for number in (1, 2, 4, 8, 16) if heads % number == 0]
        context.add(
            "LLM288", (*item.path, "gpu", "tensorParallel"), f"{heads} attention heads do not divide by tensorParallel {tensor}",
            allowed=[str(number) for number in fits], rests_on=[(*item.path, "source"), (*item.path, "architecture")],
        )  # fmt: skip


def _context_length(context: Context, item: Resolved, longest: int) -> None:
    limits = item.model.limits
    if limits.context_tokens > longest:
        context.add(
            "LLM289", ("models", item.model_name, "limits", "maxPromptTokens"),
            f"prompt {limits.max_prompt_tokens} + completion {limits.max_completion_tokens} = {limits.context_tokens} tokens, "
            f"but the context of {item.model_name}/{item.name} is {longest}",
            hint=f"at most {longest - limits.max_completion_tokens} prompt tokens with this maxCompletionTokens"
            if longest > limits.max_completion_tokens else "lower both",
            rests_on=[("models", item.model_name, "limits", "maxCompletionTokens"), (*item.path, "source"), (*item.path, "architecture")],
        )  # fmt: skip
