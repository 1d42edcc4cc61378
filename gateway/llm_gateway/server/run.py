"""The life of a gateway process: listen on two ports, reload, and on SIGTERM drain without losing a stream."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

from llm_gateway.config import Snapshot
from llm_gateway.reload import Reloader
from llm_gateway.server.app import api, operations
from llm_gateway.server.gateway import Gateway
from llm_gateway.server.listener import Listener, listen

ADMIN_GRACE = 1.0  # seconds, for a scrape on its way


async def run(snapshot: Snapshot, *, config: Path | None = None, gateway: Gateway | None = None) -> None:
    """Serve until SIGTERM or SIGINT, then drain.

    Draining: not ready, ``drain_delay_s`` seconds of service while load balancers learn it, no new connections, streams to their end or
    the drain limit. A second signal ends at once. Raises OSError where a port is taken, TokenizerError where a tokenizer cannot be used.
    """
    gateway = gateway or Gateway(snapshot)
    stop = asyncio.Event()
    hurry = asyncio.Event()
    _on_signals(stop, hurry)
    settings = snapshot.server
    ports = [listen(settings.host, port) for port in (settings.port, settings.admin_port)]
    await gateway.start()
    public, admin = Listener(api(gateway)), Listener(operations(gateway))
    for listener, port in zip((public, admin), ports, strict=True):
        await listener.start(port)
    reloader = Reloader(gateway, config) if config is not None else None
    if reloader is not None:
        reloader.start()
    models = sorted(snapshot.models)
    gateway.events.say(
        "started", port=settings.port, admin_port=settings.admin_port, models=models, config=snapshot.digest[:12]
    )
    await stop.wait()
    await _drain(gateway, public, hurry)
    await admin.stop(ADMIN_GRACE)
    if reloader is not None:
        await reloader.close()
    gateway.events.say("stopped", unfinished=gateway.open)
    await gateway.close()


async def _drain(gateway: Gateway, public: Listener, hurry: asyncio.Event) -> None:
    settings = gateway.snapshot.server
    gateway.draining = True
    gateway.events.say("draining", open_requests=gateway.open)
    try:
        await asyncio.wait_for(hurry.wait(), settings.drain_delay_s)
    except TimeoutError:
        await public.stop(settings.drain_s, hurry)
    else:
        await public.stop(0, hurry)


def _on_signals(stop: asyncio.Event, hurry: asyncio.Event) -> None:
    def told() -> None:
        (hurry if stop.is_set() else stop).set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told)
