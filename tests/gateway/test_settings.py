"""Settings: where a value comes from, and what is said about a wrong one."""

import json
from pathlib import Path
from typing import Any

import pytest

from domain.rules.compiled_rules import compile_rules
from gateway.options import LIST_MAX, OPTIONS, SECRETS
from gateway.settings import Settings, WrongSettings, is_loopback
from gateway.settings_sources import load, rules_text, shown_settings

SECRET = "0123456789abcdef0123456789abcdef"


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def wrong(flags: dict[str, str | None] | None = None, settings_file: str | None = None) -> str:
    with pytest.raises(WrongSettings) as caught:
        load(flags or {}, settings_file)
    for problem in caught.value.problems:
        assert problem.endswith(".")
        assert "\n" not in problem
    return str(caught.value)


def test_without_anything_the_defaults_count() -> None:
    settings, origins = load({})
    assert (settings.host, settings.port, settings.placement) == ("127.0.0.1", 8080, "dedicated")
    assert settings.store == (Path.cwd() / "data").as_uri()
    assert settings.jwt_algorithms == ("HS256",)
    assert set(origins.values()) == {"default"}


def test_every_setting_has_a_line_of_help_and_every_line_a_setting() -> None:
    assert set(OPTIONS) == set(Settings.model_fields)
    assert set(OPTIONS) >= SECRETS


def test_a_flag_beats_a_variable_which_beats_the_file_which_beats_the_default(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = ["idle_seconds", "port", "mailbox_depth_max", "snapshot_every"]
    Path("questkeep.toml").write_text("port = 1\nidle_seconds = 1\nmailbox_depth_max = 1\n")
    monkeypatch.setenv("QUESTKEEP_PORT", "2")
    monkeypatch.setenv("QUESTKEEP_IDLE_SECONDS", "2")
    settings, origins = load({"idle_seconds": "3", "host": None})
    assert [getattr(settings, name) for name in names] == [3, 2, 1, 1_000]
    assert [origins[name] for name in names] == [
        "flag --idle-seconds",
        "env QUESTKEEP_PORT",
        "file questkeep.toml",
        "default",
    ]
    assert origins["host"] == "default"


def test_the_settings_file_can_be_named_by_flag_or_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = tmp_path / "one.toml", tmp_path / "two.toml"
    one.write_text("port = 1")
    two.write_text("port = 2")
    monkeypatch.setenv("QUESTKEEP_SETTINGS", str(one))
    assert load({}).settings.port == 1
    assert load({}, str(two)).settings.port == 2


def test_an_empty_variable_is_as_good_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUESTKEEP_PORT", "")
    assert load({}).origins["port"] == "default"


def test_a_list_is_written_with_commas_or_as_a_list(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("QUESTKEEP_JWKS", "keys.json")
    assert load({}).settings.jwt_algorithms == ("RS256", "ES256", "EdDSA")
    monkeypatch.setenv("QUESTKEEP_JWT_ALGORITHMS", "RS256, ES256")
    assert load({}).settings.jwt_algorithms == ("RS256", "ES256")
    monkeypatch.delenv("QUESTKEEP_JWT_ALGORITHMS")
    (tmp_path / "questkeep.toml").write_text('jwt_algorithms = ["EdDSA"]')
    assert load({}).settings.jwt_algorithms == ("EdDSA",)


WRONG_VALUES = [
    ("port", "http", 'port is "http" (flag --port), expected a whole number from 0 to 65535.'),
    ("port", "70000", 'port is "70000" (flag --port), expected a whole number from 0 to 65535.'),
    ("port", "-1", "expected a whole number from 0 to 65535."),
    ("port", "8080.5", "expected a whole number"),
    ("idle_seconds", "nan", "expected a number from 1 to 86400."),
    ("idle_seconds", "soon", "expected a number from 1 to 86400."),
    ("placement", "both", "expected one of dedicated, packed, local."),
    ("store", "ftp://x", 'store is "ftp://x" (flag --store). A store is named as file:///'),
    ("store", "./data", 'store is "./data" (flag --store). A store is named as file:///'),
    ("store", "file://data/x", "three slashes"),
    ("receipt_window", "99", f"expected a whole number from {LIST_MAX} to 100000."),
    ("log_level", "loud", "expected one of debug, info, warning, error."),
    ("log_format", "xml", "expected one of console, json."),
    ("jwt_algorithms", "none", "expected a list, each one of HS256, RS256, ES256, EdDSA."),
    ("jwt_algorithms", "RS256", "jwt_algorithms is RS256, which expects jwks to be set."),
    ("jwt_algorithms", "HS256,RS256", "jwt_algorithms mixes HS256 with public keys"),
    ("jwt_algorithms", ",", "jwt_algorithms is "),
    ("allow_origins", "localhost:5173", "expected origins such as https://game.example:8443"),
    ("allow_origins", "https://a.example/", "expected origins such as https://game.example:8443"),
    ("jwks", "http://keys.example/", "expected an https:// URL, or a file"),
    ("jwks", "HTTP://keys.example/", "expected an https:// URL, or a file"),
    ("jwks", "http://127.0.0.1:80@keys.example/", "without a user name"),
    ("jwks", "http://localhost.keys.example/", "expected an https:// URL, or a file"),
    ("jwks", "https:///keys", "a URL with a host"),
    ("jwks", "http://[::1/keys", "Invalid IPv6 URL"),
    ("ray", "", "ray is "),
]


WRONG_TOGETHER = [
    (
        {"placement": "local", "gateways": "2"},
        "gateways is 2 with placement local, expected 1, or placement packed.",
    ),
    (
        {"placement": "local", "ray": "auto"},
        "ray is auto with placement local, which runs everything in one process; expected no ray, "
        "or placement packed or dedicated.",
    ),
]


@pytest.mark.parametrize(("flags", "sentence"), WRONG_TOGETHER)
def test_settings_that_do_not_fit_together_are_one_sentence(
    flags: dict[str, str], sentence: str
) -> None:
    assert wrong(flags) == sentence


@pytest.mark.parametrize(("name", "value", "sentence"), WRONG_VALUES)
def test_a_wrong_value_is_one_sentence_with_its_name_origin_and_what_fits(
    name: str, value: str, sentence: str
) -> None:
    assert sentence in wrong({name: value})


def test_the_sentence_names_the_variable_or_the_file_it_came_from(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "questkeep.toml").write_text("port = true")
    assert wrong() == (
        "port is true (file questkeep.toml), expected a whole number from 0 to 65535."
    )
    monkeypatch.setenv("QUESTKEEP_PORT", "x")
    assert "(env QUESTKEEP_PORT)" in wrong()


def test_every_wrong_value_is_named_once() -> None:
    told = wrong({"port": "x", "jwt_algorithms": "a,b,c", "log_level": "x"}).splitlines()
    assert [line.split()[0] for line in told] == ["port", "jwt_algorithms", "log_level"]


def test_an_unknown_variable_is_named_with_the_nearest_known_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("QUESTKEEP_PROT", "1")
    assert "QUESTKEEP_PROT" in wrong()
    assert "did you mean QUESTKEEP_PORT?" in wrong()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("prot = 1", "prot in questkeep.toml is no setting of Questkeep (did you mean port?)."),
        ("[serve]\nport = 1", "serve in questkeep.toml is no setting of Questkeep"),
        ("port = ", "The settings file questkeep.toml is not TOML"),
        ("settings = 'x'", "settings in questkeep.toml is no setting"),
    ],
)
def test_a_wrong_settings_file_is_one_sentence(content: str, sentence: str) -> None:
    Path("questkeep.toml").write_text(content)
    assert sentence in wrong()


