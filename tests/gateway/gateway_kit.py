"""The gateway as tests drive it: the real application, spoken to request by request.

Paths and bodies go in exactly as a test writes them, so that nothing on the client's side tidies
up what the server has to cope with.
"""

import json
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import jwt
import msgpack

from actors.cluster.contract import Activity
from actors.cluster.local import LocalCluster
from actors.errors import ClusterError
from actors.feeds.feed import Feed, Feeds, Listener
from actors.host.settings import HostSettings
from actors.messages import Reply, Request
from actors.monitoring.cluster_status import ClusterStatus, HostState, HostStatus, JournalActivity
from domain.rules.compiled_rules import compile_rules
from gateway.api.admission import Limits
from gateway.api.app import App
from gateway.api.cross_origin import CrossOrigin
from gateway.api.operations.cluster_endpoint import OwnCluster
from gateway.auth.authenticator import Authenticator, Secret
from gateway.http.messages import Request as HttpRequest
from gateway.server.rules_reload import ServedRules
from gateway.settings import Settings
from gateway.settings_sources import rules_text
from persistence import eras
from persistence.memory import MemoryStore, World
from persistence.store import Stored
from tests.gateway.contract_kit import check_response

SECRET = b"a secret that only these tests have, 48 bytes ..."
RULES_TEXT = rules_text(Settings())
BODY_BYTES_MAX = 64 * 1024
ACKNOWLEDGE = {"type": "acknowledge_level_ups", "command_id": "k"}


def claims(sub: str = "alice", role: Any = None, **changes: Any) -> dict[str, Any]:
    """The claims of a valid token; `changes` overwrite, and a value of None takes one away."""
    now = int(time.time())
    whole = {"sub": sub, "aud": "questkeep", "iat": now, "exp": now + 3600, "role": role, **changes}
    return {name: value for name, value in whole.items() if value is not None}


def token(sub: str = "alice", role: Any = None, **changes: Any) -> str:
    return jwt.encode(claims(sub, role, **changes), SECRET, algorithm="HS256")


PLAYER = token("alice")
SERVICE = token("game", "service")
OPERATOR = token("ops", "operator")


class Answer(NamedTuple):
    """What came back."""

    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.content)

    @property
    def msgpack(self) -> Any:
        return msgpack.unpackb(self.content)

    @property
    def code(self) -> str:
        return str(self.json["code"])


class Gateway:
    """An application and a way to talk to it."""

    def __init__(self, app: App) -> None:
        self.app = app

    async def request(
        self,
        method: str,
        path: str | bytes,
        *,
        bearer: str | None = SERVICE,
        headers: Iterable[tuple[str, str]] = (),
        body: bytes | Sequence[bytes] = b"",
        disconnect: bool = False,
        query: bytes = b"",
        address: str = "",
    ) -> Answer:
        """Send one request.  A sequence of bodies arrives chunk by chunk."""
        request = HttpRequest()
        request.method, request.query, request.address = method, query, address
        request.path = path.encode() if isinstance(path, str) else path
        request.headers = [
            (name.lower().encode(), value.encode("latin-1")) for name, value in headers
        ]
        if bearer is not None:
            request.headers.append((b"authorization", b"Bearer " + bearer.encode("latin-1")))
        chunks = deque([body] if isinstance(body, bytes) else body)

        def more() -> None:
            if chunks:
                request.feed(chunks.popleft())
            if not chunks:
                request.end(gone=disconnect)

        request.waited_for = more
        if len(chunks) == 1 and not disconnect:
            more()
        response = await self.app.answer(request)
        if response is None:
            return Answer(0, {}, b"")
        check_response(self.app, request, response)
        named = [(b"content-type", response.content_type), *response.headers]
        names: dict[str, str] = {}
        for name, value in named:  # one that stands twice is a list, as browsers read it
            before = names.get(name.decode())
            names[name.decode()] = f"{before}, {value.decode()}" if before else value.decode()
        return Answer(response.status, names, response.body)

    async def get(self, path: str | bytes, bearer: str | None = SERVICE, **more: Any) -> Answer:
        return await self.request("GET", path, bearer=bearer, **more)

    async def send(
        self, body: Any, user: str = "alice", bearer: str | None = SERVICE, **more: Any
    ) -> Answer:
        """POST commands: bytes as they are, anything else as JSON."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        path = f"/v1/users/{user}/commands"
        return await self.request("POST", path, bearer=bearer, body=content, **more)


class ScriptedCluster:
    """Answers every request with what a test put here: a reply, or an exception to raise."""

    def __init__(self, outcome: Reply | Exception) -> None:
        self.outcome = outcome
        self.asked: list[Request] = []

    async def start(self) -> None: ...

    def host_of(self, user_id: str) -> str:
        """Users of the same first letter are of one host."""
        return user_id[0]

    async def ask(self, requests: Sequence[Request]) -> list[Reply]:
        self.asked += requests
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return [self.outcome] * len(requests)

    def watch(self, user_id: str, listener: Listener) -> Feed:
        return Feeds(lambda user_id: None, lambda user_id: None).watch(user_id, listener)

    async def change_rules(self, text: str) -> None: ...

    def capacity(self) -> str:
        return "one"

    def activity(self) -> Activity:
        journal = JournalActivity("users:3", 7, 0.25, 40)
        return Activity(1, 2, 3, 4, 5, journals=(journal,), hosts_away=("users:3",))

    def status(self) -> ClusterStatus:
        away = HostStatus("users:3", HostState.AWAY, 12.5, "it does not answer", "127.0.0.2")
        return ClusterStatus("packed", "s-1", "build-1", (away,))

    def host_name(self, user_id: str) -> str:
        return "users:3"

    async def scale(self, hosts: int) -> None:
        raise ClusterError("slots of users:3 could not be moved: it does not answer")

    async def drain(self) -> None: ...


def a_local_cluster() -> LocalCluster:
    """The real cluster contract in this process, on a store in memory that a server has taken."""
    taken = World(snapshots={eras.NAME: Stored(1, b"e")})
    return LocalCluster(HostSettings("memory://tests", RULES_TEXT), MemoryStore(taken))


def gateway(
    cluster: Any = None,
    requests_in_flight_max: int = 100,
    body_bytes_max: int = BODY_BYTES_MAX,
    limits: Limits | None = None,
    authenticator: Any = None,
    read_rules: Callable[[], str] = lambda: RULES_TEXT,
    allow_origins: Sequence[str] = (),
) -> Gateway:
    """A ready gateway; over a real local cluster unless told otherwise."""
    cluster = cluster or a_local_cluster()
    app = App(
        cluster,
        authenticator or Authenticator(Secret(SECRET), ["HS256"]),
        ServedRules(compile_rules(RULES_TEXT), read_rules, cluster.change_rules),
        limits or Limits(body_bytes_max, requests_in_flight_max),
        CrossOrigin(allow_origins),
    )
    app.cluster.view = OwnCluster(cluster)
    app.ready = True
    return Gateway(app)
