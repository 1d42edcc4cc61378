"""Half an hour of everything at once: ``python -m tests.gateway.soak [--minutes 30] [--rate 20]``. Memory has to stay flat.

Streams, whole answers, embedded errors, clients that leave before and within the answer, slow readers, engines that hang, die and send
garbage, refusals of every kind, a configuration that changes every ten seconds and is broken every now and then. The
gateway is a process of its own; engines and clients are scripted ones of this process. Exit code 1 where memory, descriptors or counters
grow, or where anything is answered that should not be.
"""

# ruff: noqa: S311, T201 -- chance makes the mix, and a report is printed

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import random
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from tests.gateway.process import Process, serving
from tests.gateway.wire.lab import Client, Got, Mock, Seen, either, hang, prompt, raw, settings, stream, whole

SAMPLE_SECONDS = 5.0
RELOAD_SECONDS = 10.0
MIB = 1 << 20
GROWTH = 2 * MIB  # of the last third's median over the second's: some 170 bytes for each request at 20 per second
EXPECTED = {200, 400, 401, 404, 408, 413, 429, 499, 502, 503, 504}
LARGE = 64 << 10

Kind = Callable[["Soak"], Awaitable[None]]


class Soak:
    """The clients, and what they saw."""

    def __init__(self, process: Process, config: Path, document: dict[str, Any]) -> None:
        self.process, self.config, self.document = process, config, document
        self.statuses: Counter[int] = Counter()
        self.kinds: Counter[str] = Counter()
        self.memory: list[tuple[float, int, int]] = []  # seconds, bytes, descriptors
        self.began = time.monotonic()
        self.broken = 0

    async def ask(self, body: Any, **headers: str) -> Got:
        client = await Client.open(self.process.port)
        try:
            await client.send(body, **headers)
            got = await client.read()
            self.statuses[got.status] += 1
            return got
        finally:
            client.writer.transport.abort()

    async def load(self, rate: float, until: float) -> None:
        """Arrivals of every kind, as a Poisson process."""
        tasks: set[asyncio.Task[None]] = set()
        while time.monotonic() < until:
            await asyncio.sleep(random.expovariate(rate))
            (kind,) = random.choices(list(KINDS), weights=list(KINDS.values()))
            self.kinds[kind.__name__] += 1
            task = asyncio.create_task(self._one(kind))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        await asyncio.gather(*tasks)

    async def _one(self, kind: Kind) -> None:
        async with asyncio.timeout(60):  # the gateway's own deadlines end everything far sooner
            await kind(self)

    async def sample(self, until: float) -> None:
        """Memory and descriptors."""
        while time.monotonic() < until:
            await asyncio.sleep(SAMPLE_SECONDS)
            self.memory.append((time.monotonic() - self.began, self.process.rss(), self.process.descriptors()))
            await asyncio.to_thread(self.process.get, "/metrics")

    async def reload(self, until: float) -> None:
        """Another tenant, another weight, another limit; one in six is no configuration at all."""
        for number in range(1_000_000):
            if time.monotonic() > until:
                break
            await asyncio.sleep(RELOAD_SECONDS)
            if number % 6 == 5:
                self.config.write_text('{"models": {"chat": {"limits": {"maxPromptTokens": "many"}}}}')
                self.broken += 1
                continue
            changed = json.loads(json.dumps(self.document))
            changed["tenants"][f"guest-{number % 7}"] = {}
            changed["models"]["chat"]["tracks"]["canary"]["weight"] = number % 50
            changed["tenants"]["acme"]["limits"] = {"requestsPerMinute": 100_000 + number}
            self.config.write_text(json.dumps(changed))
        self.config.write_text(json.dumps(self.document))


async def whole_answer(soak: Soak) -> None:
    await soak.ask(prompt(f"question {random.random()}"))


