"""Keys by their SHA-256, with an end, rotated by a new snapshot; tokens by the issuer's keys."""

from __future__ import annotations

import asyncio
import hmac
import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt as pyjwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from tests.gateway.policy.conftest import sha, snapshot

from llm_gateway import auth, config
from llm_gateway.config.known_keys import known_digests
from llm_gateway.config.snapshot import Jwt
from llm_gateway.jwt import Verifier
from llm_gateway.types import Identity, Refusal
from llmgen.keys import make, mark

GOOD = "sk-llm-good-0123456789abcdef"


def keys(**named: dict[str, Any]) -> config.Snapshot:
    return snapshot({"tenants": {"acme": {"keys": named}}})


def bearer(key: str) -> dict[bytes, bytes]:
    return {b"authorization": f"Bearer {key}".encode()}


def who(answer: Identity | Refusal) -> tuple[str, str]:
    assert isinstance(answer, Identity), answer
    return answer.tenant.name, answer.key.name


def code(answer: Identity | Refusal) -> str:
    assert isinstance(answer, Refusal), answer
    assert (answer.status, answer.outcome) == (401, "auth")
    assert answer.headers["www-authenticate"] == "Bearer"
    return answer.code


@pytest.mark.parametrize(
    "headers",
    [
        bearer(GOOD),
        {b"authorization": b"bearer  " + GOOD.encode() + b" "},
        {b"x-api-key": GOOD.encode()},
        {b"api-key": GOOD.encode()},
    ],
)
def test_the_key_in_each_place(headers: dict[bytes, bytes]) -> None:
    assert who(auth.authenticate(keys(ci={"sha256": sha(GOOD)}), headers)) == ("acme", "ci")


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, "missing_api_key"),
        (bearer(""), "default_api_key"),
        (bearer("wrong"), "invalid_api_key"),
        (bearer(GOOD + "x"), "invalid_api_key"),
        (bearer(sha(GOOD)), "invalid_api_key"),  # the stored hash is no key
        ({b"authorization": b"Basic " + GOOD.encode()}, "invalid_api_key"),
        ({b"authorization": GOOD.encode()}, "invalid_api_key"),
        (bearer("x" * 100_000), "invalid_api_key"),
        ({b"authorization": b"Bearer \xff\xfe"}, "invalid_api_key"),
        (bearer("sk-1234"), "default_api_key"),
        (bearer("EMPTY"), "default_api_key"),
        ({b"x-tenant": b"acme", b"x-tenant-id": b"acme", b"x-forwarded-user": b"acme"}, "missing_api_key"),
    ],
)
def test_refused(headers: dict[bytes, bytes], expected: str) -> None:
    answer = auth.authenticate(keys(ci={"sha256": sha(GOOD)}), headers)
    assert code(answer) == expected
    assert GOOD not in str(answer)


def test_a_clients_word_about_its_tenant_changes_nothing() -> None:
    answer = auth.authenticate(
        keys(ci={"sha256": sha(GOOD)}), {**bearer(GOOD), b"x-tenant": b"other", b"x-llm-tenant": b"other"}
    )
    assert who(answer) == ("acme", "ci")


def test_expiry_is_the_end_of_the_day_in_utc() -> None:
    config_ = keys(ci={"sha256": sha(GOOD), "expires": "2027-06-30"})
    end = datetime(2027, 7, 1, tzinfo=UTC).timestamp()
    assert who(auth.authenticate(config_, bearer(GOOD), end - 0.001)) == ("acme", "ci")
    assert code(auth.authenticate(config_, bearer(GOOD), end)) == "expired_api_key"
    today = (datetime.now(UTC) - timedelta(days=1)).strftime("%Y-%m-%d")
    assert code(auth.authenticate(keys(ci={"sha256": sha(GOOD), "expires": today}), bearer(GOOD))) == "expired_api_key"


