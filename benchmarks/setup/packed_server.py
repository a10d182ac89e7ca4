"""A packed Questkeep for the limits' benchmarks: started empty, and what clients send to it.

Every command is a grant of experience by a service: it changes a user durably, like a turn-in, and
there is no end to it, so nothing has to be seeded.

Not for: the comparison with peers (`peers.questkeep`).
"""

import itertools
import secrets
import sys
import time
from collections.abc import Callable

import jwt

from benchmarks.setup.processes import Servers, free_port
from benchmarks.users.dataset import user_id

START_SECONDS = 120.0
TOKEN_SECONDS = 24 * 3600


class PackedServer:
    """`questkeep serve` in packed placement, on a disk store of its own."""

    def __init__(self, hosts: int = 1, *options: str) -> None:
        self._secret = secrets.token_hex(32)
        self._servers = Servers("limits")
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self._host = f"127.0.0.1:{port}"
        self.pid = self._servers.start(
            "limits",
            [
                *(sys.executable, "-m", "gateway", "serve", "--port", str(port)),
                *("--placement", "packed", "--hosts", str(hosts), "--log-level", "warning"),
                *("--store", f"file://{self._servers.folder}/data", *options),
            ],
            {"QUESTKEEP_JWT_SECRET": self._secret, "PYTHONUNBUFFERED": "1"},
        ).pid
        try:
            self._servers.await_http(f"{self.url}/readyz", START_SECONDS)
        except BaseException:
            self.close()
            raise

    def grants(self, users: int, first: int = 0) -> Callable[[], bytes]:
        """Makes requests: one grant each, to users `first` and on in turn."""
        head = (
            f"Host: {self._host}\r\nAuthorization: Bearer {self.token()}\r\n"
            "Content-Type: application/json\r\nContent-Length: "
        )
        numbers = itertools.count()
        start = secrets.token_hex(4)

        def make() -> bytes:
            number = next(numbers)
            body = (
                f'{{"command_id":"{start}-{number}",'
                '"type":"grant_player_progression_experience","amount":1}'
            )
            path = f"/v1/users/{user_id(first + number % users)}/commands"
            return f"POST {path} HTTP/1.1\r\n{head}{len(body)}\r\n\r\n{body}".encode()

        return make

    def token(self) -> str:
        """A service's token."""
        now = int(time.time())
        claims = {"sub": "bench", "role": "service", "aud": "questkeep"}
        return jwt.encode(
            {**claims, "iat": now, "exp": now + TOKEN_SECONDS}, self._secret, algorithm="HS256"
        )

    def close(self) -> None:
        """End it and drop its store."""
        self._servers.close()
