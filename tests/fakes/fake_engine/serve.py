"""The life of one engine: load with the port closed, serve, drain or cut on SIGTERM, exit."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from typing import TYPE_CHECKING

from fake_engine import control, errors
from fake_engine.app import App
from fake_engine.engine import Engine, StartupError
from fake_engine.http import Server

if TYPE_CHECKING:
    from typing import Any

    from fake_engine.settings import Settings

READY_TIMEOUT = 600.0  # VLLM_ENGINE_READY_TIMEOUT_S


def say(message: str) -> None:
    """Log a line, at once."""
    sys.stderr.write(f"INFO {time.strftime('%m-%d %H:%M:%S')} [fake_engine] {message}\n")
    sys.stderr.flush()


async def serve(options: dict[str, Any], settings: Settings) -> None:
    """Run until SIGTERM or SIGINT is done with. Raises StartupError."""
    engine = Engine(options, settings)
    server = Server(App(engine), host=options.get("host", "0.0.0.0"), port=engine.options["port"])  # noqa: S104 -- a pod
    told = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told.set)

    async def follow() -> None:
        if not engine.faults.refuse and loaded.is_set():
            await server.open()
        elif engine.faults.refuse:
            server.close()

    loaded = asyncio.Event()
    controls = Server(control.handler(engine.faults, follow), host=settings.control_host, port=settings.control_port)
    if settings.control_port:
        await controls.open()
    if not await _load(settings, told):
        return
    loaded.set()
    await follow()
    steps = asyncio.create_task(engine.scheduler.run())
    say(f"serving {', '.join(engine.names)} on port {server.port}")
    await told.wait()
    await _stop(engine)
    server.close()
    await asyncio.sleep(settings.teardown_seconds)
    steps.cancel()


async def _load(settings: Settings, told: asyncio.Event) -> bool:
    """Take the load time; False when told to stop meanwhile. Raises StartupError."""
    budget = float(os.environ.get("VLLM_ENGINE_READY_TIMEOUT_S", READY_TIMEOUT))
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(told.wait(), min(settings.load_seconds, budget))
        return False
    if settings.oom_at_load:
        raise StartupError(errors.OUT_OF_MEMORY)
    if settings.load_seconds > budget:
        raise StartupError(f"TimeoutError: Timed out waiting for engine core processes to start after {budget:.0f} s.")
    say(f"Loading weights took {settings.load_seconds:.2f} seconds")
    return True


async def _stop(engine: Engine) -> None:
    """Within --shutdown-timeout everything admitted completes; what is left then, or at once with 0, is cut."""
    timeout = float(engine.options["shutdown-timeout"])
    engine.scheduler.stopping = True
    say(f"told to stop: {engine.scheduler.unfinished} requests, {timeout:.0f} s to drain")
    until = time.monotonic() + timeout
    while engine.scheduler.unfinished and time.monotonic() < until:  # noqa: ASYNC110 -- it has a deadline
        await asyncio.sleep(0.02)
    engine.scheduler.abort_all()
    await asyncio.sleep(0.1)  # the last bytes leave
