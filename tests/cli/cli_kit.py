"""`questkeep` run in this process, in a folder and a terminal width of its own."""

import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import cli


def run_in(folder: Path, *arguments: object, columns: int = 80) -> subprocess.CompletedProcess[str]:
    """What a process would have printed into a pipe, with `COLUMNS` set."""
    words = [str(argument) for argument in arguments]
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        result = CliRunner(env={"COLUMNS": str(columns)}).invoke(cli, words)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return subprocess.CompletedProcess(words, result.exit_code, result.stdout, result.stderr)
