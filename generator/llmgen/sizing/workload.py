"""What a model must serve, and what a pool offers."""

from __future__ import annotations

from dataclasses import dataclass

from llmgen.sizing.device import Device


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """Targets of one model. Tokens per request, milliseconds, requests at once over all replicas.

    ``max_num_seqs`` is the concurrency each pod must hold (the spec's limit: nothing is lowered silently), None to let the
    shape decide. ``headroom`` is the share of a pod's concurrency that stays free at the peak; ``target_use`` overrides it.
    ``least_replicas`` run whatever the peak needs, and are paid for: one large pod is no bargain where two must run.
    """

    max_prompt_tokens: int
    max_completion_tokens: int
    peak_concurrent_requests: int
    mean_prompt_tokens: float | None = None
    mean_completion_tokens: float | None = None
    ttft_target_ms: float | None = None
    tpot_target_ms: float | None = None
    headroom: float = 0.2
    target_use: float | None = None
    peak_growth_per_minute: float | None = None
    max_num_seqs: int | None = None
    least_replicas: int = 1

    @property
    def max_tokens(self) -> int:
        """Tokens of the longest request, prompt and completion."""
        return self.max_prompt_tokens + self.max_completion_tokens

    @property
    def prompt(self) -> float:
        """Mean prompt; half of the longest when nothing is known."""
        return self.mean_prompt_tokens or self.max_prompt_tokens / 2

    @property
    def completion(self) -> float:
        """Mean completion; half of the longest when nothing is known."""
        return self.mean_completion_tokens or self.max_completion_tokens / 2

    @property
    def use(self) -> float:
        """Share of a pod's concurrency planned for at the peak."""
        return self.target_use if self.target_use is not None else 1 - self.headroom


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolOffer:
    """Nodes of one kind. ``gpus_per_node`` counts schedulable devices: MIG slices where the pool is sliced.

    ``tensor_parallel`` and ``pipeline_parallel`` fix the split of a pod; None lets the search choose. ``across_nodes`` lets
    it try pipelines over whole nodes. The price is per device and hour.
    """

    name: str
    device: Device
    gpus_per_node: int
    max_nodes: int
    price_per_gpu_hour_usd: float | None = None
    tensor_parallel: int | None = None
    pipeline_parallel: int | None = None
    across_nodes: bool = True
    mig_profile: str | None = None

    def splits(self) -> tuple[tuple[int, int], ...]:
        """(TP, PP) to try: powers of two within a node, then whole nodes in a pipeline."""
        stages = self.pipeline_parallel or 1
        if self.tensor_parallel is not None:
            return ((self.tensor_parallel, stages),)
        if self.mig_profile is not None:
            return ((1, 1),)
        inside = [1]
        while inside[-1] * 2 * stages <= self.gpus_per_node:
            inside.append(inside[-1] * 2)
        if self.pipeline_parallel is not None or not self.across_nodes:
            return tuple((tensor, stages) for tensor in inside)
        across = [(inside[-1], nodes) for nodes in (2, 4) if nodes <= self.max_nodes]
        return (*((tensor, 1) for tensor in inside), *across)
