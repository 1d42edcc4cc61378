"""The life of a gateway process: listen on two ports, reload, and on SIGTERM drain without losing a stream."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import uvicorn

from llm_gateway.config import Snapshot
from llm_gateway.reload import Reloader
from llm_gateway.server.app import App, api, operations
from llm_gateway.server.gateway import Gateway
from llm_gateway.server.protocol import Protocol

BACKLOG = 2048
KEEP_ALIVE = 75  # seconds; above the 60 s that load balancers keep idle connections, so that they close first


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: two servers share one process, and draining has an order."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


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
    public = make_server(api(gateway), settings.host, settings.port, grace=settings.drain_s)
    admin = make_server(operations(gateway), settings.host, settings.admin_port, grace=1)
    serving = [asyncio.create_task(server.serve([port])) for server, port in zip((public, admin), ports, strict=True)]
    reloader = Reloader(gateway, config) if config is not None else None
    if reloader is not None:
        reloader.start()
    for server in (public, admin):
        while not server.started and not any(task.done() for task in serving):  # noqa: ASYNC110 -- uvicorn has no event for it
            await asyncio.sleep(0.01)
    models = sorted(snapshot.models)
    gateway.events.say(
        "started", port=settings.port, admin_port=settings.admin_port, models=models, config=snapshot.digest[:12]
    )
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait([stopped, *serving], return_when=asyncio.FIRST_COMPLETED)
    await _drain(gateway, public, serving[0], settings.drain_delay_s, hurry)
    admin.should_exit = True
    if reloader is not None:
        await reloader.close()
    await asyncio.gather(*serving)
    stopped.cancel()
    gateway.events.say("stopped", unfinished=gateway.open)
    await gateway.close()


def listen(host: str, port: int) -> socket.socket:
    """A socket that takes connections, before anything slow is loaded. Raises OSError where the port is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise OSError(error.errno, f"port {port} of {host}: {os.strerror(error.errno or 0)}") from error


async def _drain(
    gateway: Gateway, public: uvicorn.Server, serving: asyncio.Task[None], delay: float, hurry: asyncio.Event
) -> None:
    gateway.draining = True
    gateway.events.say("draining", open_requests=gateway.open)
    hurried = asyncio.create_task(hurry.wait())
    await asyncio.wait([hurried, serving], timeout=delay, return_when=asyncio.FIRST_COMPLETED)
    public.should_exit = True
    await asyncio.wait([hurried, serving], return_when=asyncio.FIRST_COMPLETED)
    public.force_exit = hurry.is_set()
    hurried.cancel()


def make_server(app: App, host: str, port: int, *, grace: float) -> uvicorn.Server:
    """A server that writes no log of its own; ``grace`` seconds for open connections when it stops."""
    return _Server(
        uvicorn.Config(
            app,
            host=host,
            port=port,
            http=Protocol,
            ws="none",
            lifespan="off",
            loop="none",
            interface="asgi3",
            log_config=None,
            log_level="critical",  # requests are logged by us, and a connection cut on purpose is no error
            access_log=False,
            server_header=False,
            proxy_headers=False,
            backlog=BACKLOG,
            timeout_keep_alive=KEEP_ALIVE,
            timeout_graceful_shutdown=max(1, round(grace)),
        )
    )


def _on_signals(stop: asyncio.Event, hurry: asyncio.Event) -> None:
    def told() -> None:
        (hurry if stop.is_set() else stop).set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told)