def test_rotation_by_a_new_snapshot(tmp_path: Path) -> None:
    """Old and new side by side, then the new one alone; the file of a Secret is read again with the configuration."""
    secret = tmp_path / "key"
    secret.write_text(sha("old-key") + "\n")
    both = keys(first={"file": str(secret)}, second={"sha256": sha("new-key")})
    assert secret in both.files
    assert {who(auth.authenticate(both, bearer(key))) for key in ("old-key", "new-key")} == {
        ("acme", "first"),
        ("acme", "second"),
    }
    secret.write_text(sha("newer-key"))
    later = keys(first={"file": str(secret)}, second={"sha256": sha("new-key")})
    assert later.digest != both.digest
    assert code(auth.authenticate(later, bearer("old-key"))) == "invalid_api_key"
    assert who(auth.authenticate(later, bearer("newer-key"))) == ("acme", "first")


def test_digests_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The table is asked by digest, never by key, and what it holds is compared by hmac.compare_digest."""
    compared: list[tuple[bytes, bytes]] = []
    original = hmac.compare_digest
    monkeypatch.setattr(
        auth.hmac, "compare_digest", lambda one, other: compared.append((one, other)) or original(one, other)
    )
    config_ = keys(ci={"sha256": sha(GOOD)})
    auth.authenticate(config_, bearer(GOOD))
    assert compared == [(next(iter(config_.keys)), next(iter(config_.keys)))]
    assert all(len(digest) == 32 for digest in config_.keys)


@pytest.mark.parametrize("known", ["sk-1234", "EMPTY", "changeme", "token-abc123", "password", ""])
def test_known_keys_are_refused_when_configured(known: str) -> None:
    with pytest.raises(config.ConfigProblems) as caught:
        keys(ci={"sha256": sha(known)})
    assert "GW003" in caught.value.report
    assert "llmgen key new" in caught.value.report


def test_anonymous() -> None:
    open_to_all = snapshot({"anonymous": "other", "tenants": {"acme": {"keys": {"ci": {"sha256": sha(GOOD)}}}}})
    assert who(auth.authenticate(open_to_all, {})) == ("other", "anonymous")
    assert who(auth.authenticate(open_to_all, bearer("EMPTY"))) == ("other", "anonymous")
    assert who(auth.authenticate(open_to_all, bearer(GOOD))) == ("acme", "ci")
    assert code(auth.authenticate(open_to_all, bearer("wrong"))) == "invalid_api_key"


def test_new_keys_are_good_keys() -> None:
    made = {make() for _ in range(100)}
    assert len(made) == 100
    key = made.pop()
    assert len(key) == len("sk-llm-") + 43
    assert mark(key) == sha(key)
    assert bytes.fromhex(mark(key).removeprefix("sha256:")) not in known_digests()
    assert who(auth.authenticate(keys(ci={"sha256": mark(key)}), bearer(key))) == ("acme", "ci")


# --- JSON Web Tokens

ISSUER = "https://login.example.com/"
SETTINGS = Jwt(issuer=ISSUER, jwks_url="https://login.example.com/jwks.json", audience="llm", tenant_claim="team")
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
CURVE = ec.generate_private_key(ec.SECP256R1())


class Issuer:
    def __init__(self) -> None:
        self.keys: dict[str, Any] = {"r1": RSA}
        self.fetches = 0
        self.down = False
        self.now = 0.0

    async def fetch(self, url: str) -> bytes:
        assert url == SETTINGS.jwks_url
        self.fetches += 1
        if self.down:
            raise OSError("down")
        entries = []
        for kid, key in self.keys.items():
            algorithm = pyjwt.algorithms.RSAAlgorithm if key is RSA else pyjwt.algorithms.ECAlgorithm
            entries.append(
                {
                    **json.loads(algorithm.to_jwk(key.public_key())),
                    "kid": kid,
                    "use": "sig",
                    "alg": "RS256" if key is RSA else "ES256",
                }
            )
        return json.dumps({"keys": [{"kty": "weird"}, *entries]}).encode()

    def verifier(self) -> Verifier:
        return Verifier(SETTINGS, self.fetch, clock=lambda: self.now)


def token(key: Any = RSA, kid: str | None = "r1", algorithm: str = "RS256", **claims: Any) -> str:
    now = int(time.time())
    body = {"iss": ISSUER, "aud": "llm", "exp": now + 300, "team": "acme", **claims}
    return pyjwt.encode(
        {name: value for name, value in body.items() if value is not None},
        key,
        algorithm,
        headers={"kid": kid} if kid else {},
    )


def verify(issuer: Issuer, text: str, verifier: Verifier | None = None) -> Identity | Refusal:
    headers = bearer(text)
    return asyncio.run((verifier or issuer.verifier()).authenticate(snapshot(), headers))


def test_a_good_token() -> None:
    assert auth.looks_like_jwt(bearer(token()))
    assert not auth.looks_like_jwt(bearer(GOOD))
    assert who(verify(Issuer(), token())) == ("acme", "jwt")
    assert who(verify(Issuer(), token(kid=None))) == ("acme", "jwt")


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ({"exp": 1}, "expired_token"), ({"exp": None}, "invalid_token"), ({"iss": "https://evil.example.com/"}, "invalid_token"),
        ({"aud": "other"}, "invalid_token"), ({"aud": None}, "invalid_token"), ({"nbf": int(time.time()) + 3600}, "invalid_token"),
        ({"team": "nobody"}, "unknown_tenant"), ({"team": None}, "unknown_tenant"), ({"team": ["acme"]}, "unknown_tenant"),
    ],
)  # fmt: skip
def test_claims(claims: dict[str, Any], expected: str) -> None:
    answer = verify(Issuer(), token(**claims))
    assert isinstance(answer, Refusal)
    assert (answer.code, answer.status) == (expected, 403 if expected == "unknown_tenant" else 401)


def test_signatures_that_are_none() -> None:
    header, payload, signature = token().split(".")
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = RSA.public_key()
    forged = [
        f"{header}.{payload}.",
        f"{header}.{payload}.{signature[:-4]}AAAA",
        token(stranger),
        pyjwt.encode({"iss": ISSUER, "aud": "llm", "exp": 9**10, "team": "acme"}, None, "none", headers={"kid": "r1"}),
        pyjwt.encode(
            {"iss": ISSUER, "aud": "llm", "exp": 9**10, "team": "acme"},
            str(public.public_numbers().n),
            "HS256",
            headers={"kid": "r1"},
        ),
        "eyJhbGciOiJSUzI1NiJ9.e30.x",
        "eyJ.eyJ.",
    ]
    for text in forged:
        assert code(verify(Issuer(), text)) == "invalid_token"


def test_new_keys_are_fetched_but_not_for_every_invented_id() -> None:
    issuer = Issuer()
    verifier = issuer.verifier()

    async def main() -> None:
        config_ = snapshot()
        assert who(await verifier.authenticate(config_, bearer(token())))
        issuer.keys = {"e2": CURVE}
        fresh = token(CURVE, "e2", "ES256")
        issuer.now += 11
        assert who(await verifier.authenticate(config_, bearer(fresh))) == ("acme", "jwt")
        assert issuer.fetches == 2
        for index in range(50):
            assert code(await verifier.authenticate(config_, bearer(token(kid=f"made-up-{index}")))) == "invalid_token"
        assert issuer.fetches == 2
        issuer.down = True
        issuer.now += 4000
        assert who(await verifier.authenticate(config_, bearer(fresh))) == ("acme", "jwt"), "old keys stay in use"

    asyncio.run(main())


def test_an_issuer_that_was_never_reached_is_503_and_not_401() -> None:
    issuer = Issuer()
    issuer.down = True
    answer = verify(issuer, token())
    assert isinstance(answer, Refusal)
    assert (answer.status, answer.code) == (503, "jwks_unavailable")
