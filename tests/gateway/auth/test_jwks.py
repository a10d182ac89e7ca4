"""Key sets: which keys count, and when they are fetched."""

import asyncio
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from gateway.auth import jwks
from gateway.auth.authenticator import Authenticator, KeysUnavailable
from gateway.auth.jwks import KeySet, read_keys
from gateway.auth.jwks_fetch import JwksError
from tests.gateway import gateway_kit
from tests.gateway.auth.jwks_kit import RSA, document, jwk
from tests.gateway.gateway_kit import claims

ALGORITHMS = frozenset({"RS256", "ES256", "EdDSA"})
SMALL_RSA = rsa.generate_private_key(public_exponent=65537, key_size=1024)
EC = ec.generate_private_key(ec.SECP256R1())
ED = ed25519.Ed25519PrivateKey.generate()


class Provider:
    """An identity provider that counts how often it is asked; `content` None means it is away."""

    def __init__(self, content: bytes | None) -> None:
        self.content = content
        self.asked = 0
        self.now = 0.0

    async def fetch(self) -> bytes:
        self.asked += 1
        if self.content is None:
            raise JwksError("away")
        return self.content

    def keys(self) -> KeySet:
        return KeySet(self.fetch, sorted(ALGORITHMS), clock=lambda: self.now)


@pytest.mark.parametrize(("key", "algorithm"), [(RSA, "RS256"), (EC, "ES256"), (ED, "EdDSA")])
async def test_tokens_of_each_kind_of_public_key_get_in(key: Any, algorithm: str) -> None:
    provider = Provider(document(jwk(RSA, "rsa"), jwk(EC, "ec"), jwk(ED, "ed")))
    gateway = gateway_kit.gateway(authenticator=Authenticator(provider.keys(), sorted(ALGORITHMS)))
    kid = {"RS256": "rsa", "ES256": "ec", "EdDSA": "ed"}[algorithm]
    bearer = jwt.encode(claims(), key, algorithm=algorithm, headers={"kid": kid})
    assert (await gateway.get("/v1/users/me", bearer=bearer)).status == 200
    nameless = jwt.encode(claims(), key, algorithm=algorithm)
    assert (await gateway.get("/v1/users/me", bearer=nameless)).status == 401
    for other in {"rsa", "ec", "ed"} - {kid}:
        crossed = jwt.encode(claims(), key, algorithm=algorithm, headers={"kid": other})
        assert (await gateway.get("/v1/users/me", bearer=crossed)).status == 401


@pytest.mark.filterwarnings("ignore:The RSA key is 1024:jwt.warnings.InsecureKeyLengthWarning")
async def test_a_key_that_is_too_short_lets_nobody_in() -> None:
    provider = Provider(document(jwk(SMALL_RSA, "small")))
    gateway = gateway_kit.gateway(authenticator=Authenticator(provider.keys(), ["RS256"]))
    bearer = jwt.encode(claims(), SMALL_RSA, algorithm="RS256", headers={"kid": "small"})
    assert (await gateway.get("/v1/users/me", bearer=bearer)).status == 401


async def test_the_only_key_serves_tokens_that_name_none() -> None:
    keys = Provider(document(jwk(RSA, "one"))).keys()
    found = await keys.find(None)
    assert found is not None
    assert found.key_id == "one"


def test_keys_that_cannot_be_used_are_left_out() -> None:
    shared = {"kty": "oct", "k": "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0", "kid": "shared"}
    entries = [
        shared,
        {**shared, "alg": "HS256"},
        {"kty": "nonsense", "kid": "x"},
        {"kty": "RSA", "kid": "broken", "n": "!", "e": "AQAB"},
        jwk(RSA, "no algorithm", alg="none"),
        jwk(RSA, "several algorithms", alg=["RS256"]),
        jwk(RSA, "a number for an algorithm", alg=5),
        jwk(EC, "another curve", crv=5),
        {"kty": ["RSA"], "kid": "several kinds"},
        {"kty": {}, "kid": {}},
        "no key at all",
        jwk(RSA, "for-encryption", use="enc"),
        jwk(RSA, "rs512", alg="RS512"),
        jwk(RSA, "good", use="sig", alg="RS256"),
    ]
    assert [key.key_id for key in read_keys(document(*entries), ALGORITHMS)] == ["good"]


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"keys": 5}', b'{"keys": []}', b"[" * 5_000, b"\xff"]
)
def test_what_is_no_key_set_is_refused(content: bytes) -> None:
    with pytest.raises(JwksError):
        read_keys(content, ALGORITHMS)


async def test_keys_are_fetched_once_while_they_are_fresh() -> None:
    provider = Provider(document(jwk(RSA, "a")))
    keys = provider.keys()
    for _ in range(3):
        assert await keys.find("a") is not None
    assert provider.asked == 1


async def test_an_unknown_key_id_makes_one_fetch_a_minute_and_finds_a_new_key() -> None:
    provider = Provider(document(jwk(RSA, "a")))
    keys = provider.keys()
    await keys.load()
    provider.content = document(jwk(RSA, "a"), jwk(EC, "b"))
    assert await keys.find("b") is None  # fetched less than a minute ago
    provider.now += 61
    assert await keys.find("b") is not None
    for kid in ("x", "y", "z"):
        assert await keys.find(kid) is None
    assert provider.asked == 2


async def test_stale_keys_serve_for_an_hour_while_the_provider_is_away() -> None:
    provider = Provider(document(jwk(RSA, "a")))
    keys = provider.keys()
    await keys.load()
    provider.content = None
    provider.now += 3_500
    assert await keys.find("a") is not None
    provider.now += 200
    with pytest.raises(KeysUnavailable):
        await keys.find("a")
    provider.content = document(jwk(RSA, "a"))
    provider.now += 61
    assert await keys.find("a") is not None


async def test_stale_keys_are_replaced_while_they_serve() -> None:
    provider = Provider(document(jwk(RSA, "a")))
    keys = provider.keys()
    await keys.load()
    provider.now += 301
    provider.content = document(jwk(EC, "a"))
    stale = await keys.find("a")
    assert stale is not None
    assert stale.key_type == "RSA"
    assert keys._fetching is not None
    await keys._fetching
    fresh = await keys.find("a")
    assert fresh is not None
    assert fresh.key_type == "EC"


async def test_a_provider_that_is_away_from_the_start_may_come_back() -> None:
    provider = Provider(None)
    keys = provider.keys()
    with pytest.raises(JwksError):
        await keys.load()
    with pytest.raises(KeysUnavailable):
        await keys.find("a")
    provider.content = document(jwk(RSA, "a"))
    provider.now += 61
    assert await keys.find("a") is not None


async def test_only_so_many_wait_for_a_fetch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jwks, "WAITING_MAX", 2)
    answers = asyncio.Event()
    fetched = document(jwk(RSA, "a"))

    async def fetch() -> bytes:
        await answers.wait()
        return fetched

    keys = KeySet(fetch, sorted(ALGORITHMS))
    waiting = [asyncio.create_task(keys.find("a")) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(KeysUnavailable, match="being fetched"):
        await keys.find("a")
    answers.set()
    assert all(await asyncio.gather(*waiting))
    assert await keys.find("a") is not None
