"""Every command can be read at 80 and 120 columns and in a pipe: no number and no key is cut."""

import asyncio
import fcntl
import json
import os
import pty
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from persistence.disk.store import DiskStore
from tests.cli.cli_kit import run_in
from tests.designer.story_kit import RULES_FILE, STORIES
from tests.persistence.maintenance.tool_kit import filled

ROOT = Path(__file__).parents[2]
WIDTHS = [80, 120]
LONGEST = next(story for story in STORIES if story.stem == "long")


def numbers_in(value: Any) -> Iterator[int]:
    """Every integer of a JSON value."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from numbers_in(part)
    elif isinstance(value, int) and not isinstance(value, bool):
        yield value


def check_width(text: str, columns: int) -> None:
    assert "…" not in text
    assert [line for line in text.splitlines() if len(line.rstrip()) > columns] == []


def in_words(text: str) -> set[str]:
    """What a reader can point at: words between spaces."""
    return set(text.split())


@pytest.mark.parametrize("columns", WIDTHS)
@pytest.mark.parametrize("rules", ["mmo60", "exp99", "season-pass", str(RULES_FILE)])
def test_every_level_of_a_rules_file_is_there_in_full(
    tmp_path: Path, rules: str, columns: int
) -> None:
    shown = json.loads(run_in(tmp_path, "rules", "show", rules, "--json").stdout)
    text = run_in(tmp_path, "rules", "show", rules, "--all", columns=columns).stdout
    check_width(text, columns)
    levels = shown["level_benchmarks"]
    wanted = {f"{one[key]:,}" for one in levels for key in ("level", "cumulative_xp")}
    assert wanted - in_words(text) == set()


@pytest.mark.parametrize("columns", WIDTHS)
def test_every_key_and_number_that_differs_between_two_rules_files_is_there_in_full(
    tmp_path: Path, columns: int
) -> None:
    differ = ("rules", "diff", "default", str(RULES_FILE))
    changes = json.loads(run_in(tmp_path, *differ, "--json").stdout)
    text = run_in(tmp_path, *differ, "--all", columns=columns).stdout
    check_width(text, columns)
    assert len(changes["keys"]) > 10
    assert {f"{one['key']}:" for one in changes["keys"]} - in_words(text) == set()
    players = {f"{number:,}" for one in changes["players"] for number in numbers_in(one)}
    figures = [{k: v for k, v in one.items() if k != "level_after"} for one in changes["levels"]]
    levels = {f"{number:,}" for number in numbers_in(figures)}
    assert (players | levels) - in_words(text) == set()


@pytest.mark.parametrize("columns", WIDTHS)
@pytest.mark.parametrize("rules", ["mmo60", str(RULES_FILE)])
def test_charts_fit(tmp_path: Path, rules: str, columns: int) -> None:
    check_width(run_in(tmp_path, "rules", "plot", rules, columns=columns).stdout, columns)


@pytest.mark.parametrize("columns", WIDTHS)
def test_every_number_of_a_simulated_story_is_there_in_full(tmp_path: Path, columns: int) -> None:
    play = ("simulate", LONGEST, "--players", "4", "--processes", "1")
    report = json.loads(run_in(tmp_path, *play, "--json").stdout)
    text = run_in(tmp_path, *play, columns=columns).stdout
    check_width(text, columns)
    words = in_words(text)
    for chapter in report["chapters"]:
        spread = chapter["actual_xp"]
        figures = (chapter["planned_xp"], spread["median"], spread["p10"], spread["p90"])
        assert {f"{figure:,}" for figure in figures} - words == set()
        assert chapter["chapter_id"] in words
    assert {kind["name"] for kind in report["kinds"]} - words == set()


@pytest.mark.parametrize("columns", WIDTHS)
def test_every_setting_is_there_in_full(tmp_path: Path, columns: int) -> None:
    rows = json.loads(run_in(tmp_path, "settings", "--json").stdout)
    text = run_in(tmp_path, "settings", columns=columns).stdout
    assert set(rows) - in_words(text) == set()
    values = {str(row["value"]) for row in rows.values() if row["value"] is not None}
    assert values - in_words(text) == set()
    store = rows["store"]["value"]
    check_width(text.replace(store, ""), columns)


@pytest.mark.parametrize("columns", WIDTHS)
def test_a_store_and_a_user_are_there_in_full(tmp_path: Path, columns: int) -> None:
    asyncio.run(_fill(tmp_path / "data"))
    store = json.loads(run_in(tmp_path, "store", "inspect", "--json").stdout)
    text = run_in(tmp_path, "store", "inspect", columns=columns).stdout
    check_width(text.replace(str(tmp_path), ""), columns)
    [journal] = [stream for stream in store["streams"] if stream["host"] == "users:0"]
    assert {f"{journal['records']:,}", f"{journal['bytes']:,}"} - in_words(text) == set()
    user = run_in(tmp_path, "store", "inspect", "alice", columns=columns).stdout
    check_width(user.replace(str(tmp_path), ""), columns)


async def _fill(root: Path) -> None:
    store = DiskStore(root)
    await filled(store)
    await store.close()


HELP = [
    (),
    ("rules",),
    ("store",),
    ("cluster",),
    ("user",),
    *(("cluster", name) for name in ("status", "check", "scale")),
    ("user", "where"),
    *((name,) for name in ("gateway", "conformance")),
    *((name,) for name in ("serve", "token", "settings", "simulate", "version")),
    *(("rules", name) for name in ("show", "check", "plot", "diff")),
    *(
        ("store", name)
        for name in ("inspect", "verify", "export", "import", "backup", "restore", "delete")
    ),
]


@pytest.mark.parametrize("command", HELP, ids=" ".join)
def test_help_fits_and_says_no_type_of_python(tmp_path: Path, command: tuple[str, ...]) -> None:
    text = run_in(tmp_path, *command, "--help").stdout
    assert "..." not in text.replace("[ARGS]...", "")
    assert "<" not in text
    assert "{" not in text
    assert [line for line in text.splitlines() if len(line) > 80] == []
    groups = ((), ("rules",), ("store",), ("cluster",), ("user",))
    example = f"Example: questkeep {' '.join(command)}"
    assert command in groups or example in text


@pytest.mark.parametrize("command", [("rules", "diff"), ("store", "restore"), ("simulate",)])
def test_a_mistake_shows_the_usage_as_help_does(tmp_path: Path, command: tuple[str, ...]) -> None:
    usage = run_in(tmp_path, *command, "--help").stdout.splitlines()[0]
    assert run_in(tmp_path, *command).stderr.splitlines()[0] == usage


def test_a_terminal_of_80_columns_shows_a_story_in_full(tmp_path: Path) -> None:
    main, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    child = subprocess.Popen(
        [sys.executable, "-m", "cli", "simulate", LONGEST, "--players", "2", "--processes", "1"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "TERM": "dumb", "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8"},
        stdin=subprocess.DEVNULL,
        stdout=terminal,
        stderr=subprocess.PIPE,
    )
    os.close(terminal)
    text = _read_all(main).decode()
    _, errors = child.communicate()
    assert child.returncode == 0, errors
    check_width(text, 80)
    assert "mill-brook" in in_words(text)


def _read_all(descriptor: int) -> bytes:
    """Everything up to the terminal's hangup, which Linux tells as an error."""
    parts = []
    while True:
        try:
            part = os.read(descriptor, 65_536)
        except OSError:
            part = b""
        if not part:
            os.close(descriptor)
            return b"".join(parts)
        parts.append(part)
