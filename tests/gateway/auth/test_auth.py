"""Tokens: who gets in, and everything that must not."""

import base64
import json
import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from gateway.auth.authenticator import (
    HEADER_BYTES_MAX,
    VERIFIED_SECONDS_MAX,
    Authenticator,
    Caller,
    Keys,
    KeysUnavailable,
    Role,
    Secret,
)
from gateway.problems import Problem
from tests.gateway import gateway_kit
from tests.gateway.gateway_kit import PLAYER, SECRET, Gateway, claims, token

RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
RSA_PUBLIC = RSA.public_key().public_bytes(
    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
)


def now() -> int:
    return int(time.time())


def signed(payload: Any, header: dict[str, Any] | None = None, key: Any = SECRET) -> str:
    return jwt.encode(payload, key, algorithm="HS256", headers=header)


def unsigned(alg: str, signature: str = "") -> str:
    def part(value: Any) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    return f"{part({'alg': alg, 'typ': 'JWT'})}.{part(claims())}.{signature}"


def signed_with_public_key() -> str:
    """The classic confusion: an HS256 token whose secret is the server's public RSA key."""
    import hashlib
    import hmac

    head = unsigned("HS256").rpartition(".")[0]
    mac = hmac.new(RSA_PUBLIC, head.encode(), hashlib.sha256).digest()
    return f"{head}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


BAD: dict[str, tuple[str | Callable[[], str], str]] = {
    "alg none": (unsigned("none"), "algorithm"),
    "alg None": (unsigned("None"), "algorithm"),
    "alg none with a signature": (unsigned("none", "AAAA"), "algorithm"),
    "no algorithm": (unsigned(""), "algorithm"),
    "signature cut off": (PLAYER.rpartition(".")[0] + ".", "signature"),
    "wrong secret": (signed(claims(), key=b"another secret of more than 32 bytes"), "signature"),
    "HS512": (jwt.encode(claims(), SECRET * 2, algorithm="HS512"), "algorithm"),
    "RS256": (jwt.encode(claims(), RSA, algorithm="RS256"), "algorithm"),
    "the public key as a secret": (signed_with_public_key, "signature"),
    "expired": (token(exp=now() - 31), "expired"),
    "expired long ago": (token(exp=0), "expired"),
    "not yet": (token(nbf=now() + 3600), "not valid yet"),
    "from the future": (token(iat=now() + 3600), "not valid yet"),
    "no exp": (token(exp=None), "lacks exp"),
    "no iat": (token(iat=None), "lacks iat"),
    "no sub": (signed({**claims(), "sub": None}), "lacks sub"),
    "no aud": (token(aud=None), "lacks aud"),
    "another audience": (token(aud="another"), "aud"),
    "an audience that is no text": (token(aud=5), "aud"),
    "exp is a text": (token(exp="tomorrow"), "exp is not a number"),
    "exp is a text of digits": (token(exp=str(now() + 60)), "exp is not a number"),
    "exp is a text of digits and spaces": (token(exp=f" {now() + 60} "), "exp is not a number"),
    "exp is true": (token(exp=True), "exp is not a number"),
    "exp is infinite": (token(exp=float("inf")), "exp is not a time"),
    "exp is not a number at all": (token(exp=float("nan")), "exp is not a time"),
    "exp has 400 digits": (token(exp=10**400), "exp is not a time"),
    "exp is no millisecond either": (token(exp=2**53 + 1), "exp is not a time"),
    "exp is a list": (token(exp=[1]), "exp is not a number"),
    "iat is a text": (token(iat="now"), "iat is not a number"),
    "iat is a text of digits": (token(iat="1_0"), "iat is not a number"),
    "iat is a huge negative": (token(iat=-(10**400)), "iat is not a time"),
    "nbf is a text of digits": (token(nbf="1"), "nbf is not a number"),
    "nbf is an object": (token(nbf={}), "nbf is not a number"),
    "sub is a number": (signed({**claims(), "sub": 5}), "sub"),
    "sub is empty": (token(""), "user id"),
    "sub is me": (token("me"), "user id"),
    "sub is no user id": (token("../alice"), "user id"),
    "sub is too long": (token("x" * 129), "user id"),
    "a service without a name": (token("a b", "service"), "name"),
    "an unknown role": (token(role="admin"), "role"),
    "a role that is no text": (token(role=["service"]), "role"),
    "role in capitals": (token(role="Service"), "role"),
    "a key of its own": (signed(claims(), {"jwk": {"kty": "oct", "k": "AAAA"}}), "jwk"),
    "a key elsewhere": (signed(claims(), {"jku": "https://evil.example/keys"}), "jku"),
    "a certificate elsewhere": (signed(claims(), {"x5u": "https://evil.example/"}), "x5u"),
    "a certificate of its own": (signed(claims(), {"x5c": ["AAAA"]}), "x5c"),
    "critical extensions": (signed(claims(), {"crit": ["exp"]}), "not valid"),
    "kid is too long": (signed(claims(), {"kid": "x" * 300}), "kid"),
    "too long": (token(more="x" * 4096), "bytes"),
    "one part": ("abc", "read"),
    "two parts": ("abc.def", "read"),
    "four parts": (PLAYER + ".AAAA", "it"),
    "no JSON": ("e30.e30.e30", "it"),
    "a list for claims": (
        jwt.PyJWS().encode(b"[1]", SECRET, algorithm="HS256"),
        "read",
    ),
    "nested claims": (jwt.PyJWS().encode(b"[" * 2_000, SECRET, algorithm="HS256"), "read"),
    "not ASCII": ("\xe9", "read"),
}


