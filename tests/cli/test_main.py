"""The command line, as its user sees it."""

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import jwt
import pytest
from typer.testing import CliRunner, Result

from cli.main import cli
from gateway.auth.development_secret import PLACE, development_secret
from gateway.options import OPTIONS, SECRETS, flag, variable

ROOT = Path(__file__).parents[2]
SECRET = "0123456789abcdef0123456789abcdef"


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments)


def claims_of(token: str, secret: bytes) -> dict[str, object]:
    claims: dict[str, object] = jwt.decode(
        token.strip(), secret, algorithms=["HS256"], audience="questkeep"
    )
    return claims


@pytest.mark.parametrize(
    ("arguments", "sub", "role"),
    [
        (("--user", "alice"), "alice", None),
        (("--service", "game"), "game", "service"),
        (("--operator", "ops"), "ops", "operator"),
    ],
)
def test_a_token_is_all_that_token_prints(
    arguments: tuple[str, ...], sub: str, role: str | None
) -> None:
    result = run("token", *arguments, "--hours", "2")
    assert result.exit_code == 0
    claims = claims_of(result.stdout, development_secret(Path.cwd())[0])
    assert (claims["sub"], claims.get("role")) == (sub, role)
    assert int(str(claims["exp"])) - int(str(claims["iat"])) == 7200


def test_a_token_is_signed_with_the_servers_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUESTKEEP_JWT_SECRET", SECRET)
    assert claims_of(run("token", "--user", "alice").stdout, SECRET.encode())["sub"] == "alice"
    assert not PLACE.exists()


def test_the_development_secret_is_made_once_for_its_owner_only() -> None:
    first = run("token", "--user", "alice")
    assert "Made a development secret" in first.stderr
    assert PLACE.stat().st_mode & 0o777 == 0o600
    assert PLACE.parent.stat().st_mode & 0o777 == 0o700
    assert (PLACE.parent / ".gitignore").read_text() == "*\n"
    secret, made_now = development_secret(Path.cwd())
    assert not made_now
    assert len(secret) >= 32
    assert run("token", "--user", "alice").stderr == ""
    assert sorted(path.name for path in PLACE.parent.iterdir()) == [
        ".gitignore",
        "development-secret",
    ]


WRONG = [
    (("token",), "Say who it is for, and only one: --user NAME,"),
    (("token", "--user", "a", "--service", "b"), "Say who it is for, and only one:"),
    (("token", "--user", "me"), 'The name is "me", expected 1 to 128'),
    (("token", "--user", "a/b"), 'The name is "a/b", expected'),
    (("settings", "--port", "x"), 'port is "x" (flag --port), expected a whole number'),
    (("settings", "--settings", "none.toml"), "The settings file none.toml cannot be read"),
    (("serve", "--port", "x"), 'port is "x" (flag --port)'),
    (("serve", "--host", "0.0.0.0"), "set QUESTKEEP_JWT_SECRET to a secret of 32 bytes or more"),
    (("serve", "--rules", "none.toml"), "rules: none.toml cannot be read"),
    (("serve", "--host", "198.51.100.1"), "host is 198.51.100.1, which others can reach"),
]


@pytest.mark.parametrize(("arguments", "sentence"), WRONG)
def test_a_mistake_is_one_sentence_on_stderr_and_exit_2(
    arguments: tuple[str, ...], sentence: str
) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert sentence in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert result.stdout == ""


