"""Settings from flags, the environment and a file, each with where it came from.

A flag beats an environment variable, which beats the settings file, which beats the default.  What
is wrong is said in one sentence: which setting, what came, from where, and what is expected.

This is the only module that reads the environment.
"""

import ipaddress
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from domain.rules.load import CannotRead, preset_text, rules_of
from domain.wording import describe_value, nearest
from gateway.limit_settings import LimitSettings
from gateway.options import (
    ENVIRONMENT_PREFIX,
    LIST_MAX,
    OPTIONS,
    SECRETS,
    SETTINGS_FILE,
    flag,
    variable,
)
from gateway.schema_text import describe_schema
from persistence.objects import credentials
from persistence.open import open_store

FILE_VARIABLE = variable("settings")
SECRET_BYTES_MIN = 32
_WITH_JWKS = ("RS256", "ES256", "EdDSA")


def credentials_warning(store_url: str) -> str | None:
    """`credentials.warning` for this process's environment."""
    return credentials.warning(store_url, os.environ)


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

    @field_validator("jwt_algorithms", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return [part.strip() for part in value.split(",") if part.strip()]
        return value

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


class Loaded(NamedTuple):
    """The settings, and for each one where its value came from."""

    settings: Settings
    origins: dict[str, str]


def load(flags: Mapping[str, str | None], settings_file: str | None = None) -> Loaded:
    """Read every source and check the outcome.

    `flags` holds what was given on the command line; None stands for a flag that was not.

    Raises:
        WrongSettings: one sentence for each thing that is wrong.
    """
    from_file, path = _read_file(settings_file or os.environ.get(FILE_VARIABLE))
    from_environment = EnvSettingsSource(Settings)()
    from_flags = {name: value for name, value in flags.items() if value is not None}
    origins = {
        **dict.fromkeys(OPTIONS, "default"),
        **{name: f"file {path}" for name in from_file},
        **{name: f"env {variable(name)}" for name in from_environment},
        **{name: f"flag {flag(name)}" for name in from_flags},
    }
    unknown = [*_unknown_variables(), *_unknown_keys(from_file, path)]
    if unknown:
        raise WrongSettings(unknown)
    try:
        settings = Settings(**{**from_file, **from_environment, **from_flags})
    except ValidationError as error:
        # A default that follows from another setting is not worked out when that one is wrong.
        wrong = [one for one in error.errors() if one["type"] != "default_factory_not_called"]
        # One sentence a setting, also where several parts of a list are wrong.
        sentences = {one["loc"][:1]: _sentence(one, origins) for one in reversed(wrong)}
        raise WrongSettings(list(reversed(sentences.values()))) from None
    return Loaded(settings, origins)


def forget_secrets() -> None:
    """Take secrets out of the environment, which every process started from here on inherits."""
    for name in list(os.environ):
        if name.upper() in {variable(secret) for secret in SECRETS}:
            del os.environ[name]


def rules_text(settings: Settings) -> str:
    """The text of the rules that were named (a file or a preset), or of the default ones.

    Raises:
        WrongSettings: there are none of that name, or the file cannot be read.
    """
    if settings.rules is None:
        return preset_text()
    try:
        return rules_of(settings.rules)
    except CannotRead as error:
        raise WrongSettings([f"rules: {error}"]) from None


def shown_settings(loaded: Loaded) -> list[tuple[str, Any, str]]:
    """Every setting's name, value (a secret only as `set`) and origin, for people and programs."""
    values = loaded.settings.model_dump(mode="json")
    rows = []
    for name in OPTIONS:
        value = values[name]
        if name in SECRETS and value is not None:
            value = "set"
        elif isinstance(value, list):
            value = ",".join(value)
        rows.append((name, value, loaded.origins[name]))
    return rows


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach `host` (an address or name, with or without a port)."""
    name = host.rpartition(":")[0] if host.count(":") == 1 else host
    try:
        return ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return name == "localhost"


def _read_file(named: str | None) -> tuple[dict[str, Any], str]:
    """The settings file's keys.  One that was named must exist; `questkeep.toml` may."""
    path = Path(named or SETTINGS_FILE)
    if named is None and not path.exists():
        return {}, str(path)
    try:
        return tomllib.loads(path.read_text(encoding="utf-8")), str(path)
    except OSError as error:
        raise WrongSettings(
            [f"The settings file {path} cannot be read: {error.strerror}."]
        ) from None
    except ValueError as error:
        raise WrongSettings([f"The settings file {path} is not TOML: {error}."]) from None


def _unknown_variables() -> list[str]:
    known = {variable(name) for name in OPTIONS} | {FILE_VARIABLE}
    given = [name for name in os.environ if name.upper().startswith(ENVIRONMENT_PREFIX)]
    return [
        f"{name} is set in the environment, but is no setting of Questkeep{_nearest(name, known)}."
        for name in sorted(given)
        if name.upper() not in known
    ]


def _unknown_keys(from_file: dict[str, Any], path: str) -> list[str]:
    return [
        f"{key} in {path} is no setting of Questkeep{_nearest(key, OPTIONS)}."
        for key in from_file
        if key not in OPTIONS
    ]


def _nearest(name: str, known: Any) -> str:
    meant = nearest(name, known)
    return f" (did you mean {meant}?)" if meant else "; `questkeep settings` lists them all"


def _sentence(error: ErrorDetails, origins: dict[str, str]) -> str:
    message = error["msg"].removeprefix("Value error, ")
    if not error["loc"]:
        return message + "."
    name = str(error["loc"][0])
    what = "not usable" if name in SECRETS else describe_value(error["input"])
    schema = Settings.model_json_schema()
    wanted = describe_schema(schema["properties"][name], schema.get("$defs", {}))
    if error["type"] == "value_error" and message != "not true or false":
        if message.endswith("."):
            return f"{name} is {what} ({origins[name]}). {message}"
        wanted = message
    return f"{name} is {what} ({origins[name]}), expected {wanted}."
