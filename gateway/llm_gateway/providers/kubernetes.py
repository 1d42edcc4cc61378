"""List and watch objects through the Kubernetes API, with aiohttp alone: no client library for three verbs."""

from __future__ import annotations

import asyncio
import os
import random
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any

import aiohttp
import orjson

from llm_gateway.logs import Events

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
WATCH_SECONDS = 60  # the server ends a watch after this; a dead connection is noticed not much later
LONGEST_WAIT = 2.0  # seconds between two tries: the brake must be seen within 5 s of an API server that is back

Objects = Mapping[str, dict[str, Any]]
"""Objects by name."""


def own_namespace() -> str:
    """Namespace of the pod that this process runs in."""
    file = ACCOUNT / "namespace"
    return file.read_text().strip() if file.exists() else "default"


class KubernetesApi:
    """The API server, as a pod sees it. The token is read anew for each connection: the kubelet rotates it."""

    def __init__(self, base: str | None = None, *, account: Path = ACCOUNT) -> None:
        host = os.environ.get("KUBERNETES_SERVICE_HOST", "kubernetes.default.svc")
        port = os.environ.get("KUBERNETES_SERVICE_PORT", "443")
        host = f"[{host}]" if ":" in host else host
        self.base = base or f"https://{host}:{port}"
        self._account = account
        self._session: aiohttp.ClientSession | None = None

    def session(self) -> aiohttp.ClientSession:
        """Made at first use, inside the event loop."""
        if self._session is None:
            authority = self._account / "ca.crt"
            trust: ssl.SSLContext | bool = True
            if authority.exists():
                trust = ssl.create_default_context(cafile=str(authority))
            timeout = aiohttp.ClientTimeout(total=None, sock_connect=5, sock_read=WATCH_SECONDS + 15)
            self._session = aiohttp.ClientSession(timeout=timeout, connector=aiohttp.TCPConnector(ssl=trust))
        return self._session

    async def close(self) -> None:
        """Close connections."""
        if self._session is not None:
            await self._session.close()

    def headers(self) -> dict[str, str]:
        """The pod's own identity, where it has one."""
        token = self._account / "token"
        return {"authorization": f"Bearer {token.read_text().strip()}"} if token.exists() else {}


class Watch:
    """Follows one kind of object and calls ``changed`` with all of them after each change. Keeps what it knew while the API is away."""

    def __init__(
        self,
        api: KubernetesApi,
        path: str,
        selector: Mapping[str, str],
        changed: Callable[[Objects], None],
        events: Events,
    ) -> None:
        self._api, self._path, self._selector, self._changed, self._events = api, path, dict(selector), changed, events
        self._objects: dict[str, dict[str, Any]] = {}
        self.synced = asyncio.Event()

    async def run(self) -> None:
        """Follow until cancelled."""
        wait = 0.1
        while True:
            try:
                version: str | None = await self._list()
                self.synced.set()
                wait = 0.1
                while version is not None:
                    version = await self._stream(version)
            except (aiohttp.ClientError, OSError, TimeoutError, ValueError, KeyError) as error:
                self._events.say(
                    "kubernetes_watch_failed", path=self._path, error=type(error).__name__, retry_seconds=wait
                )
            await asyncio.sleep(wait * random.uniform(0.7, 1.3))  # noqa: S311 -- jitter, so that gateways do not come all at once
            wait = min(wait * 2, LONGEST_WAIT)

    async def _list(self) -> str:
        """All objects at once; the version to watch from."""
        url = self._api.base + self._path
        async with self._api.session().get(url, params=self._selector, headers=self._api.headers()) as reply:
            reply.raise_for_status()
            found = orjson.loads(await reply.read())
        self._objects = {item["metadata"]["name"]: item for item in found.get("items") or ()}
        self._changed(self._objects)
        return str(found["metadata"]["resourceVersion"])

    async def _stream(self, version: str) -> str | None:
        """Changes since ``version`` until the server ends the watch; where to go on, None where to list anew."""
        query = {
            **self._selector, "watch": "1", "resourceVersion": version, "allowWatchBookmarks": "true", "timeoutSeconds": str(WATCH_SECONDS),
        }  # fmt: skip
        url = self._api.base + self._path
        async with self._api.session().get(url, params=query, headers=self._api.headers()) as reply:
            if reply.status == HTTPStatus.GONE:
                return None
            reply.raise_for_status()
            async for line in _lines(reply.content):
                event = orjson.loads(line)
                if event["type"] == "ERROR":
                    return None
                version = event["object"]["metadata"]["resourceVersion"]
                self._take(event["type"], event["object"])
        return version

    def _take(self, kind: str, item: dict[str, Any]) -> None:
        name = item["metadata"].get("name", "")
        if kind == "BOOKMARK":
            return
        if kind == "DELETED":
            self._objects.pop(name, None)
        else:
            self._objects[name] = item
        self._changed(self._objects)


async def _lines(stream: aiohttp.StreamReader) -> AsyncIterator[bytes]:
    """Lines of any length: aiohttp's own reader refuses those above its buffer, and a full slice is longer."""
    rest = b""
    async for part in stream.iter_any():
        *whole, rest = (rest + part).split(b"\n")
        for line in whole:
            if line:
                yield line
