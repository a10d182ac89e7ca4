"""Every way in which the server ends a live connection, provoked."""

import asyncio
import json
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any, cast
from uuid import uuid4

import pytest
from structlog.testing import capture_logs

from gateway.http import listener as listener_module
from gateway.live import connection as connection_module
from gateway.live import connections as connections_module
from gateway.live.connection import LiveConnection
from gateway.live.connections import LiveConnections
from gateway.live.liveness import ANSWER_SECONDS
from tests.gateway.gateway_kit import OPERATOR, PLAYER, token
from tests.gateway.live.live_kit import MSGPACK, Client, Server, command, grant, server
from tests.gateway.live.raw_kit import PING, TEXT, handshake, opened, raw

Patch = pytest.MonkeyPatch

HOUR = 3_600


@pytest.fixture
def made(monkeypatch: Patch) -> Iterator[list[LiveConnection]]:
    """The server's side of each connection, in the order in which they were opened."""
    connections: list[LiveConnection] = []
    opened_ = LiveConnections.opened

    def remember(self: LiveConnections, connection: LiveConnection) -> None:
        connections.append(connection)
        opened_(self, connection)

    monkeypatch.setattr(LiveConnections, "opened", remember)
    yield connections
    connections.clear()


def later(seconds: float) -> float:
    """The loop's time in so many seconds."""
    return asyncio.get_running_loop().time() + seconds


async def closed_with(here: Server, *frames: Any, **more: Any) -> tuple[int, str]:
    """How a player's connection ends that sends these."""
    async with here.connect(**more) as player:
        await player.hear_of("caught_up")
        await player.send(*frames)
        return await player.closed()


NO_FRAMES: dict[str, Any] = {
    "no object": 7,
    "a list of no objects": [[], []],
    "no type": {},
    "an unknown type": {"type": "hello"},
    "a type that is no text": {"type": ["x"], "command_id": "c"},
    "a tick that says more": {"type": "tick", "now": 1},
    "a token without one": {"type": "token"},
    "a token that says more": {"type": "token", "token": PLAYER, "user_id": "alice"},
    "many users on a line of one": {"type": "watch", "users": [{"user_id": "bob"}]},
    "to be shown nobody there": {"type": "unwatch", "users": []},
    "nested too deeply": {"type": "x", "command_id": "c", "a": json.loads("[" * 16 + "]" * 16)},
    "a list too long": [{"type": "tick"}] * 101,
    "a server's frame": {"type": "moving", "reconnect_in_ms": 1},
}
NOT_WATCHED: dict[str, Any] = {
    "no users": {"type": "watch"},
    "users that are no list": {"type": "watch", "users": "bob"},
    "a user that is no object": {"type": "watch", "users": ["bob"]},
    "a user without an id": {"type": "watch", "users": [{}]},
    "a user id that is none": {"type": "watch", "users": [{"user_id": "a b"}]},
    "a position that is none": {"type": "watch", "users": [{"user_id": "b", "after": "1.2.3"}]},
    "a position that is a number": {"type": "watch", "users": [{"user_id": "b", "after": 3}]},
    "a user who says more": {"type": "unwatch", "users": [{"user_id": "b", "rows": "goods"}]},
}


async def test_what_is_no_frame_ends_with_4400_and_a_reason() -> None:
    async with server() as here:
        for form in ("questkeep.v1.json", MSGPACK):
            for name, sent in NO_FRAMES.items():
                code, reason = await closed_with(here, sent, subprotocols=[form])
                assert (name, code) == (name, 4400)
                assert reason
        for name, sent in NOT_WATCHED.items():
            async with here.service() as game:
                await game.send(sent)
                assert (name, (await game.closed())[0]) == (name, 4400)


async def test_what_cannot_be_read_ends_with_1003() -> None:
    async with server() as here:
        for sent in ("{", "", "nonsense", "[" * 60_000, '{"type":"tick"}{}', '{"a":"\\ud800"}'):
            async with here.connect() as player:
                await player.hear_of("caught_up")
                await player.socket.send(sent)
                assert (await player.closed())[0] == 1003
        for packed in (
            b"",
            b"\xc1",
            b"\xc7\x01\x05x",
            b"\x81\x01\x02",
            b"\x91" * 60_000,
            b"\x80\x80",
        ):
            async with here.connect(subprotocols=[MSGPACK]) as player:
                await player.hear_of("caught_up")
                await player.socket.send(packed)
                assert (await player.closed())[0] == 1003


SUCCESSORS: dict[str, Callable[[], Any]] = {
    "of somebody else": lambda: token("bob", exp=_in(2 * HOUR)),
    "of another role": lambda: token("alice", "service", exp=_in(2 * HOUR)),
    "of an earlier end": lambda: token("alice", exp=_in(60)),
    "that is no token": lambda: "x.y.z",
    "that is no text": lambda: 7,
    "that is the same": lambda: PLAYER,
}


def _in(seconds: float) -> int:
    """The time in so many seconds, as tokens tell it."""
    return int(time.time() + seconds)


