"""Who asks: an API key, looked up by its SHA-256. A client's own word about its tenant is never read."""

from __future__ import annotations

import hmac
import time
from hashlib import sha256
from typing import TYPE_CHECKING

from llm_gateway.config.known_keys import known_digests
from llm_gateway.types import Headers, Identity, Key, Refusal

if TYPE_CHECKING:
    from llm_gateway.config.snapshot import Snapshot

_LONGEST = 4096
"""Bytes of a credential that are looked at; longer ones are refused unread."""
_ANOTHER_SCHEME = b"\0"
"""A scheme that is not ours counts as a credential that is wrong, not as none; no key holds this byte."""
_NO_KEY = Key(name="anonymous", digest=b"")
_CHALLENGE = {"www-authenticate": "Bearer"}


def authenticate(snapshot: Snapshot, headers: Headers, now: float | None = None) -> Identity | Refusal:
    """Identity behind the API key in ``Authorization: Bearer``, ``x-api-key`` or ``api-key``.

    The key's SHA-256 is looked up; how long that takes tells nothing about a key, since nobody can steer a digest towards a
    stored one, and the digest found is compared in constant time all the same. ``now``: Unix seconds.
    """
    credential = bearer(headers)
    if credential is None:
        if snapshot.anonymous is not None:
            return Identity(tenant=snapshot.anonymous, key=_NO_KEY)
        return unauthenticated("missing_api_key", "An API key is needed: `Authorization: Bearer <key>`.")
    if len(credential) > _LONGEST:
        return unauthenticated("invalid_api_key", "The API key is not valid.")
    digest = sha256(credential).digest()
    found = snapshot.keys.get(digest)
    if found is None or not hmac.compare_digest(found[1].digest, digest):
        return _unknown(snapshot, digest)
    tenant, key = found
    if key.expires_at is not None and (time.time() if now is None else now) >= key.expires_at:
        return unauthenticated("expired_api_key", "The API key has expired.")
    return Identity(tenant=tenant, key=key)


def bearer(headers: Headers) -> bytes | None:
    """Credential that the request carries, None where it carries none."""
    value = headers.get(b"authorization")
    if value is not None:
        scheme, _, credential = value.partition(b" ")
        return credential.strip() if scheme.lower() == b"bearer" else _ANOTHER_SCHEME
    value = headers.get(b"x-api-key") or headers.get(b"api-key")
    return value.strip() if value is not None else None


def looks_like_jwt(headers: Headers) -> bool:
    """Whether the credential is a signed JWT by its form: three dotted parts, the first a JSON object in base64url."""
    credential = bearer(headers)
    return credential is not None and credential.startswith(b"eyJ") and credential.count(b".") == 2  # noqa: PLR2004


def unauthenticated(code: str, message: str) -> Refusal:
    """A 401 in OpenAI's shape."""
    return Refusal(status=401, code=code, message=message, outcome="auth", headers=_CHALLENGE)


def _unknown(snapshot: Snapshot, digest: bytes) -> Refusal | Identity:
    if digest in known_digests():
        if snapshot.anonymous is not None:  # clients that insist on some key send one of these
            return Identity(tenant=snapshot.anonymous, key=_NO_KEY)
        return unauthenticated("default_api_key", "This is a well-known placeholder, which is never a valid API key.")
    return unauthenticated("invalid_api_key", "The API key is not valid.")
