"""A served model, its revisions, and what is promised."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from llmgen.spec.cluster import SecretKeyRef
from llmgen.spec.quantity import Seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Hub:
    """A repository of the hub at one revision."""

    repo: str
    revision: str
    token: SecretKeyRef | None


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumePath:
    """A directory on a volume of ``cluster.storage``."""

    storage: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class S3:
    """A bucket read by the streaming loader; ``credentials`` names a Secret."""

    uri: str
    endpoint: str | None
    credentials: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Gcs:
    """A bucket read by the streaming loader with the pod's identity."""

    uri: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Oci:
    """An image volume."""

    image: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where weights come from; exactly one is set."""

    hub: Hub | None
    volume: VolumePath | None
    s3: S3 | None
    gcs: Gcs | None
    oci: Oci | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenizerSource:
    """Where the gateway finds the files that it counts prompts with."""

    hub: Hub


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchitectureSource:
    """Where the architecture's facts come from; exactly one is set."""

    catalog: str | None
    config: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Runtime limits. Tokens and requests are counts; times in seconds."""

    max_prompt_tokens: int
    max_completion_tokens: int
    max_concurrent_requests: int | None
    queue_depth: int
    queue_timeout: Seconds
    request_timeout: Seconds
    ttft_timeout: Seconds | None

    @property
    def context_tokens(self) -> int:
        """The longest sequence, prompt and completion: the engine's maximum length."""
        return self.max_prompt_tokens + self.max_completion_tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """What is promised, under which load. Times in seconds, ``growth_per_minute`` in requests per minute."""

    ttft_p95: Seconds | None
    tpot_p95: Seconds | None
    output_tokens_per_second: float | None
    peak_concurrent_requests: int
    growth_per_minute: float
    mean_prompt_tokens: int | None
    mean_completion_tokens: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuChoice:
    """A fixed pool and shape; None leaves it to the plan."""

    pool: str | None
    tensor_parallel: int | None
    pipeline_parallel: int
    count: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WarmWindow:
    """A window with warm capacity; ``start`` and ``end`` are cron expressions."""

    timezone: str
    start: str
    end: str
    engines: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Scaling:
    """How many engines a revision may have; None leaves it to the plan."""

    min: int | None
    max: int | None
    target_utilization: float | None
    kv_cache_target: float
    ttft_trigger: bool
    warm: Mapping[str, WarmWindow]


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """A container image; None leaves the component's default."""

    registry: str | None
    repository: str | None
    tag: str | None
    digest: str | None
    pull_policy: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """The inference engine of a revision."""

    version: str
    image: Image
    gpu_memory_utilization: float
    max_batched_tokens: int
    enforce_eager: bool
    args: Mapping[str, Any]
    env: Mapping[str, str]
    secret_env: Mapping[str, SecretKeyRef]
    cache_storage: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """One engine configuration: the model's own keys with the revision's patch applied."""

    source: Source
    tokenizer: TokenizerSource | None
    architecture: ArchitectureSource | None
    dtype: str
    quantization: str
    kv_cache_dtype: str
    gpu: GpuChoice | str
    engine: Engine
    scaling: Scaling


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracks:
    """Which revision each track points to."""

    stable: str
    canary: str | None
    shadow: str | None
    previous: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Gates:
    """What a canary may be worse by, as shares."""

    error_rate: float
    ttft_p95: float
    tpot_p95: float
    refusal_rate: float
    json_validity: float
    tool_call_validity: float
    truncation: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollout:
    """How a new revision becomes stable; weights in percent."""

    steps: tuple[int, ...]
    shadow_percent: int
    bake: Seconds
    keep_previous: Seconds
    min_requests: int
    gates: Gates


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A served model. ``revisions`` are resolved: patch applied, defaults filled."""

    kind: str
    class_: str
    quality: int
    limits: Limits
    parameters: tuple[str, ...]
    targets: Targets
    revisions: Mapping[str, Revision]
    tracks: Tracks
    rollout: Rollout

    @property
    def preemptible(self) -> bool:
        """Whether the class gives way to interactive models."""
        return self.class_ != "interactive"
