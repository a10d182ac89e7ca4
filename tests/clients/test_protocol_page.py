"""The page for clients in other languages: its frames are frames, and its cases are cases."""

import json
import re
from pathlib import Path

import msgspec

from cli.conformance.run import CASES, name_of
from questkeep_client.api_types import Command, LiveServerFrame
from questkeep_client.protocol.outbox import Pending
from questkeep_client.protocol.session import Session

TEXT = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text(encoding="utf-8")
FRAMES = [
    json.loads(line)
    for block in re.findall(r"```json\n(.*?)```", TEXT, re.DOTALL)
    for line in block.splitlines()
]
FROM_SERVER = {"welcome", "state", "caught_up", "changes", "reply", "problem"}


def test_its_frames_are_those_of_the_api() -> None:
    assert {frame["type"] for frame in FRAMES} == {*FROM_SERVER, "turn_in_quest"}
    for frame in FRAMES:
        side = LiveServerFrame if frame["type"] in FROM_SERVER else Command
        decoded = msgspec.convert(frame, side)
        assert msgspec.to_builtins(decoded) == frame


def test_its_frames_are_one_conversation() -> None:
    session = Session("me")
    answers: list[object] = []
    for frame in FRAMES:
        if frame["type"] in FROM_SERVER:
            session.received(frame)
        else:
            assert frame["since"] == str(session.watched["me"].mirror.position)
            session.send(Pending("me", frame, answers.append))
    mirror = session.watched["me"].mirror
    assert (str(mirror.position), mirror.rows["wallet"]) == ("k3.7", {"gold": 50})
    assert [answer["type"] for answer in answers if isinstance(answer, dict)] == ["reply"]


def test_every_mistake_names_a_case_of_the_kit() -> None:
    named = re.findall(r"\| `(\w+)` \|$", TEXT, flags=re.MULTILINE)
    assert len(named) == 9
    assert set(named) <= {name_of(case) for case in CASES}
    assert len(CASES) > 80