async def streamed(soak: Soak) -> None:
    got = await soak.ask(prompt(f"question {random.random()}", stream=True))
    assert got.status != 200 or b"[DONE]" in got.body or b'"error"' in got.body, "a stream ends in one of two ways"


async def long_prompt(soak: Soak) -> None:
    await soak.ask(prompt("word " * random.randint(100, 3000)))


async def large_answer(soak: Soak) -> None:
    await soak.ask(prompt("large", model="large"))


async def leaves_early(soak: Soak) -> None:
    client = await Client.open(soak.process.port)
    await client.send(prompt("slow", model="slow", stream=random.random() < 0.5))
    await asyncio.sleep(random.random() * 0.2)
    client.leave()


async def leaves_within(soak: Soak) -> None:
    client = await Client.open(soak.process.port)
    await client.send(prompt(f"question {random.random()}", model="slow", stream=True))
    status, _ = await client.head()
    soak.statuses[status] += 1
    with contextlib.suppress(asyncio.IncompleteReadError, ValueError, ConnectionError):
        await client.chunk()
    client.leave()


async def slow_reader(soak: Soak) -> None:
    client = await Client.open(soak.process.port, window=4096)
    await client.send(prompt("large", model="large"))
    await asyncio.sleep(random.random() * 6)  # above the write timeout, or not
    client.leave()


async def half_a_body(soak: Soak) -> None:
    client = await Client.open(soak.process.port)
    await client.send(b'{"model": "chat"', content_length="1000")
    await asyncio.sleep(random.random())
    client.leave()


async def broken_engine(soak: Soak) -> None:
    got = await soak.ask(prompt(f"question {random.random()}", model="broken", stream=random.random() < 0.5))
    assert got.status != 200 or got.body, "nothing is no answer"


async def refused(soak: Soak) -> None:
    choice = random.randrange(5)
    if choice == 0:
        got = await soak.ask(prompt(), authorization="Bearer sk-nobody-0123456789")
    elif choice == 1:
        got = await soak.ask(b"{not json")
    elif choice == 2:
        got = await soak.ask(prompt(model=f"model-{random.random()}"))
    elif choice == 3:
        got = await soak.ask(b"", content_length=str(1 << 30))
    else:
        got = await soak.ask(prompt("x " * 20_000))
    assert got.status in {400, 401, 404, 413}, got


async def falls_back(soak: Soak) -> None:
    got = await soak.ask(prompt("dead", model="dead"))
    assert got.status in {200, 429, 502, 503}, got


KINDS: dict[Kind, float] = {
    whole_answer: 25,
    streamed: 30,
    long_prompt: 5,
    large_answer: 2,
    leaves_early: 8,
    leaves_within: 8,
    slow_reader: 2,
    half_a_body: 2,
    broken_engine: 8,
    refused: 8,
    falls_back: 4,
}


