"""What the schema cannot say: every name points to something, and no two settings contradict each other.

GW001 unknown name · GW002 unreadable secret · GW003 known key · GW004 key used twice · GW005 contradiction · GW006 no such day.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from llm_gateway.config.known_keys import known_digests
from llm_gateway.config.reading import Reading
from llmgen.problems import Path

_SERVICES = ("gateway", "istio")
_RESERVED_HEADERS = ("authorization", "x-api-key", "api-key", "cookie")


def check(reading: Reading) -> None:
    """Run every rule; problems land in ``reading``."""
    for name, model in reading.data["models"].items():
        _model(reading, ("models", name), model)
    _routing(reading)
    _tenants(reading)
    _keys(reading)
    _store(reading)


def _model(reading: Reading, path: Path, model: dict[str, Any]) -> None:
    limits, upstream, provider = model["limits"], model["upstream"], reading.data["provider"]["kind"]
    if model["kind"] == "generate" and not limits["maxCompletionTokens"]:
        reading.add("GW005", (*path, "limits"), "a generate model needs maxCompletionTokens above 0")
    if model["kind"] != "generate" and limits["maxCompletionTokens"]:
        reading.add(
            "GW005", (*path, "limits", "maxCompletionTokens"), f"a model of kind {model['kind']} completes nothing: 0"
        )
    context = limits.get("contextTokens")
    if context is not None and context < max(limits["maxPromptTokens"], limits["maxCompletionTokens"]):
        reading.add("GW005", (*path, "limits", "contextTokens"), "the context is smaller than a prompt or completion")
    if provider == "static" and "urls" not in upstream:
        reading.add("GW005", (*path, "upstream"), "the provider static needs upstream.urls")
    if provider in _SERVICES and "service" not in upstream:
        reading.add("GW005", (*path, "upstream"), f"the provider {provider} needs upstream.service")
    if "apiKeyFile" in upstream:
        reading.secret((*path, "upstream", "apiKeyFile"), upstream["apiKeyFile"])
    _tracks(reading, path, model)


def _tracks(reading: Reading, path: Path, model: dict[str, Any]) -> None:
    tracks, revisions = model["tracks"], model["revisions"]
    if "revision" not in tracks["stable"] and len(revisions) > 1:
        reading.add("GW005", (*path, "revisions"), "several revisions and no tracks.stable.revision", allowed=revisions)
    for track, pointer in tracks.items():
        if "revision" in pointer:
            reading.unknown((*path, "tracks", track, "revision"), pointer["revision"], "revision", revisions)
    shadow = tracks.get("shadow", {})
    if shadow.get("mirrorPercent", 0) and shadow["revision"] == tracks["stable"].get("revision", next(iter(revisions))):
        place = (*path, "tracks", "shadow", "revision")
        reading.add("GW005", place, "copies need engines of their own, and these answer the originals")
    canary = tracks.get("canary", {}).get("weight", 0)
    stable = tracks["stable"].get("weight", 100 - canary)
    if stable + canary != 100:  # noqa: PLR2004 -- percent
        reading.add("GW005", (*path, "tracks"), f"weights of stable and canary are {stable + canary}, not 100")


def _routing(reading: Reading) -> None:
    models, routing = reading.data["models"], reading.data["routing"]
    names = [*models, *routing["aliases"]]
    if "default" in routing:
        reading.unknown(("routing", "default"), routing["default"], "model", models)
    for alias, target in routing["aliases"].items():
        path: Path = ("routing", "aliases", alias)
        reading.unknown(path, target, "model", models)
        if alias in models:
            reading.add("GW005", path, f"{alias!r} is a model of its own")
    orders: dict[int, str] = {}
    for name, rule in routing["rules"].items():
        _rule(reading, name, rule, names)
        if (other := orders.setdefault(rule["order"], name)) != name:
            reading.add("GW005", ("routing", "rules", name, "order"), f"rule {other!r} has the same order")
    _fallback(reading, routing["fallback"], models)


def _fallback(reading: Reading, fallback: dict[str, Any], models: dict[str, Any]) -> None:
    for name, chain in fallback.items():
        reading.unknown(("routing", "fallback", name), name, "model", models)
        for index, target in enumerate(chain):
            place: Path = ("routing", "fallback", name, index)
            if reading.unknown(place, target, "model", models) or name not in models:
                continue
            if target == name:
                reading.add("GW005", place, "a model cannot fall back to itself")
            elif models[target]["kind"] != models[name]["kind"]:
                reading.add("GW005", place, f"{target!r} is of another kind than {name!r}")


def _rule(reading: Reading, name: str, rule: dict[str, Any], names: list[str]) -> None:
    path: Path = ("routing", "rules", name)
    when = rule["when"]
    reading.unknown((*path, "model"), rule["model"], "model", reading.data["models"])
    if "model" in when:
        reading.unknown((*path, "when", "model"), when["model"], "model or alias", names)
    if "tenant" in when:
        reading.unknown((*path, "when", "tenant"), when["tenant"], "tenant", reading.data["tenants"])
    if "tier" in when:
        tiers = sorted({tenant["tier"] for tenant in reading.data["tenants"].values()})
        reading.unknown((*path, "when", "tier"), when["tier"], "tier of a tenant", tiers)
    bounds = when.get("promptTokens", {})
    if bounds.get("min", 0) > bounds.get("max", bounds.get("min", 0)):
        reading.add("GW005", (*path, "when", "promptTokens"), "min is above max: the rule never matches")
    for header in when.get("headers", {}):
        if header.lower() in _RESERVED_HEADERS:
            reading.add("GW005", (*path, "when", "headers", header), "credentials decide nothing but who asks")


def _tenants(reading: Reading) -> None:
    models, tenants = reading.data["models"], reading.data["tenants"]
    if "anonymous" in reading.data:
        reading.unknown(("anonymous",), reading.data["anonymous"], "tenant", tenants)
    for name, tenant in tenants.items():
        for index, model in enumerate(tenant.get("models", ())):
            reading.unknown(("tenants", name, "models", index), model, "model", models)
        for model in tenant["modelLimits"]:
            reading.unknown(("tenants", name, "modelLimits", model), model, "model", models)


def _keys(reading: Reading) -> None:
    seen: dict[bytes, str] = {}
    for tenant_name, tenant in reading.data["tenants"].items():
        for name, key in tenant["keys"].items():
            path: Path = ("tenants", tenant_name, "keys", name)
            if "expires" in key and not _is_day(key["expires"]):
                reading.add("GW006", (*path, "expires"), f"{key['expires']} is no day of the calendar")
            digest = reading.key_digest(path, key)
            if digest is None:
                continue
            if digest in known_digests():
                reading.add(
                    "GW003",
                    path,
                    "this is the hash of a key that everybody knows",
                    hint="make one with `llmgen key new`",
                )
            owner = f"{tenant_name}.{name}"
            if (other := seen.setdefault(digest, owner)) != owner:
                reading.add("GW004", path, f"the key {other} is the same key")


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _store(reading: Reading) -> None:
    store = reading.data["limitStore"]
    if store["kind"] == "redis" and "address" not in store:
        reading.add("GW005", ("limitStore",), "redis needs limitStore.address")
    if "passwordFile" in store:
        reading.secret(("limitStore", "passwordFile"), store["passwordFile"])