def test_a_settings_file_that_was_named_must_exist() -> None:
    assert wrong({}, "none.toml") == (
        "The settings file none.toml cannot be read: No such file or directory."
    )


def test_a_short_secret_is_refused_and_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUESTKEEP_JWT_SECRET", "swordfish")
    assert wrong() == (
        "jwt_secret is not usable (env QUESTKEEP_JWT_SECRET), "
        "expected at least 32 bytes, and 9 came."
    )


def test_a_secret_and_public_keys_are_not_both_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUESTKEEP_JWT_SECRET", SECRET)
    assert "jwks and jwt_secret are set, expected one of them" in wrong({"jwks": "keys.json"})


def test_a_secret_is_shown_as_set_and_nowhere_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUESTKEEP_JWT_SECRET", SECRET)
    loaded = load({})
    rows: list[tuple[str, Any, str]] = shown_settings(loaded)
    assert ("jwt_secret", "set", "env QUESTKEEP_JWT_SECRET") in rows
    assert SECRET not in json.dumps(rows)
    assert SECRET not in repr(loaded)


def test_the_rules_that_come_with_questkeep_compile_and_a_file_takes_their_place(
    tmp_path: Path,
) -> None:
    shipped = rules_text(load({}).settings)
    compile_rules(shipped)
    (tmp_path / "mine.toml").write_text("name = 'mine'")
    assert rules_text(load({"rules": "mine.toml"}).settings) == "name = 'mine'"
    with pytest.raises(WrongSettings, match=r"rules: none\.toml cannot be read"):
        rules_text(load({"rules": "none.toml"}).settings)


def test_rules_may_be_a_preset_and_a_mistyped_one_is_told_which_was_meant() -> None:
    assert compile_rules(rules_text(load({"rules": "mmo60"}).settings)).level_cap == 60
    with pytest.raises(WrongSettings, match=r"rules: mmo61 is neither.*did you mean mmo60\?"):
        rules_text(load({"rules": "mmo61"}).settings)


@pytest.mark.parametrize(
    ("host", "only_here"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("localhost", True),
        ("localhost:80", True),
        ("[::1]", True),
        ("0.0.0.0", False),
        ("::", False),
        ("10.0.0.1", False),
        ("", False),
        ("localhost.example", False),
        ("127.0.0.1.example", False),
    ],
)
def test_loopback_is_told_from_what_others_reach(host: str, only_here: bool) -> None:
    assert is_loopback(host) is only_here
