"""What the modules hand to each other: one request's identity, shape, cost and answer.

Everything here is immutable and made once per request or once per configuration; nothing here opens a socket.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol

import msgspec

Endpoint = Literal["chat", "completions", "embeddings", "rerank"]
Kind = Literal["generate", "embed", "rerank"]
TrafficClass = Literal["interactive", "batch", "experimental"]
TokenSource = Literal["exact", "estimate"]
Headers = Mapping[bytes, bytes]
"""Request headers; names in lower case, as ASGI gives them."""

Outcome = Literal[
    "ok",
    "validation",
    "auth",
    "rate_limited",
    "queue_full",
    "queue_timeout",
    "no_backend",
    "timeout_ttft",
    "timeout_total",
    "upstream_error",
    "client_cancel",
]


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a request that goes no further, in the terms of OpenAI's error body.

    status: HTTP status. code: stable, for programs. message: for people; never holds a key or a prompt.
    param: the body's field to blame. retry_after: seconds; becomes `Retry-After`, rounded up.
    headers: further response headers; lines: more of them, as they are sent. outcome: what the log and the metrics call it.
    limit: the limit that bound, such as `tenant.tokensPerMinute`.
    """

    status: int
    code: str
    message: str
    outcome: Outcome
    param: str | None = None
    retry_after: float | None = None
    headers: Mapping[str, str] = {}
    lines: bytes = b""
    limit: str | None = None

    @property
    def type(self) -> str:
        """OpenAI's `error.type` for the status."""
        return _ERROR_TYPES.get(self.status, "invalid_request_error" if self.status < _SERVER_ERROR else "server_error")


_SERVER_ERROR = 500
_ERROR_TYPES = {401: "authentication_error", 403: "permission_error", 404: "not_found_error", 429: "rate_limit_error"}


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Limits of one scope; None is no limit."""

    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    concurrent_requests: int | None = None
    tokens_per_day: int | None = None


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """One API key: its SHA-256 and when it ends (Unix seconds, exclusive; None is never)."""

    name: str
    digest: bytes
    expires_at: float | None = None
    limits: Limits = Limits()


class Tenant(msgspec.Struct, frozen=True, kw_only=True):
    """One caller. models: what it may use, None for every model. model_limits: its limits on single models."""

    name: str
    tier: str = "standard"
    priority: int = 10
    models: frozenset[str] | None = None
    may_pin_track: bool = False
    limits: Limits = Limits()
    model_limits: Mapping[str, Limits] = {}
    keys: tuple[Key, ...] = ()

    def may_use(self, model: str) -> bool:
        """Whether the tenant may use the model."""
        return self.models is None or model in self.models


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks: a tenant and the key (or JWT) it came with. Never taken from a client's own word."""

    tenant: Tenant
    key: Key


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One request, checked as far as that goes without knowing the model that answers.

    asked: the model named by the client, None where it named none. body: the parsed body, changed only by normalising.
    max_tokens: completion tokens the client asked for, per choice. stop: normalised stop sequences.
    klass, min_quality: from `x-llm-class` and `x-llm-quality`. wants_usage: the client asked for usage in the stream.
    conversation: stable within a conversation, for sticky choices; a digest, never a prompt.
    track: the track pinned by `x-llm-track`, only where the tenant may. explain: the client asked for the decision in
    a header (`x-llm-explain: 1`). warnings: what was changed, for the `x-llm-warning` header.
    """

    endpoint: Endpoint
    asked: str | None
    body: dict[str, Any]
    stream: bool = False
    wants_usage: bool = False
    max_tokens: int | None = None
    choices: int = 1
    stop: tuple[str, ...] = ()
    requires_json: bool = False
    tools: bool = False
    klass: TrafficClass | None = None
    min_quality: int | None = None
    track: str | None = None
    conversation: bytes = b""
    explain: bool = False
    text_bytes: int = 0
    media_parts: int = 0
    warnings: tuple[str, ...] = ()
    headers: Headers = {}

    def __repr__(self) -> str:
        """Without body and headers, so that no log or traceback shows a prompt or a key."""
        return f"<Request {self.endpoint} model={self.asked!r} stream={self.stream}>"


class TokenCount(msgspec.Struct, frozen=True):
    """Prompt tokens, whether the model's own tokenizer counted them, and the tokens of the longest of several inputs."""

    tokens: int
    source: TokenSource
    longest: int = 0


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """Which model answers. rule: the rule's name, or `asked`, `alias`, `default`. reason: one short clause."""

    model: str
    rule: str
    reason: str


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """A request fitted to the model that answers it: nothing is left to decide but when and where.

    body: the bytes to forward. max_tokens: completion tokens per choice after clamping. cost: tokens to reserve
    (prompt + choices × max_tokens). klass: traffic class for admission. hide_usage: the gateway asked for the stream's
    usage event, so the client must not see it. track: pinned track or None. decision.model names the model.
    """

    request: Request
    decision: Decision
    tokens: TokenCount
    max_tokens: int
    cost: int
    body: bytes
    klass: TrafficClass
    hide_usage: bool = False
    warnings: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """Without the body, as `Request`."""
        return f"<Plan {self.request.endpoint} {self.decision} {self.tokens} max_tokens={self.max_tokens}>"

    @property
    def model(self) -> str:
        """Name of the model that answers."""
        return self.decision.model

    @property
    def track(self) -> str | None:
        """Track the tenant pinned."""
        return self.request.track


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """A reservation. tokens: reserved. lines: `x-ratelimit-*` for the response. entries: what the store needs to settle."""

    id: str
    tenant: str
    tokens: int
    entries: Sequence[Any] = ()
    lines: bytes = b""
    degraded: bool = False


class Store(Protocol):
    """Counts limits. `reserve` takes everything or nothing; `settle` gives the unused part back, to the unit, once."""

    @property
    def healthy(self) -> bool:
        """Whether limits are counted where the configuration says."""

    async def start(self) -> None:
        """Open what the store needs; never raises because the store is down."""

    async def close(self) -> None:
        """Close it."""

    def set_replicas(self, count: int) -> None:
        """How many gateway pods share a limit while it is counted locally."""

    async def reserve(self, identity: Identity, model: str, cost: int, *, request_id: str) -> Grant | Refusal:
        """Reserve one request and `cost` tokens on every limit of the tenant, its key and the model.

        request_id: no other request in flight, of any gateway, has it.
        """

    async def settle(self, grant: Grant, used: int) -> None:
        """End the request: `used` tokens were spent (more than reserved becomes debt). Idempotent; never raises."""


class Slot(Protocol):
    """One running request's place on the engines of a model."""

    waited: float
    """Seconds spent in the queue."""

    def release(self) -> None:
        """Give the place back; idempotent."""
