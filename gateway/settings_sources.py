"""Where settings come from: flags, the environment and a file, each value with its origin.

A flag beats an environment variable, which beats the settings file, which beats the default.  What
is wrong is said in one sentence: which setting, what came, from where, and what is expected.

This is the only module that reads the environment.

Not for: what the settings are (`settings`).
"""

import os
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import EnvSettingsSource

from domain.rules.load import CannotRead, preset_text, rules_of
from domain.small_files import Unreadable, read_text
from domain.wording import describe_value, nearest
from gateway.options import ENVIRONMENT_PREFIX, OPTIONS, SECRETS, SETTINGS_FILE, flag, variable
from gateway.schema_text import describe_schema
from gateway.settings import Settings, WrongSettings
from persistence.objects import credentials

FILE_VARIABLE = variable("settings")


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


def credentials_warning(store_url: str) -> str | None:
    """`credentials.warning` for this process's environment."""
    return credentials.warning(store_url, os.environ)


def _read_file(named: str | None) -> tuple[dict[str, Any], str]:
    """The settings file's keys.  One that was named must exist; `questkeep.toml` may."""
    path = Path(named or SETTINGS_FILE)
    if named is None and not path.exists():
        return {}, str(path)
    try:
        return tomllib.loads(read_text(path)), str(path)
    except Unreadable as error:
        raise WrongSettings([f"The settings file {error}."]) from None
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


def _nearest(name: str, known: Iterable[str]) -> str:
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
