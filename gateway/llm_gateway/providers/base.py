"""Where a request goes: the protocol of traffic providers, and one engine endpoint as they see it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Literal, Protocol

import msgspec

from llm_gateway.config import Model, Snapshot

TRACK_HEADER = "x-llm-track"

Verdict = Literal["ok", "failed", "shed", "left"]
"""How an attempt ended, for the endpoint: it answered, it failed, it was full, or the client left and nobody knows."""


@dataclass(eq=False, slots=True)
class Endpoint:
    """One address that serves a model. Times are `time.monotonic` seconds."""

    url: str  # http://host:port, no slash at the end
    revision: str
    in_flight: int = 0
    failures: int = 0  # in a row
    ejections: int = 0
    ejected_until: float = 0.0
    hung: bool = False
    progress: float = field(default_factory=time.monotonic)  # last byte, or last start from idle

    def ejected(self, now: float) -> bool:
        """Whether it is set aside."""
        return self.hung or self.ejected_until > now


class Choice(msgspec.Struct, frozen=True):
    """Where one attempt goes. ``track`` is None where the mesh decides; ``headers`` go to the engine's side only."""

    endpoint: Endpoint
    track: str | None
    headers: Mapping[str, str]

    @property
    def revision(self) -> str | None:
        """Revision of the endpoint, None where the mesh picks it."""
        return self.endpoint.revision or None


class Provider(Protocol):
    """Knows the engines. ``pick`` and ``done`` are called on the event loop for every attempt and never wait."""

    async def start(self) -> None:
        """Begin to follow the engines."""

    async def close(self) -> None:
        """Stop following them."""

    def update(self, snapshot: Snapshot) -> None:
        """Take a new configuration."""

    def brake(self, *, on: bool) -> None:
        """Pin all traffic to stable, or stop doing so."""

    def pick(
        self, model: Model, *, conversation: bytes, pin: str | None, avoid: AbstractSet[Endpoint]
    ) -> Choice | None:
        """An endpoint for one attempt, counted as in flight until ``done``; None where no engine is ready."""

    def done(self, model: Model, choice: Choice, verdict: Verdict, ttft: float | None = None) -> None:
        """The attempt ended."""

    def ready(self, model: str) -> Mapping[str, int]:
        """Ready engines by revision."""

    def gateways(self) -> int:
        """Ready gateway pods, this one included."""

    def weights(self, model: Model) -> Mapping[str, int]:
        """Weight in percent by revision, the brake applied."""

    def tick(self, now: float) -> None:
        """Once a second: what only time can tell."""

    def endpoints(self, model: str) -> Mapping[tuple[str, str], int]:
        """Count of endpoints by (revision, state)."""
