"""Who may call what, and how the gateway treats them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from llmgen.spec.cluster import SecretKeyRef
from llmgen.spec.model import Image
from llmgen.spec.quantity import Seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """Who splits requests between revisions."""

    provider: str
    mtls: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """Inclusive bounds in tokens; None is open."""

    min: int | None
    max: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """Conditions of a rule; None is not asked."""

    tier: str | None
    tenant: str | None
    headers: Mapping[str, str] | None
    model: str | None
    class_: str | None
    requires_json: bool | None
    tools: bool | None
    min_quality: int | None
    prompt_tokens: Range | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One routing rule."""

    order: int
    when: Conditions
    model: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Routing:
    """Which model answers which request."""

    default: str | None
    aliases: Mapping[str, str]
    rules: Mapping[str, Rule]
    fallback: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantLimits:
    """Limits of a tenant, one of its keys, or its use of one model; None is no limit."""

    requests_per_minute: int | None
    tokens_per_minute: int | None
    concurrent_requests: int | None
    tokens_per_day: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One API key: its hash, or a reference to a Secret that holds the hash."""

    sha256: str | None
    secret: SecretKeyRef | None
    expires: str | None
    limits: TenantLimits


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """One caller. ``models`` None: every model. ``model_limits`` are keyed by model."""

    tier: str
    priority: int
    keys: Mapping[str, Key]
    models: tuple[str, ...] | None
    may_pin_track: bool
    limits: TenantLimits
    model_limits: Mapping[str, TenantLimits]


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayReplicas:
    """Size of the gateway, in pods."""

    min: int
    max: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """How clients outside the cluster reach the gateway."""

    kind: str
    host: str | None
    tls_secret: str | None
    parent_gateway: str | None
    parent_namespace: str | None
    istio_selector: Mapping[str, str] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitStore:
    """Where limits are counted."""

    kind: str
    address: str | None
    password: SecretKeyRef | None
    tls: bool
    when_down: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Jwt:
    """JSON Web Tokens beside API keys."""

    issuer: str
    jwks_url: str
    audience: str | None
    tenant_claim: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """The gateway in front of every model. ``client_namespaces`` None: no namespace is kept out."""

    enabled: bool
    image: Image
    replicas: GatewayReplicas
    exposure: Exposure
    limit_store: LimitStore
    max_body_bytes: int
    unsupported_parameters: str
    retry_budget_percent: int
    tier_order: tuple[str, ...]
    anonymous: str | None
    tenant_labels: int
    client_namespaces: Mapping[str, str] | None
    hub_endpoint: str | None
    jwt: Jwt | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Slos:
    """Objectives, as shares."""

    availability: float
    ttft: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Alerts:
    """Alert rules."""

    enabled: bool
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dashboards:
    """Grafana dashboards."""

    enabled: bool
    folder: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Observability:
    """What operators see."""

    slos: Slos
    alerts: Alerts
    dashboards: Dashboards
    otlp_endpoint: str | None
    scrape_interval: Seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Security:
    """Protection of the release."""

    network_policies: bool
    prometheus_namespace: str
    engine_key: SecretKeyRef | None
    image_registry: str
    image_pull_secrets: tuple[str, ...]
