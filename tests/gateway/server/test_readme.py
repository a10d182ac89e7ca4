"""The quick start of README.md, pasted into a shell: it gives the reply that stands there."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.gateway.server.local_server_kit import Start

README = (Path(__file__).parents[3] / "README.md").read_text(encoding="utf-8")
TIMES = ("created_at", "updated_at", "at")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl here"),
]


def block(language: str, word: str) -> str:
    """The code block with `word` in it."""
    blocks = re.findall(rf"^```{language}\n(.*?)^```", README, flags=re.MULTILINE | re.DOTALL)
    [found] = [text for text in blocks if word in text]
    return str(found)


def without_times(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: without_times(part) for name, part in value.items() if name not in TIMES}
    return [without_times(part) for part in value] if isinstance(value, list) else value


def test_the_command_of_the_quick_start_gives_the_reply_that_follows_it(
    start: Start, tmp_path: Path
) -> None:
    server = start()
    questkeep = Path(sys.executable).with_name("questkeep")
    command = block("", "curl").replace("http://127.0.0.1:8080", server.url)
    command = command.replace(".venv/bin/questkeep", str(questkeep))
    done = subprocess.run(
        ["sh", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert without_times(json.loads(done.stdout)) == without_times(
        json.loads(block("json", '"replayed"'))
    )
    again = subprocess.run(
        ["sh", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert json.loads(again.stdout) == {**json.loads(done.stdout), "replayed": True}
