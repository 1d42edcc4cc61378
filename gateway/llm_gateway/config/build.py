"""Checked plain data, defaults filled in → Snapshot."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from llm_gateway.config import snapshot as shape
from llm_gateway.config.reading import Reading
from llm_gateway.secret import Secret
from llm_gateway.types import Key, Limits, Tenant

Data = dict[str, Any]
_DAY_SECONDS = 86_400


def build(reading: Reading, *, file: Path | None, text: str) -> shape.Snapshot:
    """Make the snapshot of a reading without problems."""
    data = reading.data
    tenants = {name: _tenant(reading, name, tenant) for name, tenant in data["tenants"].items()}
    return shape.Snapshot(
        models={name: _model(reading, name, model) for name, model in data["models"].items()},
        tenants=tenants,
        keys={key.digest: (tenant, key) for tenant in tenants.values() for key in tenant.keys},
        routing=_routing(data),
        server=_server(data["server"]),
        provider=_provider(data["provider"]),
        limit_store=_limit_store(reading, data["limitStore"]),
        admission=shape.Admission(
            tier_rank={tier: rank for rank, tier in enumerate(data["admission"]["tierOrder"])},
            batch_slots_percent=data["admission"]["batchSlotsPercent"],
        ),
        jwt=_jwt(data["jwt"]) if "jwt" in data else None,
        anonymous=tenants[data["anonymous"]] if "anonymous" in data else None,
        unsupported_parameters=data["requests"]["unsupportedParameters"],
        retry_budget_percent=data["requests"]["retryBudgetPercent"],
        files=(*([file] if file is not None else []), *reading.files),
        digest=reading.digest(text),
        warnings=tuple(_warnings(data)),
    )


def _warnings(data: Data) -> list[str]:
    found = []
    store = data["limitStore"]
    if store["kind"] == "memory" and store["replicas"] > 1:
        found.append(
            f"limits are counted in memory: each of {store['replicas']} gateways grants a {store['replicas']}th of them"
        )
    found += [
        f"models.{name} has no tokenizer: its prompt tokens are estimates"
        for name, model in data["models"].items()
        if "tokenizer" not in model
    ]
    if "anonymous" in data:
        found.append(f"requests without a key act as tenant {data['anonymous']!r}")
    return found


def _server(data: Data) -> shape.Server:
    return shape.Server(
        host=data["host"],
        port=data["port"],
        admin_port=data["adminPort"],
        max_body_bytes=data["maxBodyBytes"],
        body_timeout_s=data["bodyTimeoutSeconds"],
        write_timeout_s=data["writeTimeoutSeconds"],
        drain_s=data["drainSeconds"],
        drain_delay_s=data["drainDelaySeconds"],
        tenant_label_limit=data["tenantLabels"],
        latency_bounds=tuple(map(float, data["latencyBounds"])),
    )


def _provider(data: Data) -> shape.Provider:
    return shape.Provider(
        kind=data["kind"],
        namespace=data.get("namespace"),
        name=data.get("name"),
        release=data.get("release"),
        gateway_service=data.get("gatewayService"),
        brake_config_map=data.get("brakeConfigMap"),
    )


def _limit_store(reading: Reading, data: Data) -> shape.LimitStore:
    host, _, port = data.get("address", "").rpartition(":")
    return shape.LimitStore(
        kind=data["kind"],
        address=(host, int(port)) if host else None,
        password=_secret(reading, data.get("passwordFile")),
        tls=data["tls"],
        prefix=data["prefix"],
        when_down=data["whenDown"],
        replicas=data["replicas"],
        timeout_s=data["timeoutMilliseconds"] / 1000,
    )


def _jwt(data: Data) -> shape.Jwt:
    return shape.Jwt(
        issuer=data["issuer"],
        jwks_url=data["jwksUrl"],
        audience=data.get("audience"),
        tenant_claim=data["tenantClaim"],
    )


def _model(reading: Reading, name: str, data: Data) -> shape.Model:
    limits, upstream = data["limits"], data["upstream"]
    prompt, completion = limits["maxPromptTokens"], limits["maxCompletionTokens"]
    return shape.Model(
        name=name,
        kind=data["kind"],
        klass=data["class"],
        quality=data["quality"],
        served_name=data.get("servedName", name),
        cold_start_s=data["coldStartSeconds"],
        max_prompt_tokens=prompt,
        max_completion_tokens=completion,
        context_tokens=limits.get("contextTokens", prompt + completion),
        max_choices=limits["maxChoices"],
        max_logprobs=limits["maxLogprobs"],
        max_stop_sequences=limits["maxStopSequences"],
        queue_depth=limits["queueDepth"],
        queue_timeout_s=limits["queueTimeoutSeconds"],
        request_timeout_s=limits["requestTimeoutSeconds"],
        ttft_timeout_s=limits.get("ttftTimeoutSeconds", limits["requestTimeoutSeconds"]),
        idle_timeout_s=limits["idleTimeoutSeconds"],
        connect_timeout_s=limits["connectTimeoutSeconds"],
        tokenizer=_tokenizer(data.get("tokenizer")),
        parameters=frozenset(data["parameters"]),
        upstream=shape.Upstream(
            urls=_urls(upstream),
            service=upstream.get("service"),
            port=upstream["port"],
            api_key=_secret(reading, upstream.get("apiKeyFile")),
        ),
        revisions={
            revision: shape.Revision(name=revision, concurrency=settings["concurrency"], urls=_urls(settings))
            for revision, settings in data["revisions"].items()
        },
        tracks=_tracks(data),
        fallback=tuple(reading.data["routing"]["fallback"].get(name, ())),
    )


def _urls(data: Data) -> tuple[str, ...]:
    return tuple(url.rstrip("/") for url in data.get("urls", ()))


def _tokenizer(data: Data | None) -> shape.Tokenizer | None:
    return None if data is None else shape.Tokenizer(path=Path(data["path"]), media_tokens=data["mediaTokens"])


def _tracks(model: Data) -> shape.Tracks:
    tracks = model["tracks"]
    canary, shadow, previous = (tracks.get(name, {}) for name in ("canary", "shadow", "previous"))
    return shape.Tracks(
        stable=tracks["stable"].get("revision", next(iter(model["revisions"]))),
        canary=canary.get("revision"),
        canary_weight=canary.get("weight", 0),
        shadow=shadow.get("revision"),
        mirror_percent=shadow.get("mirrorPercent", 0),
        previous=previous.get("revision"),
    )


def _routing(data: Data) -> shape.Routing:
    routing, models = data["routing"], data["models"]
    rules = (_rule(name, rule) for name, rule in routing["rules"].items())
    return shape.Routing(
        default=routing.get("default", next(iter(models)) if len(models) == 1 else None),
        aliases=dict(routing["aliases"]),
        rules=tuple(sorted(rules, key=lambda rule: rule.order)),
    )


def _rule(name: str, data: Data) -> shape.Rule:
    when = data["when"]
    tokens = when.get("promptTokens", {})
    return shape.Rule(
        name=name,
        order=data["order"],
        model=data["model"],
        tier=when.get("tier"),
        tenant=when.get("tenant"),
        headers=tuple(
            (header.lower().encode("latin-1", "replace"), value.encode())
            for header, value in when.get("headers", {}).items()
        ),
        asked=when.get("model"),
        klass=when.get("class"),
        requires_json=when.get("requiresJson"),
        tools=when.get("tools"),
        min_quality=when.get("minQuality"),
        min_tokens=tokens.get("min"),
        max_tokens=tokens.get("max"),
    )


def _tenant(reading: Reading, name: str, data: Data) -> Tenant:
    return Tenant(
        name=name,
        tier=data["tier"],
        priority=data["priority"],
        models=frozenset(data["models"]) if "models" in data else None,
        may_pin_track=data["mayPinTrack"],
        limits=_limits(data["limits"]),
        model_limits={model: _limits(limits) for model, limits in data["modelLimits"].items()},
        keys=tuple(_key(reading, ("tenants", name, "keys", key), settings) for key, settings in data["keys"].items()),
    )


def _key(reading: Reading, path: tuple[str, ...], data: Data) -> Key:
    digest = reading.key_digest(path, data)
    if digest is None:
        raise ValueError(f"{path[-1]} has no digest")  # the checks refused it before
    return Key(name=path[-1], digest=digest, expires_at=_expiry(data.get("expires")), limits=_limits(data["limits"]))


def _expiry(day: str | None) -> float | None:
    """Unix seconds of the end of the day (UTC), which is still good itself. The checks refused what is no day."""
    if day is None:
        return None
    # Seconds are added, not a day: the last day of the calendar has none after it.
    return datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp() + _DAY_SECONDS


def _limits(data: Data) -> Limits:
    return Limits(
        requests_per_minute=data.get("requestsPerMinute"),
        tokens_per_minute=data.get("tokensPerMinute"),
        concurrent_requests=data.get("concurrentRequests"),
        tokens_per_day=data.get("tokensPerDay"),
    )


def _secret(reading: Reading, file: str | None) -> Secret | None:
    if file is None:
        return None
    text = reading.files[Path(file)]
    return None if text is None else Secret(text)
