"""JSON Web Tokens: verified against the issuer's published keys, which are fetched when needed and kept."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import jwt
import orjson

from llm_gateway.auth import bearer, unauthenticated
from llm_gateway.config.snapshot import Jwt, Snapshot
from llm_gateway.types import Headers, Identity, Key, Refusal

Fetch = Callable[[str], Awaitable[bytes]]

_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Public-key algorithms only: `none` and shared secrets let anyone who can read the JWKS sign."""
_KEEP_S = 3600.0
_PAUSE_S = 10.0
"""At most one fetch in this time, whatever key ids clients invent."""
_MOST_KEYS = 100
_LEEWAY_S = 30
_KEY = Key(name="jwt", digest=b"")


class Verifier:
    """Turns a token into an identity. ``fetch``: an HTTP GET that returns the body or raises."""

    def __init__(self, settings: Jwt, fetch: Fetch, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.settings = settings
        self._fetch = fetch
        self._clock = clock
        self._keys: dict[str | None, jwt.PyJWK] = {}
        self._fetched_at: float | None = None
        self._tried_at: float | None = None
        self._lock = asyncio.Lock()

    async def authenticate(self, snapshot: Snapshot, headers: Headers) -> Identity | Refusal:  # noqa: PLR0911 -- each a reason
        """Identity of the tenant that the configured claim names; that tenant must be configured."""
        token = bearer(headers)
        if token is None:
            return unauthenticated("missing_api_key", "A token is needed: `Authorization: Bearer <token>`.")
        try:
            header = jwt.get_unverified_header(token)
        except jwt.InvalidTokenError:
            return _invalid()
        key = await self._key(header.get("kid"))
        if key is None:
            if self._fetched_at is None:
                return Refusal(
                    status=503, code="jwks_unavailable", message="The issuer's keys cannot be fetched.", outcome="auth",
                    retry_after=_PAUSE_S,
                )  # fmt: skip
            return _invalid()
        claims = self._claims(token, key)
        if isinstance(claims, Refusal):
            return claims
        name = claims.get(self.settings.tenant_claim)
        tenant = snapshot.tenants.get(name) if isinstance(name, str) else None
        if tenant is None:
            return Refusal(
                status=403, code="unknown_tenant", message="The token names no known tenant.", outcome="auth"
            )
        return Identity(tenant=tenant, key=_KEY)

    def _claims(self, token: bytes, key: jwt.PyJWK) -> dict[str, Any] | Refusal:
        try:
            claims: dict[str, Any] = jwt.decode(
                token, key, algorithms=list(_ALGORITHMS), issuer=self.settings.issuer, audience=self.settings.audience,
                leeway=_LEEWAY_S, options={"require": ["exp", "iss"], "verify_aud": self.settings.audience is not None},
            )  # fmt: skip
        except jwt.ExpiredSignatureError:
            return unauthenticated("expired_token", "The token has expired.")
        except (jwt.InvalidTokenError, ValueError, TypeError):
            return _invalid()
        return claims

    async def _key(self, kid: object) -> jwt.PyJWK | None:
        name = kid if isinstance(kid, str) else None
        if not self._stale() and name in self._keys:
            return self._keys[name]
        async with self._lock:
            if self._stale() or name not in self._keys:
                await self._refresh()
        return self._keys.get(name)

    def _stale(self) -> bool:
        return self._fetched_at is None or self._clock() - self._fetched_at > _KEEP_S

    async def _refresh(self) -> None:
        now = self._clock()
        if self._tried_at is not None and now - self._tried_at < _PAUSE_S:
            return
        self._tried_at = now
        try:
            entries = orjson.loads(await self._fetch(self.settings.jwks_url))["keys"][:_MOST_KEYS]
        except Exception:  # noqa: BLE001 -- whatever the transport raises; old keys stay in use until new ones are there
            return
        keys: dict[str | None, jwt.PyJWK] = {}
        for entry in entries:
            try:
                key = jwt.PyJWK(entry)
            except (jwt.PyJWTError, ValueError, TypeError, AttributeError, KeyError):
                continue
            keys[key.key_id] = key
        if len(keys) == 1:
            keys[None] = next(iter(keys.values()))  # tokens may leave the id out where there is one key
        self._keys, self._fetched_at = keys, now


def _invalid() -> Refusal:
    return unauthenticated("invalid_token", "The token is not valid.")