def test_wrong_rules_are_named_one_by_one(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("name = 5\n[levels]\n")
    result = run("serve", "--rules", "mine.toml")
    assert result.exit_code == 2
    problems = result.stderr.splitlines()
    assert "mine.toml: name is 5, expected a text: put it in quotes." in problems
    assert any(line.startswith("mine.toml: levels: neither of xp_to_next") for line in problems)
    assert "Traceback" not in result.stderr


def test_tokens_of_an_identity_provider_are_not_made_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUESTKEEP_JWKS", "keys.json")
    result = run("token", "--user", "alice")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "identity provider" in result.stderr


def test_settings_are_printed_with_values_and_origins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUESTKEEP_JWT_SECRET", SECRET)
    result = run("settings", "--port", "9000")
    rows = re.findall(r"^  (\w+) +(\S+)  \((.+)\)$", result.stdout, flags=re.MULTILINE)
    assert {name for name, _, _ in rows} == set(OPTIONS)
    assert ("port", "9000", "flag --port") in rows
    assert ("jwt_secret", "set", "env QUESTKEEP_JWT_SECRET") in rows
    assert SECRET not in result.output


def test_settings_can_be_read_by_programs() -> None:
    printed = json.loads(run("settings", "--json", "--idle-seconds", "7").stdout)
    assert printed["idle_seconds"] == {"value": 7.0, "origin": "flag --idle-seconds"}
    assert printed["rules"] == {"value": None, "origin": "default"}


def test_every_setting_but_secrets_is_a_flag_of_serve_and_named_with_its_variable() -> None:
    text = run("serve", "--help").stdout
    for name in OPTIONS:
        for spelling in (flag(name), variable(name)):
            is_there = re.search(rf"{spelling}(?![\w-])", text) is not None
            assert is_there is (name not in SECRETS)


@pytest.mark.parametrize("command", ["serve", "token", "settings", "version"])
def test_help_has_an_example(command: str) -> None:
    result = run(command, "--help")
    assert result.exit_code == 0
    assert f"Example: questkeep {command}" in result.stdout


def test_versions_are_printed_for_people_and_programs() -> None:
    assert run("version").stdout.startswith("questkeep ")
    assert set(json.loads(run("version", "--json").stdout)) == {"questkeep", "python", "ray"}


HEAVY = (
    "cryptography httptools matplotlib msgspec numpy obstore plotille prometheus_client pydantic"
    " pydantic_settings ray rich structlog uvloop zstandard"
).split()
"""Packages that cost a start ten milliseconds or more; typer itself brings pydantic."""
LIGHT = {"pydantic"}
WITH_RULES = LIGHT | {"msgspec", "zstandard"}  # a user's state is packed
WITH_SETTINGS = WITH_RULES | {"pydantic_settings"}
MAY_IMPORT = {
    "--help": LIGHT,
    "version": LIGHT,
    "serve --help": LIGHT,
    "store restore --help": LIGHT,
    "settings": WITH_SETTINGS,
    "token --user alice": WITH_SETTINGS | {"cryptography", "rich", "structlog"},
    "rules check mmo60": WITH_RULES,
    "rules check": WITH_RULES | WITH_SETTINGS,
    "rules show mmo60": WITH_RULES | {"plotille", "rich"},
    "rules diff default mmo60": WITH_RULES | {"rich"},
    "cluster status --help": LIGHT,
    "cluster status": WITH_SETTINGS | {"cryptography", "rich", "structlog"},
    "user where alice": WITH_SETTINGS | {"cryptography", "rich", "structlog"},
    "store inspect nobody": WITH_SETTINGS | {"rich", "structlog"},
}


@pytest.mark.parametrize("command", MAY_IMPORT)
def test_a_command_imports_no_more_than_it_needs(command: str, tmp_path: Path) -> None:
    """Imports are what takes a small command long; time itself differs by machine."""
    probe = (
        "import sys, runpy\n"
        "try: runpy.run_module('gateway', run_name='__main__')\n"
        "except SystemExit: pass\n"
        f"print(sorted(set({HEAVY}) & set(sys.modules)), file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", probe, *command.split()],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert "Traceback" not in done.stderr, done.stderr
    imported = set(ast.literal_eval(done.stderr.splitlines()[-1]))
    assert imported <= MAY_IMPORT[command]


@pytest.mark.parametrize("option", ["--rules", "--settings", "--jwt-secret-file", "--jwks"])
@pytest.mark.parametrize("kind", ["pipe", "folder", "large"])
def test_a_file_that_cannot_be_one_is_one_sentence_from_serve(
    tmp_path: Path, option: str, kind: str
) -> None:
    path = tmp_path / "named.toml"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        with path.open("wb") as file:
            file.truncate(1 << 40)
    result = run("serve", "--placement", "local", "--port", "0", option, str(path))
    assert result.exit_code == 2
    [sentence] = result.stderr.splitlines()
    assert str(path) in sentence
    assert "cannot be read" in sentence
