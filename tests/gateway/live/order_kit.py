"""The order of one user's frames on one connection, as scenarios that broken lines have to fail."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

from actors.errors import DeliveryError
from actors.feeds.changes import Change, WholeState
from actors.feeds.feed import Feed, Feeds, Listener
from actors.messages import Media, Reply, Request, answered
from actors.user.missed_changes import Why
from domain.state.position import Position
from gateway.api.changes.frames import DEFAULT_ROWS
from gateway.auth.authenticator import Caller, Role
from gateway.live.opening import Wish
from gateway.live.user_line import HEARD_MAX, Sent, UserLine
from gateway.problems import Problem

ERA = "e1"
LEVEL = {"player_progression": {"level": 2}}


class Nowhere:
    """A directory whose reads are never answered: the scenario itself tells the line everything."""

    def host_of(self, user_id: str) -> str:
        return ""

    async def ask(self, requests: Sequence[Request]) -> list[Reply]:
        await asyncio.Event().wait()
        return []

    def watch(self, user_id: str, listener: Listener) -> Feed:
        return Feeds(lambda user_id: None, lambda user_id: None).watch(user_id, listener)


class Told:
    """A sink that keeps what it is given."""

    def __init__(self) -> None:
        self.paused = False
        self.frames: list[dict[str, Any]] = []
        self.errors: list[Exception] = []

    def put(self, frame: bytes) -> None:
        self.frames.append(json.loads(frame))

    def resumed(self, how: str) -> None: ...

    def failed(self, line: UserLine, error: DeliveryError) -> None:
        self.errors.append(error)

    def broke(self, error: Exception) -> None:
        self.errors.append(error)


class Line:
    """A line under test: watched, and caught up at a version."""

    def __init__(self, version: int = 0, watched: bool = True) -> None:
        caller = Caller("alice", Role.PLAYER, 1e12)
        wish = Wish(caller, Media.JSON, "alice", None, DEFAULT_ROWS, False, False, "")
        self.sink = Told()
        self.line = UserLine("alice", wish, Nowhere(), self.sink)  # type: ignore[arg-type]
        if watched:
            self.line.watch(None)
            self.shows(version)

    def shows(self, version: int, era: str = ERA, forget: bool = True) -> None:
        """The whole state was read at this version; `told` has nothing of it."""
        state = {"type": "state", "era": era, "version": version}
        position = Position(era, version)
        self.line.state(WholeState(position, Why.FIRST, json.dumps(state).encode()))
        self.line.caught_up(position)
        if forget:
            self.sink.frames.clear()

    def sends(self, *command_ids: str) -> list[Sent]:
        """The client sent these."""
        sent = [Sent(command_id) for command_id in command_ids]
        self.line.unanswered.extend(sent)
        return sent

    def hears(self, version: int, command_id: str, era: str = ERA) -> None:
        """This version became durable."""
        change = Change("alice", Position(era, version), command_id, b"")
        frame = {"type": "changes", "version": version, "command_id": command_id}
        change.encoded[DEFAULT_ROWS, Media.JSON] = json.dumps(frame).encode()
        self.line.changed(change)

    def answers(self, sent: Sent, version: int, changes: Any = LEVEL, **more: Any) -> None:
        """The host replied; without `changes` where that is None."""
        body = {"command_id": sent.command_id, "version": version, "replayed": False, **more}
        if changes is not None:
            body["changes"] = changes
        self.ends(sent, answered(json.dumps(body).encode()))

    def ends(self, sent: Sent, outcome: Reply | Problem) -> None:
        """What became of it."""
        sent.outcome = outcome
        self.line.pump()

    def told(self) -> list[str]:
        """What the client was told since the last time, each frame in a word or two."""
        assert not self.sink.errors, self.sink.errors
        frames, self.sink.frames[:] = list(self.sink.frames), []
        return [_in_words(frame) for frame in frames]


def _in_words(frame: dict[str, Any]) -> str:
    kind = "replayed" if frame.get("replayed") else frame["type"]
    return f"{kind} {frame.get('version', frame.get('command_id'))}"


async def a_reply_is_the_change_of_its_version() -> None:
    line = Line()
    [own] = line.sends("own")
    line.hears(1, "own")
    assert line.told() == []
    line.answers(own, 1)
    assert line.told() == ["reply 1"]
    line.hears(2, "other")
    assert line.told() == ["changes 2"]


async def a_reply_waits_for_the_versions_before_it() -> None:
    line = Line()
    [own] = line.sends("own")
    line.answers(own, 2)
    assert line.told() == []
    line.hears(1, "other")
    assert line.told() == ["changes 1"]
    line.hears(2, "own")
    line.hears(3, "other")
    assert line.told() == ["reply 2", "changes 3"]


async def answers_come_in_the_order_of_their_commands() -> None:
    line = Line()
    first, second, third = line.sends("first", "second", "third")
    line.ends(second, Problem("quest_not_found", "none", command_id="second"))
    line.hears(1, "first")
    line.hears(2, "third")
    line.answers(third, 2)
    assert line.told() == []
    line.answers(first, 1)
    assert line.told() == ["reply 1", "problem second", "reply 2"]


async def a_reply_to_what_the_state_shows_already_is_not_to_be_applied() -> None:
    line = Line()
    [own] = line.sends("own")
    line.shows(3)
    line.answers(own, 2)
    assert line.told() == ["replayed 2"]


async def a_reply_that_changed_nothing_comes_behind_its_version() -> None:
    line = Line(version=4)
    [own] = line.sends("own")
    line.answers(own, 4, changes={})
    assert line.told() == ["reply 4"]
    late, again = line.sends("late", "again")
    line.answers(late, 5, changes={})
    line.answers(again, 1, replayed=True)
    assert line.told() == []
    line.hears(5, "other")
    assert line.told() == ["changes 5", "reply 5", "replayed 1"]


async def a_reply_that_changed_nothing_is_not_to_be_applied_to_a_later_version() -> None:
    line = Line(version=4)
    [own] = line.sends("own")
    line.hears(5, "other")
    line.answers(own, 4, changes={})
    assert line.told() == ["changes 5", "replayed 4"]


async def a_reply_from_before_a_user_was_put_back_holds_nothing_up() -> None:
    line = Line(version=4)
    own, idle, later = line.sends("own", "idle", "later")
    line.answers(own, 9)
    line.answers(idle, 9, changes={})
    line.shows(2, era="e2", forget=False)
    line.hears(3, "later", era="e2")
    line.answers(later, 3)
    assert line.told() == ["state 2", "caught_up 2", "replayed 9", "replayed 9", "reply 3"]


async def a_brief_reply_never_stands_for_the_change_of_a_user_who_is_shown() -> None:
    line = Line()
    [own] = line.sends("own")
    line.answers(own, 1, changes=None)
    assert line.told() == []
    line.hears(1, "own")
    assert line.told() == ["changes 1", "replayed 1"]


async def commands_that_ran_against_their_order_hold_nothing_up() -> None:
    line = Line()
    first, second = line.sends("first", "second")
    line.hears(1, "second")
    line.hears(2, "first")
    line.answers(second, 1)
    line.answers(first, 2)
    assert line.told() == ["changes 1", "reply 2", "replayed 1"]


async def what_happened_after_all_comes_as_changes() -> None:
    line = Line()
    [own] = line.sends("own")
    line.ends(own, Problem("outcome_unknown", "lost", command_id="own"))
    line.hears(1, "own")
    [late] = line.sends("late")
    line.hears(2, "late")
    line.ends(late, Problem("outcome_unknown", "lost", command_id="late"))
    assert line.told() == ["problem own", "changes 1", "problem late", "changes 2"]


async def nothing_is_answered_before_it_is_caught_up() -> None:
    line = Line(watched=False)
    line.line.watch(Position(ERA, 1))
    first, _second = line.sends("first", "second")
    line.answers(first, 2, replayed=True)
    line.hears(2, "first")
    line.hears(3, "second")
    assert line.told() == ["changes 2", "changes 3"]
    line.line.caught_up(Position(ERA, 3))
    assert line.told() == ["caught_up 3", "replayed 2"]


async def nothing_is_put_while_the_client_does_not_read_and_nothing_is_lost() -> None:
    line = Line()
    line.sink.paused = True
    for version in range(1, HEARD_MAX + 1):
        line.hears(version, "other")
    assert line.told() == []
    assert not line.line.suspended
    line.hears(HEARD_MAX + 1, "other")
    assert line.line.suspended
    assert line.line.shown == Position(ERA, 0)
    line.sink.paused = False
    line.line.pump()
    assert line.told() == []
    line.line.subscribe()
    assert not line.line.suspended
    line.hears(1, "other")
    assert line.told() == ["changes 1"]


async def whoever_is_shown_no_longer_is_still_answered() -> None:
    line = Line()
    [own] = line.sends("own")
    line.hears(1, "own")
    line.line.unwatch()
    line.answers(own, 1)
    assert line.told() == ["reply 1"]


SCENARIOS = (
    a_reply_is_the_change_of_its_version,
    a_reply_waits_for_the_versions_before_it,
    answers_come_in_the_order_of_their_commands,
    a_reply_to_what_the_state_shows_already_is_not_to_be_applied,
    a_reply_that_changed_nothing_comes_behind_its_version,
    a_reply_that_changed_nothing_is_not_to_be_applied_to_a_later_version,
    a_reply_from_before_a_user_was_put_back_holds_nothing_up,
    a_brief_reply_never_stands_for_the_change_of_a_user_who_is_shown,
    commands_that_ran_against_their_order_hold_nothing_up,
    what_happened_after_all_comes_as_changes,
    nothing_is_answered_before_it_is_caught_up,
    nothing_is_put_while_the_client_does_not_read_and_nothing_is_lost,
    whoever_is_shown_no_longer_is_still_answered,
)
