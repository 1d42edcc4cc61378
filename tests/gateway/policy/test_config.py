"""One file in, one snapshot out, or every mistake at once, where it stands."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from tests.gateway.policy.conftest import BASE, merged, sha, snapshot

from llm_gateway import config
from llm_gateway.secret import Secret
from llmgen.contract import load_schema
from llmgen.spec.defaults import fill

SCHEMA = load_schema("gateway-config")
SPEC = load_schema("serving-spec")


def mistakes(patch: dict[str, Any]) -> str:
    with pytest.raises(config.ConfigProblems) as caught:
        snapshot(patch)
    return caught.value.report


def properties(schema: Any, place: str = "") -> list[tuple[str, dict[str, Any]]]:
    found = []
    for name, inner in schema.get("properties", {}).items():
        found.append((f"{place}.{name}", inner))
        found += properties(inner, f"{place}.{name}")
    for name, inner in schema.get("$defs", {}).items():
        found += properties(inner, f"#{name}")
    return found


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(dict(SCHEMA))
    jsonschema.validate(BASE, dict(SCHEMA))


@pytest.mark.parametrize(
    ("place", "schema"), properties(SCHEMA), ids=lambda item: item if isinstance(item, str) else ""
)
def test_every_property_is_described(place: str, schema: dict[str, Any]) -> None:
    if "$ref" in schema and "description" not in schema:
        return
    assert schema["description"].endswith((".", ")")), place
    scalar = schema.get("type") in ("string", "integer", "number", "boolean", "array") or "enum" in schema
    if scalar:
        assert schema.get("examples"), place
        required = any(
            place.rpartition(".")[2] in part.get("required", ()) for part in (SCHEMA, *SCHEMA["$defs"].values())
        )
        assert "default" in schema or "x-default" in schema or required or place in ("#key.sha256", "#key.file"), place
    if schema.get("type") in ("integer", "number") and place not in UNITLESS:
        assert "x-unit" in schema, place


UNITLESS = {
    "#server.port",
    "#server.adminPort",
    "#upstream.port",
    "#model.quality",
    "#rule.order",
    "#conditions.minQuality",
    "#tenant.priority",
}


@pytest.mark.parametrize(
    ("ours", "theirs", "but"),
    [
        ("rule", "rule", {"when"}),
        ("conditions", ("rule", "when"), {"promptTokens", "class"}),
        ("routing", "routing", set()),
        ("jwt", ("gateway", "jwt"), set()),
        ("limits", "tenantLimits", set()),
        ("modelLimits", "limits", {"queueTimeout", "requestTimeout", "ttftTimeout", "maxConcurrentRequests"}),
        ("tenant", "tenant", {"keys", "limits"}),
        ("limitStore", ("gateway", "limitStore"), {"password"}),
    ],
)
def test_fields_mean_what_they_mean_in_the_spec(ours: str, theirs: str | tuple[str, str], but: set[str]) -> None:
    """Every field of the spec that reaches the gateway is there, with the same default."""
    name, *rest = (theirs,) if isinstance(theirs, str) else theirs
    spec = SPEC["$defs"][name]
    for key in rest:
        spec = spec["properties"][key]
    mine = SCHEMA["$defs"][ours]["properties"]
    assert set(spec["properties"]) - but <= set(mine)
    for field in set(spec["properties"]) - but:
        assert mine[field].get("default") == spec["properties"][field].get("default"), field


def test_defaults_make_a_whole_snapshot() -> None:
    made = config.loads(
        "models: {m: {limits: {maxPromptTokens: 10, maxCompletionTokens: 5}, upstream: {urls: [http://e:1/]}}}"
    )
    model = made.models["m"]
    assert (model.context_tokens, model.served_name, model.ttft_timeout_s) == (15, "m", model.request_timeout_s)
    assert model.upstream.urls == ("http://e:1",)
    assert (model.tracks.stable, model.weights()) == ("v1", {"v1": 100})
    assert made.routing.default == "m"
    assert made.limit_store.kind == "memory"
    assert made.warnings == ("models.m has no tokenizer: its prompt tokens are estimates",)
    fill({"models": {}}, SCHEMA, SCHEMA)


def test_weights_by_track() -> None:
    assert snapshot().models["chat"].weights() == {"v1": 90, "v2": 10}
    whole = {"models": {"chat": {"tracks": {"canary": {"weight": 100}}}}}
    assert snapshot(whole).models["chat"].weights() == {"v2": 100}
    none = {"models": {"chat": {"tracks": {"canary": {"weight": 0}}}}}
    assert snapshot(none).models["chat"].weights() == {"v1": 100}


@pytest.mark.parametrize(
    ("patch", "expected"),
    [
        ({"models": {"chat": {"limits": {"maxPromptTokens": "6k"}}}}, "LLM103: models.chat.limits.maxPromptTokens"),
        ({"modles": {}}, "did you mean 'models'"),
        ({"routing": {"default": "chta"}}, "GW001: routing.default: there is no model 'chta'"),
        ({"routing": {"default": "gpt-4o-mini"}}, "GW001: routing.default"),
        ({"routing": {"aliases": {"x": "y"}}}, "GW001: routing.aliases.x"),
        ({"routing": {"aliases": {"small": "chat"}}}, "GW005: routing.aliases.small"),
        ({"routing": {"fallback": {"chat": ["chat"]}}}, "a model cannot fall back to itself"),
        ({"routing": {"fallback": {"chat": ["embed"]}}}, "is of another kind"),
        ({"routing": {"fallback": {"nope": ["chat"]}}}, "GW001: routing.fallback.nope"),
        ({"routing": {"rules": {"a": {"order": 1, "when": {"tier": "gold"}, "model": "chat"}}}}, "GW001: routing.rules.a.when.tier"),
        ({"routing": {"rules": {"a": {"order": 1, "when": {"tenant": "x"}, "model": "chat"}}}}, "GW001: routing.rules.a.when.tenant"),
        ({"routing": {"rules": {"a": {"order": 1, "when": {"model": "x"}, "model": "chat"}}}}, "GW001: routing.rules.a.when.model"),
        ({"routing": {"rules": {"a": {"order": 1, "when": {"tools": True}, "model": "x"}}}}, "GW001: routing.rules.a.model"),
        ({"routing": {"rules": {"a": {"order": 1, "when": {"promptTokens": {"min": 9, "max": 3}}, "model": "chat"}}}}, "never matches"),
        ({"routing": {"rules": {"a": {"order": 1, "when": {"headers": {"Authorization": "x"}}, "model": "chat"}}}}, "credentials decide nothing"),
        (
            {"routing": {"rules": {n: {"order": 1, "when": {"tools": True}, "model": "chat"} for n in "ab"}}},
            "rule 'a' has the same order",
        ),
        ({"models": {"chat": {"tracks": {"canary": {"revision": "v9"}}}}}, "GW001: models.chat.tracks.canary.revision"),
        ({"models": {"chat": {"tracks": {"stable": {"weight": 95}}}}}, "weights of stable and canary are 105, not 100"),
        (
            {"models": {"chat": {"tracks": {"shadow": {"revision": "v1", "mirrorPercent": 1}}}}},
            "GW005: models.chat.tracks.shadow.revision: copies need engines of their own",
        ),
        ({"models": {"chat": {"tracks": None}}}, "several revisions and no tracks.stable.revision"),
        ({"models": {"chat": {"limits": {"maxCompletionTokens": 0}}}}, "needs maxCompletionTokens above 0"),
        ({"models": {"embed": {"limits": {"maxCompletionTokens": 5}}}}, "completes nothing"),
        ({"models": {"chat": {"limits": {"contextTokens": 5000}}}}, "GW005: models.chat.limits.contextTokens"),
        ({"models": {"chat": {"upstream": {"urls": None}}}}, "the provider static needs upstream.urls"),
        ({"provider": {"kind": "gateway"}}, "the provider gateway needs upstream.service"),
        ({"limitStore": {"kind": "redis"}}, "redis needs limitStore.address"),
        ({"limitStore": {"passwordFile": "/nonexistent/password"}}, "GW002: limitStore.passwordFile"),
        ({"tenants": {"acme": {"models": ["x"]}}}, "GW001: tenants.acme.models[0]"),
        ({"tenants": {"acme": {"modelLimits": {"x": {}}}}}, "GW001: tenants.acme.modelLimits.x"),
        ({"tenants": {"acme": {"keys": {"a": {"file": "/nonexistent/key"}}}}}, "GW002: tenants.acme.keys.a.file"),
        ({"tenants": {"acme": {"keys": {"a": {"sha256": sha("k1")}, "b": {"sha256": sha("k1")}}}}}, "GW004: tenants.acme.keys.b"),
        (
            {"tenants": {"acme": {"keys": {"a": {"sha256": sha("k1")}}}, "other": {"keys": {"b": {"sha256": sha("k1")}}}}},
            "the key acme.a is the same key",
        ),
        ({"tenants": {"acme": {"keys": {"a": {"sha256": sha("k1"), "expires": "2027-02-30"}}}}}, "GW006: tenants.acme.keys.a.expires"),
        ({"tenants": {"acme": {"keys": {"a": {"sha256": sha("k1"), "expires": "0000-01-01"}}}}}, "GW006: tenants.acme.keys.a.expires"),
        ({"anonymous": "nobody"}, "GW001: anonymous"),
    ],
)  # fmt: skip
def test_mistakes(patch: dict[str, Any], expected: str) -> None:
    report = mistakes(patch)
    assert expected in report
    assert report.startswith("config.yaml:1:")


def test_all_mistakes_at_once() -> None:
    report = mistakes(
        {"routing": {"default": "a", "aliases": {"b": "c"}}, "anonymous": "d", "limitStore": {"kind": "redis"}}
    )
    assert report.count(" error ") == 4


def test_a_key_file_must_hold_a_hash_and_is_never_quoted(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("sk-llm-the-key-itself")
    report = mistakes({"tenants": {"acme": {"keys": {"a": {"file": str(file)}}}}})
    assert "GW002" in report
    assert "the-key-itself" not in report
    file.write_text("")
    assert "is empty" in mistakes({"tenants": {"acme": {"keys": {"a": {"file": str(file)}}}}})


def test_secrets_are_read_and_not_shown(tmp_path: Path) -> None:
    password, key = tmp_path / "password", tmp_path / "engine"
    password.write_text("hunter2\n")
    key.write_text("engine-key")
    made = snapshot(
        {
            "limitStore": {"kind": "redis", "address": "redis:6379", "passwordFile": str(password)},
            "models": {"chat": {"upstream": {"apiKeyFile": str(key)}}},
        }
    )
    assert made.limit_store.password == Secret("hunter2")
    assert made.limit_store.address == ("redis", 6379)
    api_key = made.models["chat"].upstream.api_key
    assert api_key is not None
    assert api_key.reveal() == "engine-key"
    assert not {"hunter2", "engine-key"} & set(repr(made).replace("'", " ").split())
    assert "hunter2" not in repr(made)
    assert {password, key} <= set(made.files)


def test_a_key_may_last_to_the_end_of_the_calendar() -> None:
    keys = {"a": {"sha256": sha("k1"), "expires": "9999-12-31"}}
    (key,) = snapshot({"tenants": {"acme": {"keys": keys}}}).tenants["acme"].keys
    assert key.expires_at == datetime(9999, 12, 31, tzinfo=UTC).timestamp() + 86_400


def test_load_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "gateway.yaml"
    file.write_text(yaml.safe_dump(BASE))
    made = config.load(file)
    assert made.files == (file,)
    file.write_text(yaml.safe_dump(merged(BASE, {"server": {"port": 1}})))
    assert config.load(file).digest != made.digest
    with pytest.raises(OSError, match="No such file"):
        config.load(tmp_path / "nowhere.yaml")
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(config.ConfigProblems):
        config.load(file)


def test_laptop() -> None:
    made = config.laptop("http://127.0.0.1:8000/")
    assert made.anonymous is made.tenants["local"]
    assert made.server.host == "127.0.0.1", "without keys, nobody else gets in"
    assert made.models["default"].upstream.urls == ("http://127.0.0.1:8000",)
    with pytest.raises(config.ConfigProblems):
        config.laptop("localhost:8000")
