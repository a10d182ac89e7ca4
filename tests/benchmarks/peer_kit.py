"""A peer in this process that keeps its users in a dictionary: right, or wrong in one way.

Not for: speed.
"""

import contextlib
import json
import threading
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt

from benchmarks.load.usage import Usage
from benchmarks.peers.contract import Setting, StoredUser
from benchmarks.users.dataset import EXPERIENCE, Dataset, quest_id, user_id

STATUS = {"quest_not_found": 404, "quest_already_turned_in": 409, "command_id_reused": 409}
FAULTS = (
    "a replay counts",
    "a replay says it is none",
    "a refusal ends the batch",
    "answers stand in another order",
    "levels stay",
    "minimal replies are whole",
    "players send batches",
    "others are let in",
    "unknown fields are let in",
)


class FakePeer:
    """Does what `peers.contract.Peer` asks for; `fault` is one of `FAULTS`, or empty."""

    name = "fake"
    title = "A dictionary"
    users = 20
    rate = 20_000
    batch_rate = 50_000
    msgpack = False
    keeps = True
    settings: Sequence[Setting] = (Setting("only"),)

    def __init__(self, fault: str = "") -> None:
        self.fault = fault
        self.lock = threading.Lock()
        self.dataset: Dataset
        self.turned_in: dict[str, set[str]] = {}
        self.receipts: dict[tuple[str, str], tuple[str, dict[str, Any]]] = {}
        self._server: ThreadingHTTPServer | None = None

    def install(self) -> None:
        """Nothing."""

    def start(self, setting: Setting, dataset: Dataset) -> str:
        """A server on a free port of loopback."""
        self.dataset, self.receipts = dataset, {}
        self.turned_in = {user_id(number): set() for number in range(dataset.users)}
        self.quests = {quest_id(number) for number in range(dataset.last_quest + 1)}
        handler = type("Handler", (_Handler,), {"peer": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=self._server.serve_forever, args=[0.01]).start()
        return f"http://127.0.0.1:{self._server.server_port}"

    def stored(self) -> Sequence[StoredUser]:
        """What the dictionary has."""
        return [
            StoredUser(user, self.level(len(quests)), xp, xp, len(quests), len(quests))
            for user, quests in self.turned_in.items()
            for xp in [EXPERIENCE * len(quests)]
        ]

    def usage(self) -> Usage:
        """Nobody counts it."""
        return Usage()

    def version(self) -> str:
        """It has none."""
        return "none"

    def stop(self) -> None:
        """End the server."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def level(self, turned_in: int) -> int:
        """The level that so many quests reach."""
        return 1 if self.fault == "levels stay" else self.dataset.level_of(EXPERIENCE * turned_in)

    def turn_in(self, user: str, command_id: str, quest: str) -> dict[str, Any]:
        """A reply, or a problem with its `code`."""
        known = self.receipts.get((user, command_id))
        if known is not None and self.fault != "a replay counts":
            if known[0] != quest:
                return {"code": "command_id_reused"}
            return {**known[1], "replayed": self.fault != "a replay says it is none"}
        if quest not in self.quests:
            return {"code": "quest_not_found"}
        if quest in self.turned_in[user]:
            return {"code": "quest_already_turned_in"}
        self.turned_in[user].add(quest)
        count = len(self.turned_in[user])
        xp, level = EXPERIENCE * count, self.level(count)
        player = {"total_xp": xp, "level": level, "pending_level_ups": level - 1}
        changes = {
            "player_progression": player,
            "chapter_progression": [{"actual_quest_xp": xp}],
            "quest_record": [{"status": "turned_in"}],
        }
        reply = {"command_id": command_id, "version": count, "replayed": False, "changes": changes}
        self.receipts[user, command_id] = quest, reply
        return reply

    def batch(self, commands: list[dict[str, str]], minimal: bool) -> list[dict[str, Any]]:
        """Each answer in its place."""
        answers: list[dict[str, Any]] = []
        for command in commands:
            user = command["user_id"]
            if self.fault == "a refusal ends the batch" and any("code" in a for a in answers):
                answer: dict[str, Any] = {"code": "quest_not_found"}
            else:
                answer = self.turn_in(user, command["command_id"], command["quest_id"])
            if minimal and self.fault != "minimal replies are whole":
                answer = {name: value for name, value in answer.items() if name != "changes"}
            answers.append({"user_id": user, **answer})
        return answers[::-1] if self.fault == "answers stand in another order" else answers


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    peer: FakePeer

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        status, answer = self._answer(body)
        content = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _answer(self, body: Any) -> tuple[int, object]:
        peer, path = self.peer, self.path.split("/")
        claims = self._claims()
        if claims is None:
            return 401, {}
        with peer.lock:
            if path[2] == "commands":
                if claims["role"] != "service" and peer.fault != "players send batches":
                    return 403, {}
                return 200, peer.batch(body, self.headers["prefer"] == "return=minimal")
            if claims["sub"] != path[3] and peer.fault != "others are let in":
                return 403, {}
            if "experience" in body and peer.fault != "unknown fields are let in":
                return 422, {}
            answer = peer.turn_in(path[3], body["command_id"], body["quest_id"])
        return STATUS.get(answer.get("code", ""), 200), answer

    def _claims(self) -> dict[str, Any] | None:
        token = (self.headers["authorization"] or "").removeprefix("Bearer ")
        with contextlib.suppress(jwt.PyJWTError):
            secret = self.peer.dataset.secret
            claims: dict[str, Any] = jwt.decode(
                token, secret, algorithms=["HS256"], audience="questkeep"
            )
            return claims
        return None


@contextlib.contextmanager
def serving(peer: FakePeer, dataset: Dataset) -> Iterator[str]:
    """The URL of a peer that serves."""
    try:
        yield peer.start(peer.settings[0], dataset)
    finally:
        peer.stop()
