"""`questkeep store …` as its user sees it, on a store that a real host left behind."""

import asyncio
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from cli.main import cli
from cli.store.commands import store_cli
from persistence.disk.lock import lock_store
from persistence.disk.store import DiskStore
from tests.persistence.maintenance.tool_kit import a_host, filled, play, rest, without_era
from tests.s3_kit import environment, new_bucket

ROOT = Path(__file__).parents[2]
COMMANDS = [command.name for command in store_cli.registered_commands]


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The store of a server that was killed: alice, bob and carol, in snapshots and journals."""
    monkeypatch.chdir(tmp_path)
    asyncio.run(_fill(tmp_path / "data"))
    return tmp_path / "data"


async def _fill(root: Path) -> None:
    store = DiskStore(root, segment_bytes=2_000)
    await filled(store)
    await store.close()


def run(*arguments: object, **how: Any) -> Result:
    return CliRunner().invoke(cli, ["store", *map(str, arguments)], **how)


def done(*arguments: object, code: int = 0, **how: Any) -> Result:
    """The same; it must end with `code`."""
    result = run(*arguments, **how)
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return result


def process(*arguments: object, code: int = 0, **how: Any) -> "subprocess.CompletedProcess[str]":
    """A real process, as an operator starts it, with none of this one's settings."""
    found = subprocess.run(
        [sys.executable, "-m", "cli", "store", *map(str, arguments)],
        env={"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=60,
        **how,
    )
    assert found.returncode == code, found.stdout + found.stderr
    return found


def damage(data: Path, pattern: str) -> Path:
    """Flip a bit in a file's payload."""
    path = next(data.rglob(pattern))
    content = bytearray(path.read_bytes())
    content[60] ^= 1
    path.write_bytes(content)
    return path


def by_user(name: str) -> list[bytes]:
    """An export's lines in the order of user ids, as stores list users in any order, and without
    their era, which is another one wherever they are put."""
    return sorted(without_era(Path(name).read_bytes().splitlines(keepends=True)))


@pytest.mark.slow
def test_a_store_is_looked_at_checked_copied_and_put_back_by_processes(
    data: Path, tmp_path: Path
) -> None:
    """What docs/operations.md tells people to type."""
    assert "not counted" in process("inspect").stdout  # ./data is where `serve` would look
    assert "no damage in 3 users, 1 journal, 346 journalled records" in process("verify").stdout
    copied = process("backup", data, tmp_path / "monday").stdout
    assert copied == f"file://{tmp_path}/monday: 3 users copied.\n"
    assert "3 users exported." in process("export", "-o", "all.jsonl").stderr
    assert (tmp_path / "all.jsonl").stat().st_mode & 0o777 == 0o600
    assert "3 users: 3 written." in process("import", tmp_path / "other", "all.jsonl").stdout
    process("export", tmp_path / "other", "-o", "other.jsonl")
    assert by_user("other.jsonl") == by_user("all.jsonl")
    assert "nothing of alice is left" in process("delete", "alice").stdout
    process("inspect", data, "alice", code=2)
    assert "1 user: 1 written." in process("restore", "monday", "--user", "alice").stdout
    [alice] = without_era([process("export", data, "--user", "alice").stdout.encode()])
    assert alice in by_user("all.jsonl")
    snapshot = damage(data, "bob~*.snapshot")
    found = process("verify", data, code=1).stdout
    assert f"DAMAGE {snapshot} at byte 32: a payload that" in found


def test_a_user_is_shown_as_a_server_would_serve_them() -> None:
    told = done("inspect", "alice").stdout
    assert "version   342" in told
    assert "snapshot  version 340" in told
    assert "journal   2 turns that no snapshot has yet" in told
    assert "version 341 by command c340\n    in journal users:0/" in told
    assert '"total_xp": 3420' in told
    found = json.loads(done("inspect", "alice", "--json").stdout)
    assert (found["version"], found["snapshot_version"]) == (342, 340)
    assert "Nothing is stored of nobody" in done("inspect", "nobody", code=2).stderr


def test_a_store_is_shown_in_numbers(data: Path) -> None:
    told = done("inspect", data, "--users").stdout
    assert "2 with a snapshot" in told
    # How many batches they came in depends on how fast the disk was.
    assert re.search(r"346 records of 3 users in \d+ batches", told)
    found = json.loads(done("inspect", data, "--json").stdout)
    assert (found["format"], found["streams"][0]["host"], found["users"]) == (1, "users:0", None)


def test_damage_ends_with_exit_code_1_whatever_is_done(data: Path, tmp_path: Path) -> None:
    damage(data, "bob~*.snapshot")
    found = json.loads(done("verify", "--json", code=1).stdout)
    assert [one["user_id"] for one in found["damages"]] == ["bob"]
    exported = done("export", code=1)
    assert len(exported.stdout.splitlines()) == 2
    assert "DAMAGE bob: " in exported.stderr
    copied = done("backup", tmp_path / "copy", code=1)
    assert "2 users copied. 1 damaged user left out." in copied.stdout
    assert "DAMAGE" in done("inspect", data, "bob", code=1).stderr
    damage(data, "*.journal")
    assert "DAMAGE" in done("inspect", code=1).stdout
    assert "DAMAGE" in done("export", code=1).stderr


def test_an_import_says_whom_it_skipped_and_why(data: Path, tmp_path: Path) -> None:
    done("export", "-o", "old.jsonl")
    asyncio.run(_play_on(data))
    told = done("import", "old.jsonl")
    assert "bob: skipped, as new or newer in the store (--replace overwrites)" in told.stdout
    assert "3 users: 2 there already, 1 skipped." in told.stdout
    found = json.loads(done("import", "old.jsonl", "--replace", "--json").stdout)
    assert found["users"]["replaced"] == 1
    whole = (tmp_path / "old.jsonl").read_text()
    assert "3 there already" in done("import", "-", input=whole).stdout


async def _play_on(root: Path) -> None:
    store = DiskStore(root)
    host = a_host(store)
    await play(host, "bob", 3, 5)
    await rest(host, "bob")
    await store.close()


def test_what_writes_is_refused_while_a_server_serves_and_what_reads_is_not(
    data: Path, tmp_path: Path
) -> None:
    with lock_store(data, "http://127.0.0.1:8080"):
        done("inspect")
        done("verify")
        done("export", "-o", "all.jsonl")
        done("backup", data, tmp_path / "copy")
        for writing in (
            ("import", "all.jsonl"),
            ("restore", tmp_path / "copy", data),
            ("restore", tmp_path / "copy", "--user", "bob"),
            ("delete", data, "bob"),
        ):
            said = done(*writing, code=2).stderr
            assert "in use by the server at http://127.0.0.1:8080 (process" in said
    assert "3 there already" in done("restore", tmp_path / "copy", data).stdout


def test_a_server_meets_a_tool_by_its_name(data: Path) -> None:
    with lock_store(data, "questkeep store restore"):
        assert (
            "in use by `questkeep store restore` (process" in done("delete", "bob", code=2).stderr
        )


WRONG: dict[str, tuple[tuple[str, ...], str]] = {
    "nothing there": (("verify", "file:///no/such/store"), "Nothing is stored in file:///no/such"),
    "memory": (("inspect", "memory://"), "memory:// lives inside one server"),
    "a bad URL": (("verify", "redis://x"), "A store is named as file:///"),
    "a bad user": (("delete", "a/b"), "The user is 'a/b', expected 1 to 128"),
    "no backup": (("restore", "data"), "is no finished backup"),
    "no file": (("import", "none.jsonl"), "none.jsonl: No such file or directory."),
    "no users": (("export", "--user", "nobody"), "Nothing is stored of nobody."),
    "too many": (("delete", "a", "b", "c"), "A URL and a user are expected; 3 arguments came."),
    "far too many": (
        ("inspect", "a", "b", "c"),
        "A URL and a user are expected at most; 3 arguments came.",
    ),
    "not empty": (("backup", "data", "data"), "is not empty. A backup goes to a place of its own"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_use_is_told_in_one_sentence_with_exit_code_2(name: str) -> None:
    arguments, said = WRONG[name]
    result = done(*arguments, code=2)
    assert said in result.stderr
    assert result.stdout == ""


def test_a_user_who_is_not_in_the_backup_is_named(tmp_path: Path) -> None:
    done("backup", tmp_path / "copy")
    assert "dave is not in the backup" in done("restore", "copy", "--user", "dave", code=2).stderr


def test_a_newer_format_is_refused_by_name_and_found_by_verify(data: Path) -> None:
    (data / "STORE").write_text('{"questkeep_store_format": 2}')
    for command in (["inspect"], ["export"], ["delete", "bob"]):
        assert "STORE has format 2" in done(*command, code=2).stderr
    assert "STORE has format 2" in done("verify", code=1).stdout


def test_an_export_that_breaks_off_leaves_no_file_that_looks_whole(
    data: Path, tmp_path: Path
) -> None:
    damage(data, "*.journal")
    done("export", "-o", "all.jsonl", code=1)
    assert not (tmp_path / "all.jsonl").exists()


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_an_example(command: str) -> None:
    assert f"Example: questkeep store {command}" in done(command, "--help").stdout


@pytest.mark.slow
def test_users_move_from_disk_to_s3_and_back_byte_for_byte(
    s3: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment(s3).items():
        monkeypatch.setenv(name, value)
    url = new_bucket(s3)
    done("export", "-o", "here.jsonl")
    told = done("import", url, "here.jsonl")
    assert "3 users: 3 written." in told.stdout
    assert f"Start no server on {url} until this is done." in told.stderr
    assert "no damage in 3 users" in done("verify", url).stdout
    done("export", url, "-o", "there.jsonl")
    assert by_user("there.jsonl") == by_user("here.jsonl")
    done("backup", url, tmp_path / "copy")
    done("backup", "data", f"{url}/copy")
    assert "nothing of alice is left" in done("delete", url, "alice").stdout
    assert "1 written" in done("restore", f"{url}/copy", url, "--user", "alice").stdout
    done("export", url, "-o", "again.jsonl")
    assert by_user("again.jsonl") == by_user("here.jsonl")
