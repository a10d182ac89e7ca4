"""A server in a process of its own over the local cluster: real sockets and signals, no Ray."""

import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import IO

import pytest

ROOT = Path(__file__).parents[3]


class LocalServer:
    """A running server and what it has printed so far."""

    def __init__(self, folder: Path, settings: dict[str, str]) -> None:
        given = {"port": "0", **settings}
        self.child = subprocess.Popen(
            [sys.executable, "-m", "tests.gateway.server.serve_child"]
            + [f"{name}={value}" for name, value in given.items()],
            cwd=folder,
            env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.printed: list[str] = []

    def until(self, word: str) -> None:
        """Read on until a line has `word` in it."""
        output: IO[str] | None = self.child.stdout
        assert output is not None
        for line in output:
            self.printed.append(line.rstrip("\n"))
            if word in line:
                return
        _, errors = self.child.communicate()
        pytest.fail(f"{word!r} was never printed; the server ended with: {errors}")

    @property
    def url(self) -> str:
        [line] = [line for line in self.printed if line.startswith("Questkeep is ready at ")]
        return line.split()[-1]

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.child.send_signal(number)
        return self.child.wait(20)


def refusal(server: LocalServer) -> str:
    _, errors = server.child.communicate(timeout=20)
    assert server.child.returncode == 2
    assert len(errors.splitlines()) == 1
    return errors


def token_of(server: LocalServer) -> str:
    [found] = re.findall(r"Bearer ([\w.-]+)", "\n".join(server.printed))
    return str(found)


Start = Callable[..., LocalServer]
