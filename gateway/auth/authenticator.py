"""Who is calling: bearer tokens verified, and what their role may reach and send.

The algorithms come from the settings, never from the token (RFC 8725), and are of one family.  A
token's own hints on where to find a key (`jku`, `x5u`, `jwk`) make it invalid.  What is wrong with
a token is said; the token itself is never repeated.

Not for: where keys come from (`jwks`, `development_secret`).
"""

import time
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Any, Protocol

import jwt
from jwt import PyJWK
from jwt.exceptions import InvalidSubjectError
from msgspec import Struct

from domain.ids import ID_RULE, is_id, is_user_id
from domain.messages.commands import COMMAND_TYPES, PLAYER_COMMANDS
from gateway.problems import Problem

AUDIENCE = "questkeep"
LEEWAY_SECONDS = 30
TOKEN_BYTES_MAX = 4096
HEADER_BYTES_MAX = TOKEN_BYTES_MAX + 16
"""Of the whole `Authorization` header."""
TIME_MAX = 2**53
"""A claim beyond it is no time: no reader of JSON would keep it exact."""
VERIFIED_BYTES_MAX = 4 << 20
"""Of verified tokens that are remembered; the one verified longest ago goes first."""
VERIFIED_SECONDS_MAX = 300
"""How long one is, at most: a key taken back counts no longer than that after it is gone."""

_FOREIGN_KEYS = {"jku", "x5u", "jwk", "x5c", "crit"}
# Times are checked here, by one reader: PyJWT takes texts of digits for them.
_OPTIONS: Any = {
    "require": ["exp", "iat", "sub", "aud"],
    "enforce_minimum_key_length": True,
    "verify_exp": False,
    "verify_iat": False,
    "verify_nbf": False,
}


class Role(StrEnum):
    """What a token lets its bearer do; `operator` includes `service`."""

    PLAYER = "player"
    SERVICE = "service"
    OPERATOR = "operator"


class Caller(Struct, frozen=True):
    """Whoever holds a verified token.  `expires_at` is in seconds since the epoch."""

    sub: str
    role: Role
    expires_at: float

    def may_reach(self, user_id: str) -> bool:
        """A player reaches themself only; a service reaches every user."""
        return self.role is not Role.PLAYER or self.sub == user_id

    @property
    def commands(self) -> frozenset[str]:
        """The types that they may send: a player never sends what names its own reward."""
        return PLAYER_COMMANDS if self.role is Role.PLAYER else COMMAND_TYPES


class KeysUnavailable(Exception):
    """No key can be had now; nothing is known to be wrong with the token."""


class Keys(Protocol):
    """Where the key to verify a token with comes from."""

    async def find(self, kid: str | None) -> bytes | PyJWK | None:
        """The key of this id; None when there is none.  Raises `KeysUnavailable`."""
        ...


