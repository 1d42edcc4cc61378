"""API keys of the gateway."""

from __future__ import annotations

import hashlib
import secrets

PREFIX = "sk-llm-"
"""Lets secret scanners find a key that was committed by mistake."""
_BYTES = 32


def make() -> str:
    """Return a new key: the prefix and 256 random bits in base64url. So much cannot be guessed, so SHA-256 needs no salt."""
    return PREFIX + secrets.token_urlsafe(_BYTES)


def mark(key: str) -> str:
    """Return what is stored of a key: ``sha256:`` and the hexadecimal digest of its UTF-8 bytes."""
    return "sha256:" + hashlib.sha256(key.encode()).hexdigest()
