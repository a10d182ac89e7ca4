"""Several gateway processes of one server, told apart, and a connection to each of them.

Only the kernel knows which process took a connection, so that is who is asked.
"""

import http.client
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import jwt
import psutil
from prometheus_client.parser import text_string_to_metric_families

from tests.gateway.gateway_kit import claims
from tests.gateway.server.local_server_kit import LocalServer, token_of

SECRET = "a secret that only these tests have, 48 bytes ..."
GRANT = {"type": "grant_player_progression_experience", "amount": 1}
ALICE = "/v1/users/alice/commands"

WORKER = "from gateway.server.worker import run"
CONNECTIONS_MAX = 200


def token(sub: str = "game", role: str | None = "service", secret: str = SECRET) -> str:
    return jwt.encode(claims(sub, role), secret, algorithm="HS256")


SERVICE, PLAYER, OPERATOR = token(), token("alice", None), token("ops", "operator")


class Answer(NamedTuple):
    """What a gateway said."""

    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.content)


class Connection:
    """A kept connection to one gateway; `pid` is that process's."""

    def __init__(self, url: str, pids: list[int]) -> None:
        host, _, port = url.removeprefix("http://").rpartition(":")
        self._http = http.client.HTTPConnection(host, int(port), timeout=30)
        self.request("GET", "/healthz")
        self.pid = self._who(pids)

    def _who(self, pids: list[int]) -> int:
        ours = self._http.sock.getsockname()
        for pid in pids:
            try:
                theirs = psutil.Process(pid).net_connections(kind="tcp")
            except psutil.NoSuchProcess:
                continue
            if any(one.raddr and tuple(one.raddr) == ours for one in theirs):
                return pid
        return 0

    def request(self, method: str, path: str, body: Any = None, token: str | None = None) -> Answer:
        """One request.  Raises `OSError` or `HTTPException` where the gateway dies of it."""
        content = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        headers = {} if token is None else {"authorization": f"Bearer {token}"}
        self._http.request(method, path, content, headers)
        answer = self._http.getresponse()
        return Answer(answer.status, dict(answer.getheaders()), answer.read())

    def get(self, path: str, token: str | None = None) -> Answer:
        return self.request("GET", path, token=token)

    def begin(self, method: str, path: str, body: bytes, token: str) -> None:
        """Send all of a request but the last byte of its body."""
        head = (
            f"{method} {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\n"
            f"authorization: Bearer {token}\r\n\r\n"
        )
        self._http.sock.sendall(head.encode() + body[:-1])
        self._last_byte = body[-1:]

    def finish(self) -> Answer:
        """Send that byte; the answer."""
        self._http.sock.sendall(self._last_byte)
        answer = http.client.HTTPResponse(self._http.sock)
        answer.begin()
        return Answer(answer.status, dict(answer.getheaders()), answer.read())

    def close(self) -> None:
        self._http.close()


def connect(url: str, pids: list[int]) -> Connection:
    """A connection that stands: a gateway that is killed takes those with it that wait for it."""
    while True:
        try:
            return Connection(url, pids)
        except ConnectionRefusedError:
            raise
        except (OSError, http.client.HTTPException):
            continue


def worker_pids(server: int) -> list[int]:
    """The workers that the process `server` has now."""
    return [
        child.pid
        for child in psutil.Process(server).children()
        if any(WORKER in part for part in _command_line(child))
    ]


def _command_line(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return []


def reach_each(url: str, pids: list[int]) -> dict[int, Connection]:
    """A connection to each of these processes."""
    found: dict[int, Connection] = {}
    for _ in range(CONNECTIONS_MAX):
        connection = connect(url, pids)
        if connection.pid in found or not connection.pid:
            connection.close()
        else:
            found[connection.pid] = connection
        if len(found) == len(pids):
            return found
    raise AssertionError(f"{set(pids) - set(found)} never got a connection")


def counters(answer: Answer) -> dict[tuple[str, ...], float]:
    """Every sample of a `/metrics` answer: its name and label values -> its value."""
    return {
        (sample.name, *(sample.labels[label] for label in sorted(sample.labels))): sample.value
        for family in text_string_to_metric_families(answer.content.decode())
        for sample in family.samples
    }


class Several:
    """A server with several gateways over one host in the primary's process."""

    def __init__(self, folder: Path, count: int, **settings: str) -> None:
        given = {"placement": "packed", "gateways": str(count), **settings}
        self.server = LocalServer(folder, given)
        self.server.until("Ctrl-C")
        self.url = self.server.url
        self.primary = self.server.child.pid
        self.workers = worker_pids(self.primary)
        assert len(self.workers) == count - 1
        self._connections: list[Connection] = []

    @property
    def token(self) -> str:
        return token_of(self.server)

    def reach_each(self) -> dict[int, Connection]:
        """A connection to each gateway that runs now."""
        found = reach_each(self.url, [self.primary, *worker_pids(self.primary)])
        self._connections += found.values()
        return found

    def end(self) -> None:
        """Whatever happened, nothing of it runs on."""
        for connection in self._connections:
            connection.close()
        self.server.child.kill()
        self.server.child.communicate()


StartSeveral = Callable[..., Several]


def grant(connection: Connection, command_id: str, user: str = "alice") -> Answer:
    body = {**GRANT, "command_id": command_id}
    return connection.request("POST", f"/v1/users/{user}/commands", body, SERVICE)


def total_xp(connection: Connection, user: str) -> int:
    answer = connection.get(f"/v1/users/{user}/progression", SERVICE)
    return int(answer.json["player_progression"]["total_xp"])


def gateways(several: Several) -> float:
    """How many there are, as metrics say."""
    connection = connect(several.url, [several.primary])
    answer = connection.get("/metrics")
    connection.close()
    return counters(answer)[("questkeep_gateways",)]


IN_FLIGHT = ("questkeep_http_requests_in_flight",)


def answers_at_once(connection: Connection, count: int) -> bool:
    return counters(connection.get("/metrics"))[IN_FLIGHT] == count
