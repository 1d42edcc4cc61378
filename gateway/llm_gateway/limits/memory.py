"""Limits counted in this process: exact for one gateway, a share each for several."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

import msgspec

from llm_gateway.limits import answers
from llm_gateway.limits.entries import DAY_MS, Entries, Entry
from llm_gateway.limits.states import State, make_state
from llm_gateway.types import Grant, Identity, Refusal

_PRUNE_EVERY_MS = 60_000
_MOST_BOUND = 20_000


class Stats(msgspec.Struct):
    """What a store counts for metrics: grants made without the configured store, and errors of that store."""

    degraded: int = 0
    errors: int = 0


class MemoryStore:
    """See `types.Store`. ``stands_in``: for another store that is down, so that too large for a share is a matter of time."""

    def __init__(self, replicas: int = 1, *, clock: Callable[[], float] = time.time, stands_in: bool = False) -> None:
        self.stats = Stats()
        self.healthy = True
        self._clock = clock
        self._replicas = max(1, replicas)
        self._stands_in = stands_in
        self._entries = Entries()
        self._states: dict[tuple[str, str], State] = {}  # by tenant and key
        self._bound: dict[tuple[str, str, str], _Bound] = {}
        self._open: dict[str, tuple[State, ...]] = {}
        self._seen: dict[str, dict[str, tuple[Entry, State]]] = {}  # by tenant and key, for `usage`
        self._pruned_at = 0

    async def start(self) -> None:
        """Nothing to open."""

    async def close(self) -> None:
        """Nothing to close."""

    def set_replicas(self, count: int) -> None:
        """How many gateways share each limit."""
        if count != self._replicas:
            self._replicas = max(1, count)
            self._bound.clear()

    def usage(self, tenant: str) -> Mapping[str, float]:
        """Used share of each limit of the tenant at present; of several keys' or models', the largest."""
        now = int(self._clock() * 1000)
        used: dict[str, float] = {}
        for entry, state in self._seen.get(tenant, {}).values():
            used[entry.name] = max(used.get(entry.name, 0.0), answers.share(entry, state.level(now)))
        return used

    async def reserve(self, identity: Identity, model: str, cost: int, *, request_id: str) -> Grant | Refusal:
        """See `types.Store`."""
        return self.reserve_now(identity, model, cost, request_id=request_id)

    def reserve_now(self, identity: Identity, model: str, cost: int, *, request_id: str) -> Grant | Refusal:
        """`reserve`, which needs no waiting here: between its checks and its entries nothing else runs."""
        now = int(self._clock() * 1000)
        if now - self._pruned_at >= _PRUNE_EVERY_MS:
            self._prune(now)
        bound = self._binding(identity, model)
        entries, states = bound.entries, bound.states
        refusal = answers.too_large(entries, cost)
        if refusal is not None:
            return self._too_large_for_now(refusal) if self._stands_in else refusal
        for state in states:
            if state.wait(cost, now):
                return _exceeded(bound, cost, now)
        levels = [state.take(cost, now) for state in states]
        self._open[request_id] = states
        lines = answers.headers(entries, levels)
        day = now // DAY_MS
        return Grant(id=request_id, tenant=identity.tenant.name, tokens=cost, entries=(day, states), lines=lines)

    async def settle(self, grant: Grant, used: int) -> None:
        """See `types.Store`."""
        if self._open.pop(grant.id, None) is None:
            return
        now = int(self._clock() * 1000)
        day, states = grant.entries
        unused = grant.tokens - used
        for state in states:
            state.give_back(unused, day, now)

    def _binding(self, identity: Identity, model: str) -> _Bound:
        """The limits that bind the request, as shares where several gateways count, and where each is counted."""
        entries = self._entries.of(identity, model)
        names = (identity.tenant.name, identity.key.name, model)
        known = self._bound.get(names)
        if known is not None and known.source is entries:
            return known
        if len(self._bound) >= _MOST_BOUND:
            self._bound.clear()
        shares = tuple(
            msgspec.structs.replace(entry, limit=max(1, entry.limit // self._replicas)) if self._replicas > 1 else entry
            for entry in entries
        )
        states = tuple(self._state(identity.tenant.name, entry) for entry in shares)
        made = self._bound[names] = _Bound(entries, shares, states)
        seen = self._seen.setdefault(identity.tenant.name, {})
        for entry, state in zip(shares, states, strict=True):
            seen[entry.key] = (entry, state)
        return made

    def _state(self, tenant: str, entry: Entry) -> State:
        place = (tenant, entry.key)
        state = self._states.get(place)
        if state is None:
            state = self._states[place] = make_state(entry)
        state.limit = entry.limit
        return state

    def _prune(self, now: int) -> None:
        """Forget what is paid: tenants and keys come and go with the configuration."""
        self._pruned_at = now
        held = {id(state) for states in self._open.values() for state in states}
        self._states = {place: state for place, state in self._states.items() if state.level(now) or id(state) in held}
        self._bound.clear()
        self._seen = {
            tenant: kept
            for tenant, seen in self._seen.items()
            if (kept := {key: pair for key, pair in seen.items() if (tenant, key) in self._states})
        }

    def _too_large_for_now(self, refusal: Refusal) -> Refusal:
        return msgspec.structs.replace(
            refusal, status=429, code="rate_limit_exceeded", outcome="rate_limited", retry_after=5.0, param=None,
            message="The request is larger than what this gateway may grant while the limit store is unreachable.",
        )  # fmt: skip


class _Bound(msgspec.Struct, frozen=True):
    """What binds one tenant, key and model. source: the entries it was made from, to notice a new configuration."""

    source: tuple[Entry, ...]
    entries: tuple[Entry, ...]
    states: tuple[State, ...]


def _exceeded(bound: _Bound, cost: int, now: int) -> Refusal:
    """The refusal by the limit that will hold for the longest."""
    waits = [state.wait(cost, now) for state in bound.states]
    longest = max(waits)
    levels = [state.level(now) for state in bound.states]
    return answers.exceeded(bound.entries[waits.index(longest)], longest, answers.headers(bound.entries, levels))