async def faulty(seen: Seen, writer: asyncio.StreamWriter) -> None:
    """An engine on a bad day."""
    scripts = (
        either,
        raw(b"", abort=True),
        raw(b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n{", abort=True),
        raw(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n5\r\ndata:", abort=True),
        raw(b"\x00\x01garbage\r\n\r\n"),
        whole(500),
        whole(503, {"error": {"message": "The server is currently busy"}}),
        hang,
    )  # fmt: skip
    await random.choice(scripts)(seen, writer)


def configuration(good: Mock, slow: Mock, bad: Mock) -> dict[str, Any]:
    document = settings(
        good.url,
        revisions={"v1": {"concurrency": 64}, "v2": {"concurrency": 64}},
        tracks={"stable": {"revision": "v1"}, "canary": {"revision": "v2", "weight": 5}},
        limits={"queueDepth": 64},
    )
    models = document["models"]
    quick = {"requestTimeoutSeconds": 4, "ttftTimeoutSeconds": 1.5, "idleTimeoutSeconds": 1.5}
    for name, engine in (("slow", slow), ("broken", bad), ("large", good)):
        models[name] = settings(engine.url, limits={"queueDepth": 64} | quick)["models"]["chat"]
    models["dead"] = settings("http://127.0.0.1:9", limits={"connectTimeoutSeconds": 0.2})["models"]["chat"]
    document["routing"] = {"default": "chat", "fallback": {"dead": ["chat"]}}
    document["tenants"]["acme"]["limits"] = {"requestsPerMinute": 100_000, "concurrentRequests": 1000}
    document["server"] = {"bodyTimeoutSeconds": 2, "writeTimeoutSeconds": 3}
    return document


def verdict(soak: Soak) -> list[str]:
    """What is wrong, from the second third on: the first is warming up."""
    third = len(soak.memory) // 3
    middle, last = soak.memory[third : 2 * third], soak.memory[2 * third :]
    found = []
    before, after = (statistics.median(sample[1] for sample in part) for part in (middle, last))
    if after > before + GROWTH:
        found.append(f"memory grew from {before / MIB:.1f} to {after / MIB:.1f} MiB")
    files = [statistics.median(sample[2] for sample in part) for part in (middle, last)]
    if files[1] > files[0] * 1.2 + 10:
        found.append(f"descriptors grew from {files[0]:.0f} to {files[1]:.0f}")
    if unexpected := set(soak.statuses) - EXPECTED:
        found.append(f"statuses that nothing explains: {sorted(unexpected)}")
    if internal := soak.process.events("internal_error"):
        found.append(f"{len(internal)} internal errors: {internal[0]}")
    rejected = len(soak.process.events("config_rejected"))
    if not rejected:
        found.append("no broken configuration was rejected")
    page = soak.process.get("/metrics")[1].decode()
    for name in ("llm_gateway_open_requests", "llm_gateway_in_flight_requests", "llm_gateway_queue_depth"):
        stuck = [line for line in page.splitlines() if line.startswith(name) and not line.endswith((" 0.0", " 0"))]
        found += [f"left over: {line}" for line in stuck]
    return found


async def main(options: argparse.Namespace) -> int:
    answer = whole(value={"usage": {"prompt_tokens": 1, "completion_tokens": 1}, "text": "x" * LARGE * 40})

    async def good(seen: Seen, writer: asyncio.StreamWriter) -> None:
        large = seen.body["model"] == "large"
        await (answer if large else stream(20, every=0.02) if seen.body.get("stream") else either)(seen, writer)

    async with Mock(good) as one, Mock(stream(40, every=0.1, first=0.1)) as slow, Mock(faulty) as bad:
        with tempfile.TemporaryDirectory() as made:
            folder = Path(made)
            document = configuration(one, slow, bad)
            with serving(document, folder) as process:
                document = json.loads((folder / "gateway.yaml").read_text())
                soak = Soak(process, folder / "gateway.yaml", document)
                until = time.monotonic() + options.minutes * 60
                await asyncio.gather(soak.load(options.rate, until), soak.sample(until), soak.reload(until))
                await asyncio.sleep(5)
                found = verdict(soak)
                report(soak)
                code = process.stop(30)
    for problem in found:
        print(f"FAILED: {problem}")
    return 1 if found or code else 0


def report(soak: Soak) -> None:
    print(f"{sum(soak.kinds.values())} requests: {dict(soak.kinds.most_common())}")
    print(f"statuses: {dict(sorted(soak.statuses.items()))}; reloads: {len(soak.process.events('config_applied'))} applied, "
          f"{len(soak.process.events('config_rejected'))} rejected")  # fmt: skip
    step = max(1, len(soak.memory) // 15)
    print("   s    MiB  files")
    for seconds, memory, files in soak.memory[::step]:
        print(f"{seconds:>5.0f} {memory / MIB:>6.1f} {files:>6}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--rate", type=float, default=20, help="requests per second")
    sys.exit(asyncio.run(main(parser.parse_args())))
