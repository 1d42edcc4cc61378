"""Limits per tenant, key and model: reserved before the engine works, given back to the unit after."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from llm_gateway.limits.memory import MemoryStore, Stats

if TYPE_CHECKING:
    from llm_gateway.config.snapshot import Snapshot
    from llm_gateway.limits.redis import RedisStore

__all__ = ["MemoryStore", "Stats", "open_store"]


def open_store(snapshot: Snapshot, *, clock: Callable[[], float] = time.time) -> MemoryStore | RedisStore:
    """The store that the configuration asks for; `start` it before use, and keep it across reloads that keep its settings."""
    settings = snapshot.limit_store
    if settings.kind == "memory":
        return MemoryStore(settings.replicas, clock=clock)
    from llm_gateway.limits.redis import RedisStore  # noqa: PLC0415 -- redis is 60 ms of import that memory does not need

    return RedisStore(settings, clock=clock)
