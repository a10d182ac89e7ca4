"""Players who keep a server busy, whatever breaks, and an audit of what they were answered."""

import threading

import httpx

from tests.end_to_end.server_kit import Server
from tests.processes_kit import until

GRANT = "grant_player_progression_experience"


class Load:
    """Players who grant themselves 1 XP after the other, and ask again whatever breaks."""

    def __init__(self, users: list[str]) -> None:
        self.users = users
        self.acknowledged = dict.fromkeys(users, 0)
        self.sent = dict.fromkeys(users, 0)
        self._threads: list[threading.Thread] = []
        self._stopping = threading.Event()

    def play(self, server: Server) -> None:
        """Until the server has gone."""
        self._stopping = threading.Event()
        token = server.token("--service", "game")
        self._threads = [
            threading.Thread(target=self._play, args=(server.url, token, user))
            for user in self.users
        ]
        for thread in self._threads:
            thread.start()

    def _play(self, url: str, token: str, user: str) -> None:
        headers = {"authorization": f"Bearer {token}"}
        path = f"{url}/v1/users/{user}/commands"
        while not self._stopping.is_set():
            number = self.sent[user] = self.acknowledged[user] + 1
            command = {"command_id": f"c{number}", "type": GRANT, "amount": 1}
            # A connection for each command: the kernel may give it to any gateway.
            try:
                answer = httpx.post(path, json=command, headers=headers, timeout=60)
            except httpx.TransportError:
                continue
            if answer.status_code == 200:
                assert answer.json()["version"] == number
                self.acknowledged[user] = number
            else:
                assert answer.status_code in (503, 504), answer.text

    def goes_on(self) -> None:
        """Return when every player got an answer to something asked from now on."""
        before = dict(self.acknowledged)
        until(lambda: all(self.acknowledged[user] > before[user] + 1 for user in self.users))

    def stop(self) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def audit(self, server: Server) -> None:
        """Nothing acknowledged is missing, and nothing took effect twice."""
        client = server.client("--service", "game")
        for user in self.users:
            row = client.get(f"/v1/users/{user}/progression").json()
            assert row["player_progression"]["total_xp"] == row["version"]
            assert self.acknowledged[user] <= row["version"] <= self.sent[user]
            self.acknowledged[user] = row["version"]
