"""The gateway reads what the chart renders for it, and most of what changes there restarts nothing."""

from __future__ import annotations

import copy
import re
from typing import TYPE_CHECKING, Any

import pytest
from tests.chart.conftest import CASES, CHART, ROOT, Helm, ci_values, load, load_all, only

from llm_gateway import config, fetch

if TYPE_CHECKING:
    from pathlib import Path

SURFACE: dict[str, Any] = load((CHART / "files" / "gateway.yaml").read_text())
SECRETS = SURFACE["directories"]["secrets"]
ON = {"gateway": {"enabled": True}}
HUB = {"hub": {"repo": "a/b", "revision": "0123456789abcdef0123456789abcdef01234567"}}


def text_of(objects: list[dict[str, Any]]) -> str:
    files = [item["data"] for item in objects if item["kind"] == "ConfigMap"]
    return next(data[SURFACE["configFile"]] for data in files if SURFACE["configFile"] in data)


def deployment(objects: list[dict[str, Any]]) -> dict[str, Any]:
    name = next(item["metadata"]["name"] for item in objects if item["kind"] == "RoleBinding")
    return only(objects, "Deployment", name)


def read(objects: list[dict[str, Any]], folder: Path) -> config.Snapshot:
    """Read the configuration as a pod would, its Secrets mounted below ``folder``."""
    volumes = deployment(objects)["spec"]["template"]["spec"]["volumes"]
    sources = next((volume["projected"]["sources"] for volume in volumes if volume["name"] == "secrets"), [])
    for number, source in enumerate(sources):
        file = folder / source["secret"]["items"][0]["path"]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"sha256:{number:064x}")
    return config.loads(text_of(objects).replace(SECRETS, str(folder)))


@pytest.mark.parametrize("case", CASES)
def test_the_gateway_reads_what_the_chart_renders(helm: Helm, case: str, tmp_path: Path):
    objects = helm.objects(CHART / "ci" / f"{case}-values.yaml", values=ON)
    try:
        snapshot = read(objects, tmp_path)
    except config.ConfigProblems as error:
        pytest.fail(error.report)
    enabled = {name for name, model in ci_values(case)["models"].items() if model.get("enabled", True)}
    assert set(snapshot.models) == enabled
    ports = {port["containerPort"] for port in gateway_container(objects)["ports"]}
    assert ports == {snapshot.server.port, snapshot.server.admin_port}


GOLDENS = sorted(
    file
    for file in (ROOT / "tests" / "golden").glob("*/manifests.yaml")
    if f"{SURFACE['configFile']}: " in file.read_text()  # the others have the gateway off
)


def test_most_goldens_have_a_gateway():
    assert len(GOLDENS) >= 15


@pytest.mark.parametrize("file", GOLDENS, ids=lambda file: file.parent.name)
def test_the_gateway_reads_what_a_spec_becomes(file: Path, tmp_path: Path):
    """The spec's contract and the gateway's agree on what is allowed."""
    try:
        snapshot = read(load_all(file.read_text()), tmp_path)
    except config.ConfigProblems as error:
        pytest.fail(error.report)
    values = load((file.parent / "values.yaml").read_text())
    assert set(snapshot.models) == {name for name, model in values["models"].items() if model.get("enabled", True)}
    assert set(snapshot.tenants) >= set(values.get("tenants") or {})


def gateway_container(objects: list[dict[str, Any]]) -> dict[str, Any]:
    container: dict[str, Any] = deployment(objects)["spec"]["template"]["spec"]["containers"][0]
    return container


def test_every_key_of_the_policy_arrives(helm: Helm, tmp_path: Path):
    snapshot = read(helm.objects(CHART / "ci" / "all-branches-values.yaml"), tmp_path)
    acme = snapshot.tenants["acme"]
    assert (acme.tier, acme.priority, acme.may_pin_track) == ("premium", 20, True)
    assert acme.models == {"chat", "embedder"}
    assert {key.name for key in acme.keys} == {"primary", "old"}
    assert acme.limits.tokens_per_day == 50_000_000
    assert {key.name: key.limits.requests_per_minute for key in acme.keys} == {"primary": None, "old": 60}
    assert {model: limits.tokens_per_minute for model, limits in acme.model_limits.items()} == {"chat": 200_000}
    assert set(snapshot.tenants) == {"acme", "visitors"}
    assert snapshot.anonymous == snapshot.tenants["visitors"]
    assert snapshot.routing.default == "chat"
    assert dict(snapshot.routing.aliases) == {"gpt-4o-mini": "chat"}
    assert [rule.name for rule in snapshot.routing.rules] == ["drafts"]
    rule = snapshot.routing.rules[0]
    assert (rule.tier, rule.min_quality, rule.min_tokens, rule.max_tokens) == ("standard", 30, 1, 500)
    assert snapshot.models["embedder"].fallback == ("embedder-small",)
    assert snapshot.limit_store.address == ("redis.stores", 6380)
    assert snapshot.limit_store.tls
    assert snapshot.limit_store.password is not None
    assert snapshot.admission.rank("premium") == 0
    assert snapshot.jwt is not None
    chat = snapshot.models["chat"]
    assert (chat.served_name, chat.quality, chat.queue_timeout_s) == ("assistant", 80, 20)
    assert (chat.ttft_timeout_s, chat.parameters) == (45, {"custom_sampler"})
    assert snapshot.models["embedder"].ttft_timeout_s == snapshot.models["embedder"].request_timeout_s
    assert snapshot.server.tenant_label_limit == 50
    assert chat.upstream.api_key is not None
    assert snapshot.server.max_body_bytes == 8_388_608
    assert snapshot.unsupported_parameters == "refuse"
    assert snapshot.retry_budget_percent == 10


