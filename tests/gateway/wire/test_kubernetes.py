"""Following EndpointSlices and the brake through an API server, which here is a script."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.gateway.wire.lab import Lab, Mock, Seen, either, prompt, running, settings, whole

from llm_gateway import config
from llm_gateway.logs import Events
from llm_gateway.metrics import Metrics
from llm_gateway.providers import open_provider
from llm_gateway.providers.kubernetes import KubernetesApi


class ApiServer:
    """Lists and watches, as far as the gateway uses it; ``set`` changes an object and tells every watch."""

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, Any]] = {}
        self.watches: list[tuple[str, asyncio.StreamWriter, bool]] = []
        self.version = 1
        self.queries: list[dict[str, list[str]]] = []

    async def __call__(self, seen: Seen, writer: asyncio.StreamWriter) -> None:
        split = urlsplit(seen.path)
        query = parse_qs(split.query)
        self.queries.append(query | {"path": [split.path], "auth": [seen.headers.get("authorization", "")]})
        kind = split.path.rsplit("/", 1)[1]
        own = (
            "service-name" in query.get("labelSelector", [""])[0]
        )  # the gateway's own Service; here its slices are named gw
        if "watch" in query:
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n")
            self.watches.append((kind, writer, own))
            await asyncio.sleep(3600)
        items = [
            item
            for name, item in self.objects.items()
            if name.startswith(kind) and name.startswith(f"{kind}/gw") == own
        ]
        body = json.dumps({"metadata": {"resourceVersion": str(self.version)}, "items": items}).encode()
        writer.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body) + body
        )

    def set(self, kind: str, name: str, item: dict[str, Any] | None) -> None:
        self.version += 1
        known = self.objects.pop(f"{kind}/{name}", None)
        value = item if item is not None else known or {}
        value.setdefault("metadata", {}).update({"name": name, "resourceVersion": str(self.version)})
        change = "DELETED" if item is None else "MODIFIED" if known else "ADDED"
        if item is not None:
            self.objects[f"{kind}/{name}"] = item
        for watched, writer, own in self.watches:
            if watched == kind and name.startswith("gw") == own:
                data = json.dumps({"type": change, "object": value}).encode() + b"\n"
                for part in (data[:10], data[10:]):  # a line need not come in one piece
                    writer.write(f"{len(part):x}\r\n".encode() + part + b"\r\n")

    def cut(self) -> None:
        for _, writer, _ in self.watches:
            writer.transport.abort()
        self.watches.clear()


def slice_of(revision: str, *engines: Mock, ready: bool = True) -> dict[str, Any]:
    ports = {engine.port for engine in engines}
    assert len(ports) <= 1
    return {
        "metadata": {"labels": {"llmgen.dev/model": "chat", "llmgen.dev/revision": revision}},
        "ports": [{"name": "http", "port": port} for port in ports],
        "endpoints": [{"addresses": ["127.0.0.1"], "conditions": {"ready": ready}} for _ in engines],
    }


@contextlib.asynccontextmanager
async def cluster(
    log: Path, kind: str, account: Path | None = None, **model: Any
) -> AsyncIterator[tuple[Lab, ApiServer]]:
    script = ApiServer()
    async with Mock(script) as server:
        document = settings("http://unused")
        tracks = {"stable": {"revision": "v1", "weight": 50}, "canary": {"revision": "v2", "weight": 50}}
        document["models"]["chat"] |= {
            "upstream": {"service": "chat"},
            "revisions": {"v1": {"concurrency": 4}, "v2": {}},
            "tracks": tracks,
        } | model
        document["provider"] = {
            "kind": kind,
            "namespace": "llm",
            "name": "llm-serving",
            "release": "rel",
            "gatewayService": "gw",
            "brakeConfigMap": "rel-brake",
        }

        def api() -> KubernetesApi:
            return KubernetesApi(server.url, account=account or Path("/nonexistent"))

        async with running(document, log, kubernetes=api) as lab:
            yield lab, script


async def until(condition: Any, seconds: float = 3) -> float:
    began = time.perf_counter()
    while not condition():
        assert time.perf_counter() - began < seconds
        await asyncio.sleep(0.005)
    return time.perf_counter() - began


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log"


def test_engines_come_and_go_with_their_slices(log: Path) -> None:
    async def main() -> None:
        async with Mock(either) as one, Mock(either) as two, cluster(log, "gateway") as (lab, api):
            got = await lab.ask()
            assert (got.status, got.error["code"]) == (503, "no_backend")
            api.set("endpointslices", "a", slice_of("v1", one))
            api.set("endpointslices", "b", slice_of("v2", two))
            await until(lambda: lab.gateway.provider.ready("chat") == {"v1": 1, "v2": 1})
            for number in range(40):
                assert (await lab.ask(prompt(f"conversation {number}"))).status == 200
            assert one.seen
            assert two.seen
            assert {seen.headers["x-llm-track"] for seen in one.seen} == {"stable"}
            assert {seen.headers["x-llm-track"] for seen in two.seen} == {"canary"}
            revisions = {(end["revision"], end["track"]) for end in await lab.finished(41)}
            assert revisions == {(None, None), ("v1", "stable"), ("v2", "canary")}
            api.set("endpointslices", "b", slice_of("v2", two, ready=False))
            await until(lambda: lab.gateway.provider.ready("chat") == {"v1": 1})
            api.set("endpointslices", "a", None)
            await until(lambda: lab.gateway.controller.stats("chat").slots == 0)

    asyncio.run(main())


@pytest.mark.parametrize("kind", ["gateway", "istio"])
def test_the_configuration_says_how_many_gateways_there_are_until_they_are_counted(kind: str) -> None:
    """Without an API server each pod would otherwise grant every limit in full."""
    document = settings("http://unused")
    document["models"]["chat"]["upstream"] = {"service": "chat"}
    document |= {"provider": {"kind": kind, "namespace": "llm"}, "limitStore": {"replicas": 6}}

    async def main() -> None:
        provider = open_provider(
            config.loads(json.dumps(document)),
            Metrics(),
            Events(),
            kubernetes=lambda: KubernetesApi("http://unused", account=Path("/nonexistent")),
            changed=lambda: None,
        )
        assert provider.gateways() == 6
        await provider.close()

    asyncio.run(main())


def test_slots_follow_pods_weights_and_gateways(log: Path) -> None:
    async def main() -> None:
        async with Mock(either) as one, cluster(log, "gateway", tracks={"stable": {"revision": "v1"}}) as (lab, api):
            api.set("endpointslices", "a", slice_of("v1", one))
            await until(lambda: lab.gateway.controller.stats("chat").slots == 4)
            own = {
                "metadata": {},
                "ports": [{"port": 8080}],
                "endpoints": [{"addresses": ["10.0.0.1"]}, {"addresses": ["10.0.0.2"]}],
            }
            api.set("endpointslices", "gw-1", own)
            await until(lambda: lab.gateway.controller.stats("chat").slots == 2)

    asyncio.run(main())


def test_the_brake_is_on_within_a_second_and_off_again(log: Path) -> None:
    async def main() -> None:
        async with Mock(either) as one, Mock(either) as two, cluster(log, "gateway") as (lab, api):
            api.set("endpointslices", "a", slice_of("v1", one))
            api.set("endpointslices", "b", slice_of("v2", two))
            await until(lambda: lab.gateway.provider.ready("chat") == {"v1": 1, "v2": 1})
            await until(lambda: any(kind == "configmaps" for kind, *_ in api.watches))
            api.set("configmaps", "rel-brake", {})
            assert await until(lambda: lab.metric("llm_gateway_brake") == 1) < 1
            for number in range(20):
                await lab.ask(prompt(f"conversation {number}"))
            assert (len(one.seen), len(two.seen)) == (20, 0)
            assert lab.metric('llm_gateway_track_weight{model="chat",track="stable"}') == 100
            api.set("configmaps", "rel-brake", None)
            await until(lambda: lab.metric("llm_gateway_brake") == 0)
            assert lab.metric('llm_gateway_track_weight{model="chat",track="canary"}') == 50

    asyncio.run(main())


def test_a_canary_that_fails_is_retried_on_stable(log: Path) -> None:
    async def main() -> None:
        tracks = {"stable": {"revision": "v1", "weight": 0}, "canary": {"revision": "v2", "weight": 100}}
        async with Mock(either) as one, Mock(whole(503)) as two, cluster(log, "gateway", tracks=tracks) as (lab, api):
            api.set("endpointslices", "a", slice_of("v1", one))
            api.set("endpointslices", "b", slice_of("v2", two))
            await until(lambda: lab.gateway.provider.ready("chat") == {"v1": 1, "v2": 1})
            assert (await lab.ask()).status == 200
            assert [seen.headers["x-llm-track"] for seen in (*two.seen, *one.seen)] == ["canary", "stable"]
            (end,) = await lab.finished()
            assert (end["revision"], end["track"], end["attempts"]) == ("v1", "stable", 2)

    asyncio.run(main())


def test_a_lost_api_server_changes_nothing_and_what_was_missed_is_caught_up_with(log: Path) -> None:
    async def main() -> None:
        async with Mock(either) as one, cluster(log, "gateway") as (lab, api):
            api.set("endpointslices", "a", slice_of("v1", one))
            await until(lambda: lab.gateway.provider.ready("chat") == {"v1": 1})
            await until(lambda: len(api.watches) == 3)
            api.cut()
            assert (await lab.ask()).status == 200
            api.set("configmaps", "rel-brake", {})  # nobody watches now: the list that follows has it
            assert await until(lambda: lab.metric("llm_gateway_brake") == 1, 5) < 5
            assert lab.events("kubernetes_watch_failed")

    asyncio.run(main())


def test_istio_is_called_by_service_and_told_the_pin(log: Path) -> None:
    async def main() -> None:
        async with Mock(either) as mesh, cluster(log, "istio") as (lab, api):
            assert lab.gateway.provider._services["chat"].url == "http://chat.llm:8000"  # type: ignore[attr-defined]
            lab.gateway.provider._services["chat"].url = mesh.url  # type: ignore[attr-defined] -- there is no mesh here
            assert (await lab.ask()).error["code"] == "no_backend"
            api.set("endpointslices", "a", slice_of("v1", mesh))
            await until(lambda: lab.gateway.provider.ready("chat") == {"v1": 1})
            assert (await lab.ask()).status == 200
            assert "x-llm-track" not in mesh.seen[-1].headers  # the mesh splits
            api.set("configmaps", "rel-brake", {})
            await until(lambda: lab.metric("llm_gateway_brake") == 1)
            await lab.ask()
            assert mesh.seen[-1].headers["x-llm-track"] == "stable"

    asyncio.run(main())


def test_only_the_releases_objects_are_asked_for_with_the_pods_token(log: Path, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("tok-1\n")

    async def main() -> None:
        async with cluster(log, "gateway", account=tmp_path) as (lab, api):
            await until(lambda: len(api.watches) == 3)
            asked = {
                (one["path"][0], one.get("labelSelector", [""])[0], one.get("fieldSelector", [""])[0])
                for one in api.queries
            }
            slices = "/apis/discovery.k8s.io/v1/namespaces/llm/endpointslices"
            assert asked == {
                (slices, "llmgen.dev/revision,app.kubernetes.io/name=llm-serving,app.kubernetes.io/instance=rel", ""),
                (slices, "kubernetes.io/service-name=gw", ""),
                ("/api/v1/namespaces/llm/configmaps", "", "metadata.name=rel-brake"),
            }
            assert {one["auth"][0] for one in api.queries} == {"Bearer tok-1"}
        assert "tok-1" not in lab.log

    asyncio.run(main())
