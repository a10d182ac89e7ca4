"""A Questkeep server in a process of its own, as a user starts it, and a client for it."""

import json
import os
import re
import signal
import subprocess
import sys
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests.processes_kit import gone, until

ROOT = Path(__file__).parents[2]
QUESTKEEP = Path(sys.executable).with_name("questkeep")
START_SECONDS = 60


class Server:
    """`questkeep serve` in `folder`, ready when the constructor returns.

    `options` are flags; the environment is the caller's own without any `QUESTKEEP_` variable, and
    with `variables`; `prefix` is a command that runs the server, such as `prlimit`, and `command`
    is `gateway` for one more gateway of a server.
    """

    def __init__(
        self,
        folder: Path,
        *options: str,
        prefix: Sequence[str] = (),
        command: str = "serve",
        **variables: str,
    ) -> None:
        self.folder = folder
        self._environment = {**environment(), **variables}
        self._log = open(folder / "server.log", "ab")
        self.process = subprocess.Popen(
            [*prefix, QUESTKEEP, command, "--port", "0", *options],
            cwd=folder,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=self._log,
        )
        self._clients: list[Client] = []
        self.url = self._read_until_ready()

    def _read_until_ready(self) -> str:
        assert self.process.stdout is not None
        url = ""
        for line in self.process.stdout:
            text = line.decode()
            if text.startswith("Questkeep is ready at "):
                url = text.split()[-1]
            if "Ctrl-C" in text:
                return url
        pytest.fail(f"the server ended: {self.log()}")

    def log(self) -> str:
        """What it has written to stderr."""
        return (self.folder / "server.log").read_text()

    def token(self, *who: str) -> str:
        """A development token: `--user alice` or `--service game`."""
        return token(self.folder, self._environment, *who)

    def client(self, *who: str) -> "Client":
        """A client with a development token: `--user alice` or `--service game`."""
        client = Client(self.url, self.token(*who))
        self._clients.append(client)
        return client

    def user_processes(self) -> list[psutil.Process]:
        """The processes that hold users; there must be some."""
        found = [
            child
            for child in psutil.Process(self.process.pid).children(recursive=True)
            if child.is_running() and is_host(command_line(child))
        ]
        assert found, "Ray runs no host"
        return found

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self._gone()

    def wait(self) -> int:
        """The exit code, once it has ended by itself."""
        return self._gone()

    def kill(self) -> None:
        """SIGKILL, to the server alone; what runs for it notices and ends by itself.

        Ray's agents take a minute for that, in which they try to tell somebody about it.
        """
        below = psutil.Process(self.process.pid).children(recursive=True)
        agents = [one for one in below if "Agent" in "".join(command_line(one))]
        self.process.kill()
        self._gone()
        until(lambda: gone([one.pid for one in below if one not in agents]))
        for agent in agents:
            agent.kill()

    def _gone(self) -> int:
        code = self.process.wait(60)
        assert self.process.stdout is not None
        self.process.stdout.close()
        self._log.close()
        for client in self._clients:
            client.close()
        return code

    def end(self) -> None:
        """Whatever happened, nothing of it runs on."""
        children = []
        if self.process.poll() is None:
            children = psutil.Process(self.process.pid).children(recursive=True)
            self.process.kill()
        self._gone()
        for child in children:
            if child.is_running():
                child.kill()


class Client:
    """One caller over HTTP."""

    def __init__(self, url: str, token: str) -> None:
        self._http = httpx.Client(
            base_url=url, headers={"authorization": f"Bearer {token}"}, timeout=60
        )

    def close(self) -> None:
        """Let go of connections."""
        self._http.close()

    def get(self, path: str) -> httpx.Response:
        """A read."""
        return self._http.get(path)

    def post(self, user_id: str, body: Any) -> httpx.Response:
        """Commands as they are."""
        return self._http.post(f"/v1/users/{user_id}/commands", json=body)

    def send(self, user_id: str, type_: str, command_id: str = "", **fields: Any) -> Any:
        """A command that must be accepted."""
        command = {"command_id": command_id or str(uuid.uuid4()), "type": type_, **fields}
        response = self.post(user_id, command)
        assert response.status_code == 200, response.text
        return response.json()


def token(folder: Path, variables: dict[str, str], *who: str) -> str:
    """A development token of the servers in `folder`."""
    printed = subprocess.run(
        [QUESTKEEP, "token", *who],
        cwd=folder,
        env=variables,
        check=True,
        capture_output=True,
        text=True,
    )
    return printed.stdout.strip()


def is_host(command: list[str]) -> bool:
    """Whether this is a host of users, which Ray titles by its class."""
    return re.match(r"ray::(Dedicated|Packed)Host", " ".join(command)) is not None


def command_line(process: psutil.Process) -> list[str]:
    """A process's command line; empty when it is just going."""
    try:
        return process.cmdline()
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return []


def environment() -> dict[str, str]:
    """This process's environment without settings of Questkeep's."""
    return {name: value for name, value in os.environ.items() if not name.startswith("QUESTKEEP_")}


def files(folder: Path) -> dict[str, int]:
    """Every file under the store, and its size."""
    return {
        str(path.relative_to(folder)): path.stat().st_size
        for path in folder.rglob("*")
        if path.is_file()
    }


def dumps(value: Any) -> str:
    """JSON in one order, to compare."""
    return json.dumps(value, sort_keys=True)