@pytest.mark.parametrize(("bad", "reason"), BAD.values(), ids=BAD.keys())
async def test_a_token_that_is_not_valid_gets_nobody_in(
    gateway: Gateway, bad: str | Callable[[], str], reason: str
) -> None:
    bearer = bad if isinstance(bad, str) else bad()
    answer = await gateway.get("/v1/users/me", bearer=bearer)
    assert (answer.status, answer.code) == (401, "unauthenticated")
    assert answer.headers["www-authenticate"] == "Bearer"
    assert reason in answer.json["detail"]
    assert len(bearer) < 10 or bearer not in answer.content.decode()


async def test_not_one_bit_of_a_token_can_be_changed(gateway: Gateway) -> None:
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    for place, character in enumerate(PLAYER):
        if character == ".":
            continue
        changed = alphabet[(alphabet.index(character) ^ 1)]
        bearer = PLAYER[:place] + changed + PLAYER[place + 1 :]
        assert (await gateway.get("/v1/users/me", bearer=bearer)).status == 401, place


HEADERS = {
    "nothing": "",
    "only the scheme": "Bearer",
    "the scheme and a space": "Bearer ",
    "another scheme": f"Basic {PLAYER}",
    "no scheme": PLAYER,
    "two tokens": f"Bearer {PLAYER} {PLAYER}",
    "a list": f"Bearer {PLAYER}, Bearer {PLAYER}",
}


@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS.keys())
async def test_a_header_that_is_not_bearer_and_a_token_gets_nobody_in(
    gateway: Gateway, header: str
) -> None:
    headers = [("authorization", header)]
    answer = await gateway.get("/v1/users/me", bearer=None, headers=headers)
    assert (answer.status, answer.code) == (401, "unauthenticated")


async def test_two_authorization_headers_get_nobody_in(gateway: Gateway) -> None:
    headers = [("authorization", f"Bearer {gateway_kit.SERVICE}")]
    answer = await gateway.get("/v1/users/me", bearer=PLAYER, headers=headers)
    assert (answer.status, answer.code) == (401, "unauthenticated")


@pytest.mark.parametrize("header", [f"Bearer {PLAYER}", f"bearer {PLAYER}", f"BEARER   {PLAYER}  "])
async def test_the_scheme_is_read_in_any_case(gateway: Gateway, header: str) -> None:
    headers = [("authorization", header)]
    assert (await gateway.get("/v1/users/me", bearer=None, headers=headers)).status == 200


async def test_clocks_may_differ_by_some_seconds(gateway: Gateway) -> None:
    late = token(exp=now() - 5)
    assert (await gateway.get("/v1/users/me", bearer=late)).status == 200


@pytest.mark.parametrize(
    "good",
    [
        token(aud=["questkeep", "another"]),
        token(role="player"),
        token(more="claims", nbf=now()),
        signed(claims(), {"kid": "any"}),
    ],
)
async def test_a_valid_token_may_have_more_to_it(gateway: Gateway, good: str) -> None:
    assert (await gateway.get("/v1/users/me", bearer=good)).status == 200


class Clock:
    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


class CountedKeys:
    def __init__(self, secret: bytes | None = SECRET) -> None:
        self.secret = secret
        self.asked = 0

    async def find(self, kid: str | None) -> bytes | None:
        self.asked += 1
        if self.secret is None:
            raise KeysUnavailable("there is no key set")
        return self.secret