def test_the_model_is_asked_where_its_service_is(helm: Helm, tmp_path: Path):
    objects = helm.objects(CHART / "ci" / "minimal-values.yaml", values=ON)
    upstream = read(objects, tmp_path).models["chat"].upstream
    service = only(objects, "Service", upstream.service)
    assert upstream.port == service["spec"]["ports"][0]["port"]
    provider = read(objects, tmp_path).provider
    own = only(objects, "Service", provider.gateway_service)
    assert own["spec"]["selector"].items() <= deployment(objects)["spec"]["template"]["metadata"]["labels"].items()
    assert own["spec"]["ports"][0]["name"] == "http", "slices are read by this name"
    role = only(objects, "Role")
    assert role["rules"][1]["resourceNames"] == [provider.brake_config_map]


def test_sources_of_tokenizers_are_what_the_fetch_reads(helm: Helm):
    for case in CASES:
        objects = helm.objects(CHART / "ci" / f"{case}-values.yaml", values=ON)
        paths = re.findall(rf"path: {SURFACE['directories']['tokenizers']}/(\S+)", text_of(objects))
        for container in deployment(objects)["spec"]["template"]["spec"].get("initContainers", []):
            root, *texts = container["args"]
            assert root == SURFACE["directories"]["tokenizers"]
            sources = [fetch.Source.parse(text) for text in texts]
            assert set(paths) <= {source.target for source in sources}
            variables = {entry["name"] for entry in container["env"]}
            assert {source.variable for source in sources if source.variable} <= variables


def two_revisions() -> dict[str, Any]:
    values = {**ci_values("minimal"), **copy.deepcopy(ON)}
    chat = values["models"]["chat"]
    chat["revisions"] = {"v1": {"weights": HUB}, "v2": {"weights": {"hub": {**HUB["hub"], "repo": "a/c"}}}}
    chat["tracks"] = {"stable": {"revision": "v1"}, "canary": {"revision": "v2"}}
    values["tenants"] = {"acme": {}}
    return values


def changed(change: dict[str, Any], tracks: dict[str, Any] | None = None) -> dict[str, Any]:
    values = copy.deepcopy(two_revisions())
    values.update(change)
    if tracks:
        values["models"]["chat"]["tracks"] = tracks
    return values


FOLLOWED = {
    "a weight": changed({}, {"stable": {"revision": "v1", "weight": 95}, "canary": {"revision": "v2", "weight": 5}}),
    "a promotion": changed({}, {"stable": {"revision": "v2"}, "previous": {"revision": "v1"}}),
    "a tenant": changed({"tenants": {"acme": {"limits": {"requestsPerMinute": 5}}, "umbrella": {}}}),
    "a rule": changed({"routing": {"rules": {"one": {"order": 1, "when": {"tools": True}, "model": "chat"}}}}),
}


@pytest.mark.parametrize("change", FOLLOWED)
def test_what_the_gateway_follows_restarts_nothing(helm: Helm, change: str):
    before, after = helm.objects(values=two_revisions()), helm.objects(values=FOLLOWED[change])
    assert text_of(before) != text_of(after)
    assert deployment(before) == deployment(after)


def test_what_is_read_at_the_start_restarts_the_gateway(helm: Helm):
    before = helm.objects(values=two_revisions())
    after = helm.objects(values=changed({"gateway": {"enabled": True, "maxBodyBytes": 2048}}))
    assert deployment(before) != deployment(after)


def test_a_weight_reaches_the_balancer(helm: Helm, tmp_path: Path):
    snapshot = read(helm.objects(values=FOLLOWED["a weight"]), tmp_path)
    assert snapshot.models["chat"].weights() == {"v1": 95, "v2": 5}


def test_an_answer_may_end_before_the_pod_is_killed(helm: Helm, tmp_path: Path):
    for case in CASES:
        objects = helm.objects(CHART / "ci" / f"{case}-values.yaml", values=ON)
        snapshot = read(objects, tmp_path)
        longest = max(model.queue_timeout_s + model.request_timeout_s for model in snapshot.models.values())
        pod = deployment(objects)["spec"]["template"]["spec"]
        pause = pod["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
        assert snapshot.server.drain_s >= longest
        assert pod["terminationGracePeriodSeconds"] > pause + snapshot.server.drain_s
