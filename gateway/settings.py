"""The settings of a server: their names, bounds, defaults, and which of them go together.

Not for: where their values come from (`settings_sources`), or what they are for (`options`).
"""

import ipaddress
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from gateway.limit_settings import LimitSettings
from gateway.options import (
    ENVIRONMENT_PREFIX,
    LIST_MAX,
    variable,
)
from persistence.open import open_store

FILE_VARIABLE = variable("settings")
SECRET_BYTES_MIN = 32
_WITH_JWKS = ("RS256", "ES256", "EdDSA")


def _default_store() -> str:
    return (Path.cwd() / "data").as_uri()


def _default_algorithms(given: dict[str, Any]) -> tuple[str, ...]:
    return ("HS256",) if given.get("jwks") is None else _WITH_JWKS


class Settings(LimitSettings, BaseSettings):
    """What a server needs to know.  `OPTIONS` says what each one does."""

    model_config = SettingsConfigDict(
        env_prefix=ENVIRONMENT_PREFIX,
        env_ignore_empty=True,
        extra="forbid",
        frozen=True,
        validate_default=False,
    )

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535)] = 8080
    store: str = Field(default_factory=_default_store)
    file_store: Literal["local", "shared"] = "local"
    placement: Literal["dedicated", "packed", "local"] = "dedicated"
    hosts: Annotated[int, Field(ge=0, le=1_024)] = 0
    gateways: Annotated[int, Field(ge=1, le=64)] = 1
    rules: Annotated[str, Field(min_length=1)] | None = None
    ray: Annotated[str, Field(min_length=1)] = "local"
    jwt_secret: SecretStr | None = None
    jwt_secret_file: Path | None = None
    jwks: str | None = None
    jwt_algorithms: Annotated[
        tuple[Literal["HS256", "RS256", "ES256", "EdDSA"], ...], NoDecode, Field(min_length=1)
    ] = Field(default_factory=_default_algorithms)  # type: ignore[arg-type]
    users_max: Annotated[int, Field(ge=0, le=10_000_000)] = 0
    idle_seconds: Annotated[float, Field(ge=1, le=86_400)] = 300.0
    # A list of commands whose reply was lost is sent again as a whole: all of it must be
    # recognised, so the window is never smaller than the longest list.
    receipt_window: Annotated[int, Field(ge=LIST_MAX, le=100_000)] = 128
    mailbox_depth_max: Annotated[int, Field(ge=1, le=100_000)] = 256
    snapshot_every: Annotated[int, Field(ge=1, le=1_000_000)] = 1_000
    body_bytes_max: Annotated[int, Field(ge=1_024, le=64 << 20)] = 1 << 20
    # Who is let in waits for those before them: about this many divided by requests a second.
    requests_in_flight_max: Annotated[int, Field(ge=1, le=1_000_000)] = 1_024
    # Of each gateway; with a burst of two seconds'.  A proxy is one address for all behind it.
    address_rate_max: Annotated[float, Field(ge=0, le=1_000_000)] = 0
    address_connections_max: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    live_connections_max: Annotated[int, Field(ge=1, le=1_000_000)] = 20_000
    allow_origins: Annotated[tuple[str, ...], NoDecode] | None = None
    player_rate_max: Annotated[float, Field(ge=0, le=1_000_000)] = 1_000
    service_rate_max: Annotated[float, Field(ge=0, le=1_000_000)] = 0
    ask_timeout_seconds: Annotated[float, Field(ge=0.1, le=600)] = 30.0
    drain_seconds: Annotated[float, Field(ge=0, le=3_600)] = 30.0
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["console", "json"] = "console"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what `load` hands over: it knows where each value came from."""
        return (init_settings,)

    @field_validator("*", mode="before")
    @classmethod
    def _no_booleans(cls, value: object) -> object:
        """`port = true` is a mistake, not port 1."""
        if isinstance(value, bool):
            raise ValueError("not true or false")
        return value

    @field_validator("jwt_algorithms", "allow_origins", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return [part.strip() for part in value.split(",") if part.strip()]
        return value

    @field_validator("allow_origins")
    @classmethod
    def _origins_as_browsers_spell_them(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        for origin in origins:
            parts = urlsplit(origin)
            if origin != "*" and origin != f"{parts.scheme}://{parts.netloc}":
                raise ValueError("origins such as https://game.example:8443, without a path, or *")
        return origins

    @field_validator("store")
    @classmethod
    def _store_exists(cls, url: str) -> str:
        open_store(url)
        return url

    @field_validator("jwks")
    @classmethod
    def _keys_come_safely(cls, place: str) -> str:
        parts = urlsplit(place)  # raises ValueError
        if parts.scheme not in ("http", "https"):
            return place
        if not parts.hostname or parts.username is not None:
            raise ValueError("a URL with a host and without a user name, or a file")
        if parts.scheme == "http" and not is_loopback(parts.hostname):
            raise ValueError(
                "an https:// URL, or a file: keys that anyone can replace prove nothing"
            )
        return place

    @field_validator("jwt_secret")
    @classmethod
    def _long_enough(cls, secret: SecretStr) -> SecretStr:
        length = len(secret.get_secret_value().encode())
        if length < SECRET_BYTES_MIN:
            raise ValueError(f"at least {SECRET_BYTES_MIN} bytes, and {length} came")
        return secret

    @model_validator(mode="after")
    def _one_way_to_verify(self) -> Self:
        ways = ("jwks", "jwt_secret", "jwt_secret_file")
        named = [name for name in ways if getattr(self, name) is not None]
        if len(named) > 1:
            raise ValueError(f"{' and '.join(named)} are set, expected one of them")
        symmetric = "HS256" in self.jwt_algorithms
        if symmetric and len(self.jwt_algorithms) > 1:
            raise ValueError("jwt_algorithms mixes HS256 with public keys, expected one kind")
        if symmetric == (self.jwks is not None):
            names = ", ".join(self.jwt_algorithms)
            wanted = "a jwt_secret and no jwks" if symmetric else "jwks to be set"
            raise ValueError(f"jwt_algorithms is {names}, which expects {wanted}")
        return self

    @model_validator(mode="after")
    def _workers_reach_hosts(self) -> Self:
        """Only packed hosts speak to any gateway; others to the process that started them."""
        if self.gateways > 1 and self.placement != "packed":
            raise ValueError(
                f"gateways is {self.gateways} with placement {self.placement}, "
                "expected 1, or placement packed"
            )
        return self

    @model_validator(mode="after")
    def _local_needs_no_ray(self) -> Self:
        if self.placement == "local" and self.ray != "local":
            raise ValueError(
                f"ray is {self.ray} with placement local, which runs everything in one process; "
                "expected no ray, or placement packed or dedicated"
            )
        return self


class WrongSettings(Exception):
    """The settings cannot be used.  Each problem is one sentence."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach `host` (an address or name, with or without a port)."""
    name = host.rpartition(":")[0] if host.count(":") == 1 else host
    try:
        return ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return name == "localhost"
