"""Five times more than the engines can do, for five minutes; then a flood of batch requests beside interactive ones.

The engine is a fake of known capacity: so many requests at once, each with a first token after a fixed time and between half and one and a
half times the mean number of tokens (of one length, answers would begin and end in step). Arrivals are a Poisson process that does
not wait for answers, as many users are. The gateway is a process of its own with its policies on. Three things are measured:

    peak       goodput at 1.2 times the capacity: what the engine does when it is just full
    overload   goodput at five times the capacity, what each tenant gets of its fair share, statuses, memory
    flood      interactive p95 TTFT alone, and beside batch requests of five times the capacity; interactive ones ask for 60 % of the
               slots that admission.batchSlotsPercent keeps from batch

A tenant's fair share is the weighted max-min one: nobody gets more than it asks for, and what is left is divided by `priority`.
Goals are stated, and the exit code is 1 where one is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hashlib
import statistics
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.gateway.process import serving
from tests.ports import free_port

from overload_load import CAPACITY, SLOTS, Load, Phase, engine, key

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Caller:
    """One tenant: its weight, and what it offers as a multiple of the capacity."""

    weight: int
    offered: float


OVERLOAD = {"greedy": Caller(10, 3.1), "busy": Caller(20, 1.2), "steady": Caller(10, 0.6), "small": Caller(10, 0.1)}
TENANTS = {**{name: caller.weight for name, caller in OVERLOAD.items()}, "people": 10, "nightly": 10}


def configuration(port: int) -> dict[str, Any]:
    """One model on the engine, and every tenant with limits that count and do not bind."""
    limits = {"requestsPerMinute": 1_000_000, "tokensPerMinute": 1_000_000_000, "concurrentRequests": 100_000}
    chat = {
        "limits": {"maxPromptTokens": 4096, "maxCompletionTokens": 256, "queueDepth": SLOTS, "queueTimeoutSeconds": 5},
        "upstream": {"urls": [f"http://127.0.0.1:{port}"]},
        "revisions": {"v1": {"concurrency": SLOTS}},
    }
    return {
        "models": {"chat": chat},
        "tenants": {
            name: {
                "priority": weight,
                "limits": limits,
                "keys": {"main": {"sha256": "sha256:" + hashlib.sha256(key(name).encode()).hexdigest()}},
            }
            for name, weight in TENANTS.items()
        },
    }


def shares(capacity: float, demand: dict[str, float], weights: dict[str, int]) -> dict[str, float]:
    """Weighted max-min fair shares of the capacity."""
    found: dict[str, float] = {}
    rest = dict(demand)
    while rest:
        level = (capacity - sum(found.values())) / sum(weights[name] for name in rest)
        sated = {name: asked for name, asked in rest.items() if asked <= level * weights[name]}
        if not sated:
            return found | {name: level * weights[name] for name in rest}
        found |= sated
        rest = {name: asked for name, asked in rest.items() if name not in sated}
    return found


class Goals:
    """Goals, each said with what came of it."""

    def __init__(self) -> None:
        self.missed = 0

    def say(self, text: str, *, met: bool) -> None:
        """One goal."""
        self.missed += not met
        print(f"  {'met   ' if met else 'MISSED'}  {text}", flush=True)


async def overload(load: Load, goals: Goals, options: argparse.Namespace) -> None:
    """The first two phases."""
    weights = {name: caller.weight for name, caller in OVERLOAD.items()}
    total = sum(caller.offered for caller in OVERLOAD.values())
    rates = {name: (caller.offered * CAPACITY, "interactive") for name, caller in OVERLOAD.items()}
    full = await load.phase({name: (rate * 1.2 / total, klass) for name, (rate, klass) in rates.items()}, options.peak)
    print(
        f"peak       {full.goodput:6.2f} answers/s at 1.2 × the capacity of {CAPACITY:.1f}/s, over {full.seconds:.0f} s"
    )
    over = await load.phase(rates, options.seconds)
    offered = sum(over.offered.values()) / over.seconds
    print(f"overload   {over.goodput:6.2f} answers/s at {offered / CAPACITY:.1f} × the capacity, over {over.seconds:.0f} s; statuses "
          f"{dict(sorted(over.statuses.items()))}")  # fmt: skip
    goals.say(
        f"goodput {over.goodput / full.goodput:.1%} of the peak, at least 95 %", met=over.goodput >= 0.95 * full.goodput
    )
    demand = {name: over.offered[name] / over.seconds for name in OVERLOAD}
    fair = shares(over.goodput, demand, weights)
    print("  tenant  weight  offered/s  fair share/s  answers/s")
    for name, caller in OVERLOAD.items():
        print(
            f"  {name:<8}{caller.weight:>5}{demand[name]:>11.1f}{fair[name]:>14.2f}{over.served[name] / over.seconds:>11.2f}"
        )
    least = min(over.served[name] / over.seconds / fair[name] for name in OVERLOAD)
    goals.say(f"the least served tenant has {least:.1%} of its fair share, at least 95 %", met=least >= 0.95)
    bad = sorted(status for status in over.statuses if status >= 500)
    goals.say(f"5xx: {bad or 'none'}", met=not bad)
    quarter = max(1, len(over.memory) // 4)
    before, after = statistics.median(over.memory[quarter : 2 * quarter]), statistics.median(over.memory[-quarter:])
    text = f"memory {before / MIB:.1f} MiB in the second quarter, {after / MIB:.1f} in the last, {max(over.memory) / MIB:.1f} at most"
    goals.say(text, met=after <= before * 1.03 + 2 * MIB)


async def flood(load: Load, goals: Goals, options: argparse.Namespace) -> None:
    """The third phase, alone and flooded in turns: a busy machine slows both."""
    people = {"people": (options.people * CAPACITY, "interactive")}
    alone, flooded = Phase(0), Phase(0)
    for _ in range(options.turns):
        for batch, total in (({}, alone), ({"nightly": (5 * CAPACITY, "batch")}, flooded)):
            one = await load.phase({**people, **batch}, options.flood / options.turns)
            total.ttft.setdefault("people", []).extend(one.ttft["people"])
            total.good += one.good
            total.seconds += one.seconds
    ratio = flooded.p95("people") / alone.p95("people")
    milliseconds = [phase.p95("people") * 1000 for phase in (alone, flooded)]
    print(
        f"flood      interactive p95 TTFT {milliseconds[0]:.0f} ms alone, {milliseconds[1]:.0f} ms beside batch of 5 × the capacity "
        f"({flooded.good['nightly'] / flooded.seconds:.1f} batch answers/s got through)"
    )
    goals.say(f"× {ratio:.2f}, at most 1.2", met=ratio <= 1.2)


async def main(options: argparse.Namespace) -> int:
    """Print the table."""
    port = free_port()
    child = await asyncio.create_subprocess_exec(sys.executable, __file__, "--engine", str(port))
    goals = Goals()
    try:
        with tempfile.TemporaryDirectory() as made, serving(configuration(port), Path(made)) as process:
            load = Load(process)
            if not options.only or options.only == "overload":
                await overload(load, goals, options)
            if not options.only or options.only == "flood":
                await flood(load, goals, options)
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET / HTTP/1.1\r\n\r\n")
            most = int((await reader.readuntil(b"\r\n\r\n") + await reader.read(9)).rsplit(b"\r\n", 1)[1])
            goals.say(f"at most {most} requests at once on an engine of {SLOTS} slots", met=most <= SLOTS)
    finally:
        with contextlib.suppress(ProcessLookupError):
            child.kill()
        await child.wait()
    return 1 if goals.missed else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", type=int, help="only serve the engine on this port")
    parser.add_argument("--seconds", type=float, default=300, help="of overload")
    parser.add_argument("--peak", type=float, default=30, help="seconds of the peak before it")
    parser.add_argument("--flood", type=float, default=120, help="seconds with, and as many without, batch requests")
    parser.add_argument(
        "--people", type=float, default=0.15, help="interactive load of the flood, as a share of the capacity"
    )
    parser.add_argument("--turns", type=int, default=4, help="how often the flood comes and goes")
    parser.add_argument("--only", choices=("overload", "flood"), help="only this part")
    chosen = parser.parse_args()
    import uvloop

    with contextlib.suppress(KeyboardInterrupt):
        sys.exit(uvloop.run(engine(chosen.engine) if chosen.engine else main(chosen)))
