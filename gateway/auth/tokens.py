"""How this server's tokens are signed, as the settings say; and making one for development.

Three ways, one at a time: public keys of an identity provider (`jwks`), a shared secret
(`jwt_secret`, or a file that holds it), or, on loopback only, the development secret that is made
at the first start.

Not for: checking tokens (`authenticator`).
"""

import time
from pathlib import Path

import jwt
from msgspec import Struct

from domain.small_files import Unreadable, read_bytes
from gateway.auth.authenticator import AUDIENCE, Keys, Role, Secret
from gateway.auth.development_secret import PLACE, development_secret
from gateway.auth.jwks import KeySet
from gateway.auth.jwks_fetch import fetcher
from gateway.settings import SECRET_BYTES_MIN, Settings, WrongSettings, is_loopback


class Signing(Struct, frozen=True):
    """The shared secret and where it is from; `secret` is None where an identity provider signs.

    `made_now` says that the development secret did not exist before.
    """

    secret: bytes | None
    development: bool = False
    made_now: bool = False

    @property
    def development_secret(self) -> bytes | None:
        """The secret, if it is the one that a server on loopback makes for itself."""
        return self.secret if self.development else None


def signing(settings: Settings) -> Signing:
    """How tokens are signed.

    Raises:
        WrongSettings: the secret's file cannot be used; or the development secret would guard an
            address that others reach, or cannot be kept.
    """
    if settings.jwks is not None:
        return Signing(None)
    if settings.jwt_secret is not None:
        return Signing(settings.jwt_secret.get_secret_value().encode())
    if settings.jwt_secret_file is not None:
        return Signing(_read_secret(settings.jwt_secret_file))
    if not is_loopback(settings.host):
        raise WrongSettings(
            [
                f"host is {settings.host}, which others can reach, and tokens would be signed with "
                "the development secret: set QUESTKEEP_JWT_SECRET to a secret of 32 bytes or more, "
                "or jwks to your identity provider's keys."
            ]
        )
    try:
        secret, made_now = development_secret(Path.cwd())
    except OSError as error:
        problem = f"The development secret {PLACE} cannot be kept here: {error.strerror}"
        raise WrongSettings([f"{problem}; set QUESTKEEP_JWT_SECRET instead."]) from None
    except (Unreadable, ValueError) as error:
        raise WrongSettings([f"{error}."]) from None
    return Signing(secret, development=True, made_now=made_now)


def _read_secret(path: Path) -> bytes:
    """The secret in this file, without the line's end."""
    try:
        secret = read_bytes(path).strip()
    except Unreadable as error:
        raise WrongSettings([f"jwt_secret_file {error}."]) from None
    if len(secret) < SECRET_BYTES_MIN:
        problem = f"jwt_secret_file {path} holds {len(secret)} bytes, expected {SECRET_BYTES_MIN}"
        raise WrongSettings([f"{problem} or more."])
    return secret


def keys(signing: Signing, settings: Settings) -> Keys:
    """What `Authenticator` checks tokens with."""
    if signing.secret is not None:
        return Secret(signing.secret)
    assert settings.jwks is not None
    return KeySet(fetcher(settings.jwks), settings.jwt_algorithms)


def mint(secret: bytes, sub: str, role: Role, hours: float) -> str:
    """A token for `sub` that counts for so many hours from now."""
    now = int(time.time())
    claims = {"sub": sub, "aud": AUDIENCE, "iat": now, "exp": now + int(hours * 3600)}
    if role is not Role.PLAYER:
        claims["role"] = str(role)
    return jwt.encode(claims, secret, algorithm="HS256")
