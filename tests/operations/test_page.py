"""docs/operations.md keeps up: it explains what wakes people, and every command on it exists.

Not for whether the advice is good.
"""

import re
import shlex

import pytest

from cli.main import cli
from tests.operations.page_kit import PAGE, log_lines


def test_every_log_line_at_warning_and_above_is_explained() -> None:
    lines = log_lines()
    assert len(lines) > 10
    missing = sorted(line for line in lines if f"`{line.partition(';')[0]}" not in PAGE)
    assert missing == [], "tell in docs/operations.md what these mean and what to do"


def examples() -> list[str]:
    return re.findall(r"^questkeep ([^#\n]*)", PAGE, flags=re.MULTILINE)


@pytest.mark.parametrize("line", examples())
def test_every_command_on_the_page_exists(line: str) -> None:
    words = shlex.split(line)
    groups = {group.name: group.typer_instance for group in cli.registered_groups}
    app = groups.get(words[0])
    app, name = (cli, words[0]) if app is None else (app, words[1])
    assert name in {command.name for command in app.registered_commands}
