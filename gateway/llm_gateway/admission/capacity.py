"""How many requests of a model one gateway may have running, and how many waiting."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

from llm_gateway.config.snapshot import Model


class Capacity(NamedTuple):
    """slots: running at once; depth: waiting at once."""

    slots: int
    depth: int


def capacity(
    model: Model, ready: Mapping[str, int], gateways: int, weights: Mapping[str, float] | None = None
) -> Capacity:
    """Share of one gateway: ⌈ min over weighted revisions with ready pods (ready × concurrency ÷ weight) ÷ gateways ⌉.

    A revision that gets a tenth of the requests and has one pod lets the whole model run ten times what that pod runs. Without
    weights by track (``weights``, any unit), those of the model's tracks hold. ready: pods per revision. A revision without ready
    pods is left out: traffic fails over to the others.
    """
    shares = weights if weights is not None else model.weights()
    live = {
        name: share
        for name, share in shares.items()
        if share > 0 and ready.get(name, 0) > 0 and name in model.revisions
    }
    if not live:
        return Capacity(0, 0)
    total = sum(live.values())
    running = min(ready[name] * model.revisions[name].concurrency * total / share for name, share in live.items())
    pods = sum(ready[name] for name in live)
    gateways = max(1, gateways)
    # A hair below, so that 30 ÷ 0.1 is 300 and not 301.
    return Capacity(math.ceil(running / gateways - 1e-9), math.ceil(pods * model.queue_depth / gateways))
