"""Faults at run time, on a port of their own: GET shows, POST sets, DELETE resets. ``control`` is its client."""

from __future__ import annotations

import dataclasses
import json
import sys
import urllib.error
import urllib.request
from http import HTTPStatus
from typing import TYPE_CHECKING

from fake_engine import faults as fault_names
from fake_engine.http import Response

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from fake_engine.faults import Faults
    from fake_engine.http import Request


def handler(faults: Faults, changed: Callable[[], Awaitable[None]]) -> Callable[[Request], Awaitable[Response]]:
    """Serve the faults; ``changed`` runs after each change."""

    async def handle(request: Request) -> Response:
        try:
            if request.method == "POST":
                faults.update(request.json())
            elif request.method == "DELETE":
                faults.reset()
        except (TypeError, ValueError, AttributeError) as error:
            return Response.of({"error": str(error)}, HTTPStatus.BAD_REQUEST)
        await changed()
        return Response.of(dataclasses.asdict(faults))

    return handle


def client(port: int, arguments: list[str]) -> int:
    """``control``, ``control reset`` or ``control hang=1 refusal=0.1``: prints the faults; exit 1 with the reason."""
    method, data = "GET", None
    if arguments == ["reset"]:
        method = "DELETE"
    elif arguments:
        method, data = "POST", json.dumps(fault_names.parse(",".join(arguments))).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{port}/", data=data, method=method)
    try:
        with urllib.request.urlopen(request, timeout=5) as reply:  # noqa: S310 -- the same
            sys.stdout.write(reply.read().decode() + "\n")
    except urllib.error.HTTPError as error:
        sys.stderr.write(error.read().decode() + "\n")
        return 1
    except urllib.error.URLError as error:
        sys.stderr.write(f"no fake engine on control port {port}: {error.reason}\n")
        return 1
    return 0
