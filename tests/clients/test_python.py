"""The Python client where the kit cannot look: its own timing, and sources of tokens that fail."""

import pytest

from cli.conformance import frames
from cli.conformance.scripted_server import ScriptedServer
from cli.conformance.trial import token
from questkeep_client import GrantExperience, TurnInQuest, connect, connector, sync
from questkeep_client.protocol.outbox import Pending
from questkeep_client.protocol.session import Session
from questkeep_testing.server import LocalServer


def test_each_try_of_a_busy_command_waits_longer() -> None:
    session = Session(None)
    pending = Pending("alice", {"type": "tick", "command_id": "c"}, lambda end: None)
    session.send(pending)
    tries = []
    for _ in range(3):
        session.received(frames.problem(pending.frame, "user_busy", "same"))
        [(again, _)] = session.take_retries()
        tries.append(again.tries)
    assert tries == [2, 3, 4]


def test_a_pipeline_without_await_is_answered_when_its_block_ends() -> None:
    with LocalServer() as server, sync.connect(server.url, server.service_token()) as service:
        with service.pipeline(window=3) as pipeline:
            for number in range(20):
                pipeline.send(f"user-{number % 4}", GrantExperience(1), f"c{number}")
            pipeline.send("user-0", TurnInQuest("none"))
        assert {reply["command_id"] for reply in pipeline.replies} == {f"c{n}" for n in range(20)}
        assert [problem.code for problem in pipeline.problems] == ["quest_not_found"]
        assert service.status == "live"
        assert [server.read(f"user-{number}")["version"] for number in range(4)] == [5] * 4


async def test_a_source_of_tokens_that_fails_is_asked_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connector, "waiting_seconds", lambda tries: 0.01)
    given = iter([token(), OSError("away"), OSError("away"), token(number=2)])

    def source() -> str:
        following = next(given)
        if isinstance(following, Exception):
            raise following
        return following

    async with ScriptedServer() as server, connect(server.url, source):
        line = await server.line()
        await line.send(frames.welcome())
        await line.close(4401)
        line = await server.line()
        assert line.token == token(number=2)
