"""Five times more than the engines can do: what they can do still gets done, fairly, and the rest is told to come back."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import Counter
from pathlib import Path

from tests.gateway.wire.lab import Client, Mock, Seen, prompt, running, settings, stream

SLOTS = 8
CLIENTS = 5 * SLOTS
SECONDS = 4.0
WARM = 0.5  # seconds until the slots are taken
ANSWER = stream(10, every=0.02)
BUSY = 0.88  # of the engine's slot time: no more than 30 ms go by until the slot of an answer, which takes 220 here, has the next


class Engine:
    """An engine that keeps account of its slots.

    What the engine does per second is the time its slots are taken, over the time that an answer takes. The second is the machine's,
    which may be busy; the first is the gateway's.
    """

    def __init__(self) -> None:
        self.running = self.most = self.whole = 0
        self.taken = 0.0  # seconds, of all slots together
        self.since = time.monotonic()

    def note(self, change: int = 0) -> float:
        now = time.monotonic()
        self.taken += self.running * (now - self.since)
        self.since = now
        self.running += change
        self.most = max(self.most, self.running)
        return self.taken

    async def __call__(self, seen: Seen, writer: asyncio.StreamWriter) -> None:
        self.note(+1)
        try:
            await ANSWER(seen, writer)
            self.whole += 1
        finally:
            self.note(-1)


def test_goodput_holds_and_tenants_share(tmp_path: Path) -> None:
    async def main() -> None:
        engine = Engine()
        async with Mock(engine) as mock:
            document = settings(
                mock.url,
                revisions={"v1": {"concurrency": SLOTS}},
                limits={"queueDepth": SLOTS, "queueTimeoutSeconds": 2},
            )
            for name in ("calm", "greedy"):
                digest = "sha256:" + hashlib.sha256(f"sk-{name}-0123456789abcdef0123".encode()).hexdigest()
                document["tenants"][name] = {"keys": {"main": {"sha256": digest}}}
            async with running(document, tmp_path / "log") as lab:
                counts: Counter[tuple[str, int]] = Counter()
                until = time.monotonic() + SECONDS

                async def client(tenant: str) -> None:
                    connection = await Client.open(lab.port)
                    key = f"Bearer sk-{tenant}-0123456789abcdef0123"
                    while time.monotonic() < until:
                        await connection.send(prompt(stream=True), authorization=key)
                        got = await connection.read()
                        counts[tenant, got.status] += 1
                        if got.status != 200:
                            assert int(got.headers["retry-after"]) >= 1
                            await asyncio.sleep(0.05)  # far sooner than told

                async def busy() -> float:
                    await asyncio.sleep(WARM)
                    began, before = time.monotonic(), engine.note()
                    await asyncio.sleep(max(0.0, until - began))
                    return (engine.note() - before) / (time.monotonic() - began) / SLOTS

                tenants = ["calm"] * SLOTS + ["greedy"] * (CLIENTS - SLOTS)
                share, *_ = await asyncio.gather(busy(), *(client(tenant) for tenant in tenants))
                assert share > BUSY
                assert engine.most == SLOTS  # and never more than it can do
                # Every answer reached a client, and nothing was asked twice.
                assert counts["calm", 200] + counts["greedy", 200] == engine.whole == len(mock.seen)
                assert {status for _, status in counts} == {200, 429}  # no error of its own making
                # Equal weights: four times the clients do not buy four times the answers.
                assert counts["calm", 200] > 0.8 * counts["greedy", 200]
                assert lab.gateway.controller.stats("chat").running == 0

    asyncio.run(main())
