"""Which limits bind one request: those of its tenant, its key, and its tenant on the model."""

from __future__ import annotations

from typing import Literal

import msgspec

from llm_gateway.types import Identity, Key, Limits, Tenant

Measure = Literal["requestsPerMinute", "tokensPerMinute", "concurrentRequests", "tokensPerDay"]
MINUTE: frozenset[Measure] = frozenset({"requestsPerMinute", "tokensPerMinute"})
DAY_MS = 86_400_000
_MOST_CACHED = 20_000


class Entry(msgspec.Struct, frozen=True):
    """One limit. name: for people and metrics, `tenant.tokensPerDay`; key: where it is counted, below the tenant."""

    name: str
    key: str
    measure: Measure
    limit: int

    def cost(self, tokens: int) -> int:
        """Units that a request of so many tokens takes."""
        return tokens if self.measure in ("tokensPerMinute", "tokensPerDay") else 1


class Entries:
    """The limits of each combination that occurs. Bounded by the configuration's names, not by what clients send."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str, str], tuple[Tenant, Key, tuple[Entry, ...]]] = {}

    def of(self, identity: Identity, model: str) -> tuple[Entry, ...]:
        """Limits that bind a request of ``identity`` to ``model``."""
        tenant, key = identity.tenant, identity.key
        known = self._known.get((tenant.name, key.name, model))
        if known is not None and known[0] is tenant and known[1] is key:
            return known[2]
        if len(self._known) >= _MOST_CACHED:
            self._known.clear()
        entries = (
            *_entries("tenant", "t", tenant.limits),
            *_entries("key", f"k:{key.name}", key.limits),
            *_entries("model", f"m:{model}", tenant.model_limits.get(model, Limits())),
        )
        self._known[tenant.name, key.name, model] = (tenant, key, entries)
        return entries


def _entries(scope: str, key: str, limits: Limits) -> list[Entry]:
    measures: tuple[tuple[Measure, str, int | None], ...] = (
        ("requestsPerMinute", "rpm", limits.requests_per_minute),
        ("tokensPerMinute", "tpm", limits.tokens_per_minute),
        ("concurrentRequests", "run", limits.concurrent_requests),
        ("tokensPerDay", "day", limits.tokens_per_day),
    )
    return [
        Entry(f"{scope}.{measure}", f"{key}:{short}", measure, limit)
        for measure, short, limit in measures
        if limit is not None
    ]