@pytest.mark.parametrize("successor", SUCCESSORS.values(), ids=SUCCESSORS)
async def test_a_token_that_is_no_successor_ends_with_4401(successor: Callable[[], Any]) -> None:
    async with server() as here:
        code, reason = await closed_with(here, {"type": "token", "token": successor()})
        assert code == 4401
        assert "eyJ" not in reason


async def test_a_connection_ends_with_its_token_unless_another_was_sent(
    made: list[LiveConnection],
) -> None:
    async with server() as here, here.connect(bearer=token("alice", exp=_in(HOUR))) as player:
        welcome = await player.hear_of("welcome")
        await player.hear_of("caught_up")
        until = _in(2 * HOUR)
        await player.send({"type": "token", "token": token("alice", exp=until)})
        accepted = await player.hear()
        assert accepted == {"type": "token_accepted", "token_expires_at": until * 1_000_000}
        assert accepted["token_expires_at"] > welcome["token_expires_at"]
        made[0].liveness.expires_at = 0
        made[0].check_deadlines(later(0))
        assert await player.closed() == (4401, "the token has expired")


async def test_a_token_that_expires_soon_is_told_once(made: list[LiveConnection]) -> None:
    async with server() as here, here.connect(bearer=token("alice", exp=_in(30))) as player:
        await player.hear_of("caught_up")
        made[0].check_deadlines(later(0))
        made[0].liveness._warn_at = 0
        made[0].look_again()
        for _ in range(3):
            made[0].check_deadlines(later(0))
        await player.send({"type": "tick"})
        assert (await player.hear())["type"] == "token_expiring"
        assert (await player.hear())["type"] == "tick"


async def test_everybody_is_told_of_other_rules(
    made: list[LiveConnection], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections_module, "RULES_SECONDS", 0.01)
    monkeypatch.setattr(listener_module, "EXPIRY_SECONDS", 0.01)
    async with server() as here, here.connect() as player, here.service() as game:
        await player.hear_of("caught_up")
        await game.hear_of("welcome")
        made[0]._gateway.rules_in_force = lambda: "others"
        for client in (player, game):
            frame = await client.hear_of("rules")
            assert frame == {"type": "rules", "fingerprint": "others"}


async def test_silence_is_answered_by_a_ping_and_a_tick_and_then_by_4408(
    made: list[LiveConnection],
) -> None:
    async with server() as here, opened(here) as client:
        [line] = made
        quiet = line.liveness.ping_seconds
        assert 18 <= quiet <= 20
        line.check_deadlines(later(quiet - 1))
        line.check_deadlines(later(quiet))
        heard = [await client.hear() for _ in range(2)]
        assert [each.opcode for each in heard if each] == [PING, TEXT]
        line.check_deadlines(later(quiet + ANSWER_SECONDS - 1))
        line.check_deadlines(later(quiet + ANSWER_SECONDS + 0.1))
        assert (await client.closed())[0] == 4408


async def test_whoever_answers_a_ping_stays(made: list[LiveConnection]) -> None:
    async with server() as here, here.connect() as player:
        await player.hear_of("caught_up")
        [line] = made
        line.check_deadlines(later(20))
        await player.hear_of("tick")
        await player.send({"type": "tick"})  # behind the pong
        await player.hear_of("tick")
        line.check_deadlines(later(20 + ANSWER_SECONDS + 1))
        await player.send({"type": "tick"})
        assert (await player.hear())["type"] == "tick"


async def test_silence_does_not_count_while_the_server_does_not_read(
    made: list[LiveConnection], monkeypatch: Patch
) -> None:
    async with server() as here, here.connect() as player:
        await player.hear_of("caught_up")
        [line] = made
        line.check_deadlines(later(20))
        monkeypatch.setattr(type(line._conversation), "unanswered", 64)
        line.read_or_not()
        line.check_deadlines(later(20 + ANSWER_SECONDS + 1))
        monkeypatch.setattr(type(line._conversation), "unanswered", 0)
        line.read_or_not()
        await player.hear_of("tick")
        await player.send({"type": "tick"})
        assert (await player.hear())["type"] == "tick"


async def test_a_ninth_connection_of_a_player_displaces_the_oldest() -> None:
    async with server() as here:
        lines = [await here.connect().__aenter__() for _ in range(9)]
        assert (await lines[0].closed())[0] == 4409
        await stay(lines[1:])
        async with here.connect(bearer=token("bob")), here.service(), here.service():
            await stay(lines[1:])


async def test_a_session_that_comes_again_displaces_itself_and_nobody_else() -> None:
    async with server() as here:
        path = "/v1/users/me/live?session="
        lines = [await here.connect(f"{path}s{number}").__aenter__() for number in range(8)]
        async with here.connect(f"{path}s7") as again:
            assert (await lines[7].closed())[0] == 4409
            await stay([*lines[:7], again])
            async with here.connect(f"{path}s7", bearer=token("bob")):
                await stay([*lines[:7], again])
        for line in lines[:7]:
            await line.socket.close()


async def stay(lines: list[Client]) -> None:
    """Each is still served."""
    for line in lines:
        await line.send({"type": "tick"})
        await line.hear_of("tick")


