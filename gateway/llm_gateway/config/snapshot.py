"""The configuration as the gateway uses it: immutable, complete, with every name resolved."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import msgspec

from llm_gateway.secret import Secret
from llm_gateway.types import Key, Kind, Tenant, TrafficClass


class Server(msgspec.Struct, frozen=True, kw_only=True):
    """Ports, and what a connection may cost."""

    host: str
    port: int
    admin_port: int
    max_body_bytes: int
    body_timeout_s: float
    write_timeout_s: float
    drain_s: float
    drain_delay_s: float
    tenant_label_limit: int
    latency_bounds: tuple[float, ...]


class Provider(msgspec.Struct, frozen=True, kw_only=True):
    """Who knows the engines and chooses among them."""

    kind: Literal["static", "gateway", "istio"]
    namespace: str | None
    name: str | None
    release: str | None
    gateway_service: str | None
    brake_config_map: str | None


class LimitStore(msgspec.Struct, frozen=True, kw_only=True):
    """Where limits are counted. address: host and port."""

    kind: Literal["memory", "redis"]
    address: tuple[str, int] | None
    password: Secret | None
    tls: bool
    prefix: str
    when_down: Literal["share", "open", "closed"]
    replicas: int
    timeout_s: float


class Admission(msgspec.Struct, frozen=True, kw_only=True):
    """Who goes first. tier_rank: 0 is served first; tiers that are not in it share `last_rank`."""

    tier_rank: Mapping[str, int]
    batch_slots_percent: int

    def rank(self, tier: str) -> int:
        """Rank of a tier; smaller goes first."""
        return self.tier_rank.get(tier, len(self.tier_rank))


class Jwt(msgspec.Struct, frozen=True, kw_only=True):
    """JSON Web Tokens beside API keys."""

    issuer: str
    jwks_url: str
    audience: str | None
    tenant_claim: str


class Tokenizer(msgspec.Struct, frozen=True, kw_only=True):
    """Folder with the tokenizer's files, and tokens that one media part counts as."""

    path: Path
    media_tokens: int


class Upstream(msgspec.Struct, frozen=True, kw_only=True):
    """Where the engines of a model are."""

    urls: tuple[str, ...]
    service: str | None
    port: int
    api_key: Secret | None


class Revision(msgspec.Struct, frozen=True, kw_only=True):
    """One engine configuration. concurrency: requests one engine runs at once. urls: its engines, for the provider static."""

    name: str
    concurrency: int
    urls: tuple[str, ...] = ()


class Tracks(msgspec.Struct, frozen=True, kw_only=True):
    """Which revision each track points to; weights and mirror in percent of requests."""

    stable: str
    canary: str | None
    canary_weight: int
    shadow: str | None
    mirror_percent: int
    previous: str | None


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """One served model. queue_depth is per engine; times are in seconds."""

    name: str
    kind: Kind
    klass: TrafficClass
    quality: int
    served_name: str
    cold_start_s: float
    max_prompt_tokens: int
    max_completion_tokens: int
    context_tokens: int
    max_choices: int
    max_logprobs: int
    max_stop_sequences: int
    queue_depth: int
    queue_timeout_s: float
    request_timeout_s: float
    ttft_timeout_s: float
    idle_timeout_s: float
    connect_timeout_s: float
    tokenizer: Tokenizer | None
    parameters: frozenset[str]
    upstream: Upstream
    revisions: Mapping[str, Revision]
    tracks: Tracks
    fallback: tuple[str, ...]

    def weights(self) -> dict[str, int]:
        """Share of each weighted revision, in percent; shares of 0 are left out."""
        tracks = self.tracks
        shares = {tracks.stable: 100 - tracks.canary_weight}
        if tracks.canary is not None:
            shares[tracks.canary] = shares.get(tracks.canary, 0) + tracks.canary_weight
        return {revision: share for revision, share in shares.items() if share > 0}


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One routing rule; a condition that is None is not asked. asked: model names (an alias stands for its model too)."""

    name: str
    order: int
    model: str
    tier: str | None
    tenant: str | None
    headers: tuple[tuple[bytes, bytes], ...]
    asked: str | None
    klass: TrafficClass | None
    requires_json: bool | None
    tools: bool | None
    min_quality: int | None
    min_tokens: int | None
    max_tokens: int | None

    @property
    def needs_tokens(self) -> bool:
        """Whether the rule asks how long the prompt is."""
        return self.min_tokens is not None or self.max_tokens is not None


class Routing(msgspec.Struct, frozen=True, kw_only=True):
    """Which model answers. rules: in order. default: None where there are several models and none was named."""

    default: str | None
    aliases: Mapping[str, str]
    rules: tuple[Rule, ...]


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """One configuration. keys: by SHA-256 of the API key. files: everything that was read. digest: of all of it."""

    models: Mapping[str, Model]
    tenants: Mapping[str, Tenant]
    keys: Mapping[bytes, tuple[Tenant, Key]]
    routing: Routing
    server: Server
    provider: Provider
    limit_store: LimitStore
    admission: Admission
    jwt: Jwt | None
    anonymous: Tenant | None
    unsupported_parameters: Literal["strip", "refuse"]
    retry_budget_percent: int
    files: tuple[Path, ...]
    digest: str
    warnings: tuple[str, ...] = ()
