"""Follow the configuration's files: read, validate, then swap; a mistake changes nothing but a metric and the log."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from llm_gateway import config
from llm_gateway import metrics as names

if TYPE_CHECKING:
    from llm_gateway.server.gateway import Gateway

SECONDS = 2.0  # between two looks; a ConfigMap takes the kubelet up to a minute anyway


class Reloader:
    """Looks at contents, not at events: mounted ConfigMaps and Secrets change by swapping a link, which file watchers miss."""

    def __init__(self, gateway: Gateway, file: Path, *, seconds: float = SECONDS) -> None:
        self._gateway, self._file, self._seconds = gateway, file, seconds
        self._seen = _digest([file, *gateway.snapshot.files])
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to look."""
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Stop looking."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def check(self) -> bool:
        """Look once; True when a new configuration was applied."""
        gateway = self._gateway
        seen = await asyncio.to_thread(_digest, [self._file, *gateway.snapshot.files])
        if seen == self._seen:
            return False
        self._seen = seen
        try:
            snapshot = await asyncio.to_thread(config.load, self._file)
            if snapshot.digest == gateway.snapshot.digest:
                return False
            await gateway.apply(snapshot)
        except config.ConfigProblems as error:
            self._rejected([f"{problem.id} {'.'.join(map(str, problem.path))}" for problem in error.problems])
            return False
        except Exception as error:  # noqa: BLE001 -- whatever it is, the configuration that works goes on
            self._rejected([type(error).__name__])
            return False
        self._seen = await asyncio.to_thread(_digest, [self._file, *snapshot.files])
        gateway.metrics.inc(names.RELOADS, "applied")
        gateway.events.say("config_applied", config=snapshot.digest[:12], warnings=list(snapshot.warnings))
        return True

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._seconds)
            await self.check()

    def _rejected(self, problems: list[str]) -> None:
        """Ids and paths only: a message may quote what stands in the file."""
        self._gateway.metrics.inc(names.RELOADS, "rejected")
        self._gateway.events.say("config_rejected", problems=problems)


def _digest(files: list[Path]) -> bytes:
    total = hashlib.sha256()
    for file in dict.fromkeys(files):
        total.update(str(file).encode())
        try:
            total.update(file.read_bytes())
        except OSError:
            total.update(b"\0missing")
    return total.digest()