async def test_whoever_does_not_read_ends_with_4413(
    made: list[LiveConnection], monkeypatch: Patch
) -> None:
    monkeypatch.setattr(connection_module, "WAITING_BYTES_MAX", 1_024)
    async with server() as here, here.service() as game:
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        address = here.listener.address
        sock.connect((address.ip, address.port))
        with sock:
            sock.sendall(handshake())
            while len(made) < 2 or not made[1].paused:
                await game.send(*[grant(uuid4().hex, user_id="alice") for _ in range(100)])
                for _ in range(100):
                    await game.hear_of("reply")
            line = made[1]
            line.check_deadlines(later(connection_module.UNREAD_SECONDS_MAX - 1))
            assert not line._closing_at
            line.check_deadlines(later(connection_module.UNREAD_SECONDS_MAX + 1))
            assert line._socket.closed is not None
            assert line._socket.closed.code == 4413
            line.check_deadlines(later(connection_module.LEAVE_SECONDS_MAX + 1))
        await stay([game])


async def test_more_than_may_be_watched_ends_with_4429(monkeypatch: Patch) -> None:
    monkeypatch.setattr("gateway.live.connections.WATCHED_MAX", 3)
    async with server() as here, here.service() as game:
        users = [{"user_id": f"u{number}"} for number in range(4)]
        await game.send({"type": "watch", "users": users[:3]})
        await game.send({"type": "unwatch", "users": users[:1]})
        await game.send({"type": "watch", "users": users[1:]})
        await stay([game])
        await game.send({"type": "watch", "users": users[:1]})
        assert await game.closed() == (4429, "retry_after_ms=1000")


async def test_a_server_that_ends_sends_each_client_to_another_moment() -> None:
    async with server() as here:
        lines = [
            await here.connect(bearer=OPERATOR, path="/v1/live").__aenter__() for _ in range(5)
        ]
        here.app.drain()
        moments = [(await line.hear_of("moving"))["reconnect_in_ms"] for line in lines]
        assert len(set(moments)) == 5
        assert [await line.closed() for line in lines] == [(1001, "")] * 5


async def test_a_client_that_goes_without_a_word_is_forgotten(made: list[LiveConnection]) -> None:
    async with server() as here:
        async with opened(here):
            pass
        async with raw(here) as client:
            client.send(handshake()[:-2])
        async with here.connect() as last:
            await last.hear_of("caught_up")
        counts = here.app.metrics.live()
        assert made[0].ended
        assert counts.closes[1006] == 1


def broken(*_: Any, **__: Any) -> Any:
    """A bug."""
    raise RuntimeError("this is a bug")


BUGS = [
    "gateway.live.conversation.read_message",
    "gateway.live.conversation.now_micros",
    "gateway.live.commands.check_all",
    "gateway.live.commands.pieces_of",
    "gateway.live.user_line.changes_frame",
    "gateway.live.user_line.reply_frame",
    "gateway.live.user_line.problem_frame",
    "gateway.live.connection._parts",
    "gateway.api.user_requests.UserRequests.ask_host",
    "gateway.live.liveness.Liveness.renew",
]


@pytest.mark.parametrize("where", BUGS)
async def test_a_bug_ends_a_connection_with_4500_and_costs_the_others_nothing(
    where: str, monkeypatch: Patch, made: list[LiveConnection]
) -> None:
    async with server() as here, here.service() as game, here.connect() as player:
        await player.hear_of("caught_up")
        with capture_logs() as logs, monkeypatch.context() as patch:
            patch.setattr(where, broken)
            await player.send({"type": "token", "token": token("alice", exp=_in(9 * HOUR))})
            await player.send(command("no_such_command", "n"))
            await player.send(command("acknowledge_level_ups", "a"))
            await player.send({"type": "tick"})
            if where.endswith("changes_frame"):
                await game.send(grant("g", user_id="alice"))
            code, request_id = await player.closed()
        assert code == 4500
        told = [line for line in logs if line.get("request_id") == request_id]
        assert [line["event"] for line in told] == ["a live connection failed"]
        await stay([game])
        async with here.connect() as again:
            await again.hear_of("caught_up")


async def test_a_bug_at_the_beginning_or_between_frames_ends_with_4500(
    monkeypatch: Patch, made: list[LiveConnection]
) -> None:
    async with server() as here:
        with monkeypatch.context() as patch:
            patch.setattr("gateway.live.conversation.WelcomeFrame", broken)
            async with here.connect() as player:
                assert (await player.closed())[0] == 4500
        for moment in ("check_deadlines", "resume_writing"):
            async with here.connect() as player:
                await player.hear_of("caught_up")
                line = made[-1]
                with monkeypatch.context() as patch:
                    patch.setattr(type(line._conversation), "show_rules", broken)
                    patch.setattr(type(line._conversation), "go_on", broken)
                    call = cast(Callable[..., None], getattr(line, moment))
                    call(*([later(0)] if moment == "check_deadlines" else []))
                assert (await player.closed())[0] == 4500