class Secret:
    """One shared secret for every token, whatever key id it names."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    async def find(self, kid: str | None) -> bytes:
        """The secret."""
        return self._secret


class Authenticator:
    """Turns an `Authorization` header into a `Caller`."""

    def __init__(
        self, keys: Keys, algorithms: Sequence[str], clock: Callable[[], float] = time.time
    ) -> None:
        self._keys = keys
        self._algorithms = list(algorithms)
        self._clock = clock
        # By what was verified, never by what was written around it.
        self._verified: dict[bytes, tuple[Caller, float]] = {}
        self._verified_bytes = 0

    async def caller(self, authorization: bytes | None) -> Caller:
        """Who sent this header.

        Raises:
            Problem: `unauthenticated`, and which of the checks failed; `user_unavailable` while
                there is no key to check with.
        """
        token = _token(authorization)
        known = self._verified.get(token)
        if known is not None and self._clock() < known[1]:
            return known[0]
        caller = await self._verify(token)
        self._remember(token, caller)
        return caller

    def _remember(self, token: bytes, caller: Caller) -> None:
        now = self._clock()
        self._forget(token)  # so that it stands last
        until = min(caller.expires_at + LEEWAY_SECONDS, now + VERIFIED_SECONDS_MAX)
        self._verified[token] = (caller, until)
        self._verified_bytes += len(token)
        while self._verified_bytes > VERIFIED_BYTES_MAX or self._oldest()[1] < now:
            self._forget(self._oldest()[0])

    def _oldest(self) -> tuple[bytes, float]:
        token, (_, until) = next(iter(self._verified.items()))
        return token, until

    def _forget(self, token: bytes) -> None:
        if self._verified.pop(token, None) is not None:
            self._verified_bytes -= len(token)

    async def _verify(self, token: bytes) -> Caller:
        try:
            key = await self._keys.find(_key_id(token))
            if key is None:
                raise _refused("it is signed with a key this server does not know")
            claims = jwt.decode(
                token,
                key,
                algorithms=self._algorithms,
                audience=AUDIENCE,
                leeway=LEEWAY_SECONDS,
                options=_OPTIONS,
            )
        except jwt.PyJWTError as error:
            raise _refused(_reason(error)) from None
        except (ValueError, TypeError, OverflowError, RecursionError):
            raise _refused("it cannot be read") from None
        except KeysUnavailable as error:
            raise Problem("user_unavailable", str(error), retry_after_ms=5_000) from None
        _check_times(claims, self._clock())
        return _caller(claims)


def _token(authorization: bytes | None) -> bytes:
    if authorization is None:
        raise Problem("unauthenticated", "No Authorization header came, expected Bearer <token>")
    if len(authorization) > HEADER_BYTES_MAX:
        raise _refused(f"its header has more than {HEADER_BYTES_MAX} bytes")
    scheme, _, token = authorization.partition(b" ")
    token = token.strip()
    if scheme.lower() != b"bearer" or not token:
        raise Problem("unauthenticated", "The Authorization header is not Bearer <token>")
    if len(token) > TOKEN_BYTES_MAX:
        raise _refused(f"it has {len(token)} bytes, expected at most {TOKEN_BYTES_MAX}")
    return token


def _key_id(token: bytes) -> str | None:
    """The `kid` in the token's header, once nothing else in there speaks against it."""
    header = jwt.get_unverified_header(token)
    if foreign := sorted(_FOREIGN_KEYS & header.keys()):
        raise _refused(f"its header has {foreign[0]}, which is not accepted")
    kid = header.get("kid")
    if kid is not None and not (isinstance(kid, str) and len(kid) <= 256):
        raise _refused("its kid is not a short text")
    return kid


def _check_times(claims: dict[str, Any], now: float) -> None:
    """Refuse a token that has expired or is not valid yet, and times that are no numbers."""
    for name in ("exp", "iat", "nbf"):
        time_claimed = claims.get(name, 0)
        if isinstance(time_claimed, bool) or not isinstance(time_claimed, int | float):
            raise _refused(f"its {name} is not a number")
        if not abs(time_claimed) <= TIME_MAX:  # nor NaN
            raise _refused(f"its {name} is not a time")
    if claims["exp"] <= now - LEEWAY_SECONDS:
        raise _refused("it has expired")
    if max(claims["iat"], claims.get("nbf", 0)) > now + LEEWAY_SECONDS:
        raise _refused("it is not valid yet (nbf or iat is in the future)")


def _caller(claims: dict[str, Any]) -> Caller:
    try:
        role = Role(claims.get("role", Role.PLAYER))
    except ValueError:
        raise _refused(f"its role is unknown, expected one of {', '.join(Role)}") from None
    sub = claims["sub"]
    if role is Role.PLAYER and not is_user_id(sub):
        raise _refused(f"its sub is no user id, expected {ID_RULE}")
    if not is_id(sub):
        raise _refused(f"its sub is no name, expected {ID_RULE}")
    return Caller(sub, role, float(claims["exp"]))


_REASONS: list[tuple[type[jwt.PyJWTError], str]] = [
    (jwt.InvalidAudienceError, f"its aud is wrong, expected {AUDIENCE}"),
    (InvalidSubjectError, "its sub is not a text"),
    (jwt.InvalidSignatureError, "its signature does not match"),
    (jwt.InvalidAlgorithmError, "its algorithm is not one of this server's"),
    (jwt.DecodeError, "it cannot be read"),
]


def _reason(error: jwt.PyJWTError) -> str:
    """Our words, never PyJWT's: some of its messages repeat parts of the token."""
    if isinstance(error, jwt.MissingRequiredClaimError):
        return f"it lacks {error.claim}"
    return next((words for kind, words in _REASONS if isinstance(error, kind)), "it is not valid")


def _refused(reason: str) -> Problem:
    return Problem("unauthenticated", f"The token was refused: {reason}")
