"""The command line, as its user sees it."""

import json
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
    (("token",), "Name one: --user NAME, --service NAME or --operator NAME."),
    (("token", "--user", "a", "--service", "b"), "Name one:"),
    (("token", "--user", "me"), 'The name is "me", expected 1 to 128'),
    (("token", "--user", "a/b"), 'The name is "a/b", expected'),
    (("settings", "--port", "x"), 'port is "x" (flag --port), expected a whole number'),
    (("settings", "--settings", "none.toml"), "The settings file none.toml cannot be read"),
    (("serve", "--port", "x"), 'port is "x" (flag --port)'),
    (("serve", "--host", "0.0.0.0"), "set QUESTKEEP_JWT_SECRET to a secret of 32 bytes or more"),
    (("serve", "--rules", "none.toml"), "rules is none.toml, which cannot be read"),
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
    rows = {line.split()[0]: line.split()[1:] for line in result.stdout.splitlines()}
    assert set(rows) == set(OPTIONS)
    assert rows["port"] == ["9000", "flag", "--port"]
    assert rows["jwt_secret"] == ["set", "env", "QUESTKEEP_JWT_SECRET"]
    assert SECRET not in result.output


def test_settings_can_be_read_by_programs() -> None:
    printed = json.loads(run("settings", "--json", "--idle-seconds", "7").stdout)
    assert printed["idle_seconds"] == {"value": 7.0, "origin": "flag --idle-seconds"}
    assert printed["rules"] == {"value": None, "origin": "default"}


def test_every_setting_but_secrets_is_a_flag_of_serve_and_named_with_its_variable() -> None:
    text = run("serve", "--help").stdout
    for name in OPTIONS:
        assert (flag(name) in text) is (name not in SECRETS)
        assert (variable(name) in text) is (name not in SECRETS)


@pytest.mark.parametrize("command", ["serve", "token", "settings", "version"])
def test_help_has_an_example(command: str) -> None:
    result = run(command, "--help")
    assert result.exit_code == 0
    assert f"Example: questkeep {command}" in result.stdout


def test_versions_are_printed_for_people_and_programs() -> None:
    assert run("version").stdout.startswith("questkeep ")
    assert set(json.loads(run("version", "--json").stdout)) == {"questkeep", "python", "ray"}


@pytest.mark.parametrize("command", [["version"], ["--help"], ["token", "--user", "alice"]])
def test_small_commands_import_nothing_heavy(command: list[str], tmp_path: Path) -> None:
    probe = (
        "import sys, runpy\n"
        "try: runpy.run_module('gateway', run_name='__main__')\n"
        "except SystemExit as error: assert not error.code, error\n"
        "heavy = {'ray', 'httptools', 'prometheus_client'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", probe, *command],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