async def test_a_verified_token_is_not_verified_again_until_it_expires() -> None:
    clock, keys = Clock(), CountedKeys()
    authenticator = Authenticator(keys, ["HS256"], clock)
    header = b"Bearer " + token(exp=now() + 100).encode()
    first = await authenticator.caller(header)
    assert await authenticator.caller(header) is first
    assert keys.asked == 1
    clock.now += 131
    with pytest.raises(Problem, match="expired"):
        await authenticator.caller(header)
    assert keys.asked == 2


async def test_a_key_that_was_taken_back_counts_no_longer_than_five_minutes() -> None:
    clock, keys = Clock(), CountedKeys()
    authenticator = Authenticator(keys, ["HS256"], clock)
    header = b"Bearer " + PLAYER.encode()
    await authenticator.caller(header)
    keys.secret = b"a new secret of no fewer than 32 bytes"
    await authenticator.caller(header)
    clock.now += VERIFIED_SECONDS_MAX + 1
    with pytest.raises(Problem, match="signature"):
        await authenticator.caller(header)


async def test_only_so_many_bytes_of_verified_tokens_are_remembered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    room_for_two = 2 * len(token("a"))
    monkeypatch.setattr("gateway.auth.authenticator.VERIFIED_BYTES_MAX", room_for_two)
    keys = CountedKeys()
    authenticator = Authenticator(keys, ["HS256"])
    a, b, c = (b"Bearer " + token(name).encode() for name in "abc")
    for header in (a, b, a, c, b, c):  # a is the one verified longest ago when c comes
        await authenticator.caller(header)
    assert keys.asked == 3
    await authenticator.caller(a)
    assert keys.asked == 4
    assert authenticator._verified_bytes == room_for_two


async def test_one_token_is_remembered_once_however_its_header_is_written() -> None:
    keys = CountedKeys()
    authenticator = Authenticator(keys, ["HS256"])
    for spaces in range(1, 17 - len("Bearer")):
        await authenticator.caller(b"Bearer" + b" " * spaces + PLAYER.encode())
        await authenticator.caller(b"bEARER" + b" " * spaces + PLAYER.encode() + b" ")
    assert keys.asked == 1
    assert len(authenticator._verified) == 1


async def test_a_header_of_many_bytes_is_refused_whatever_its_token() -> None:
    keys = CountedKeys()
    authenticator = Authenticator(keys, ["HS256"])
    with pytest.raises(Problem, match="header has more than"):
        await authenticator.caller(b"Bearer" + b" " * HEADER_BYTES_MAX + PLAYER.encode())
    assert keys.asked == 0


async def test_tokens_that_count_no_longer_are_forgotten() -> None:
    clock, keys = Clock(), CountedKeys()
    authenticator = Authenticator(keys, ["HS256"], clock)
    for number in range(50):
        await authenticator.caller(b"Bearer " + token(f"u{number}").encode())
    clock.now += VERIFIED_SECONDS_MAX + 1
    await authenticator.caller(b"Bearer " + PLAYER.encode())
    assert len(authenticator._verified) == 1


async def test_without_keys_nobody_is_told_that_their_token_is_wrong() -> None:
    gateway = gateway_kit.gateway(authenticator=Authenticator(CountedKeys(None), ["HS256"]))
    answer = await gateway.get("/v1/users/me", bearer=PLAYER)
    assert (answer.status, answer.code) == (503, "user_unavailable")
    assert "retry-after" in answer.headers


async def test_an_rsa_server_does_not_take_its_public_key_for_a_secret() -> None:
    class Public:
        async def find(self, kid: str | None) -> Any:
            return jwt.PyJWK.from_json(jwt.algorithms.RSAAlgorithm.to_jwk(RSA.public_key()))

    keys: Keys = Public()
    gateway = gateway_kit.gateway(authenticator=Authenticator(keys, ["RS256"]))
    good = jwt.encode(claims(), RSA, algorithm="RS256")
    assert (await gateway.get("/v1/users/me", bearer=good)).status == 200
    for bad in (signed_with_public_key(), PLAYER, unsigned("none")):
        assert (await gateway.get("/v1/users/me", bearer=bad)).status == 401


def test_roles_reach_and_send_what_they_may() -> None:
    player = Caller("alice", Role.PLAYER, 0)
    assert player.may_reach("alice")
    assert not player.may_reach("bob")
    assert "turn_in_quest" in player.commands
    assert "offer_quest" not in player.commands
    for role in (Role.SERVICE, Role.OPERATOR):
        caller = Caller("x", role, 0)
        assert caller.may_reach("bob")
        assert caller.commands >= {"offer_quest", "turn_in_quest"}


async def test_a_secret_serves_every_key_id() -> None:
    assert await Secret(SECRET).find("any") == SECRET
