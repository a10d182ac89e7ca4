"""The Python client with one fault, for the conformance kit to find: `python -m … FAULT`.

Each fault is one that clients of other servers had, or that a simpler client would have.
"""

import asyncio
import sys
from collections.abc import Callable
from typing import Any

from questkeep_client import conformance, connector
from questkeep_client.line import Line
from questkeep_client.protocol import closing
from questkeep_client.protocol.mirror import Mirror, Position, indexed
from questkeep_client.protocol.outbox import Outbox
from questkeep_client.protocol.session import Session, Watched

Frame = dict[str, Any]


def replayed_replies_are_applied() -> None:
    reply = Session._reply

    def broken(self: Session, frame: Frame) -> None:
        watched = self._of(frame)
        if frame.get("replayed") and watched is not None:
            for name, value in frame["changes"].items():
                watched.mirror._put(name, value)
        reply(self, frame)

    Session._reply = broken  # type: ignore[method-assign]
    _retake()


def gaps_are_not_seen() -> None:
    def broken(self: Mirror, first: int, version: int) -> Position:
        assert self.position is not None
        return Position(self.position.era, version)

    Mirror._raised = broken  # type: ignore[method-assign]


def a_state_is_laid_over_the_old_one() -> None:
    def broken(self: Mirror, state: Frame) -> None:
        self.position = Position(state["era"], state["version"])
        for name, value in indexed(state).items():
            old = self.rows.get(name)
            self.rows[name] = {**old, **value} if isinstance(old, dict) else value

    Mirror.replace = broken  # type: ignore[method-assign,assignment]


def the_first_era_is_kept() -> None:
    replace = Mirror.replace

    def broken(self: Mirror, state: Any) -> None:
        era = self.position.era if self.position else state["era"]
        replace(self, {**state, "era": era})

    Mirror.replace = broken  # type: ignore[method-assign]


def since_is_the_position_of_the_last_try() -> None:
    opened = Session.opened

    def broken(self: Session) -> list[Frame]:
        for pending in self.outbox:
            pending.frame["since"] = str(self.watched[pending.user_id].mirror.position)
        return opened(self)

    Session.opened = broken  # type: ignore[method-assign]


def a_repeat_gets_a_new_id() -> None:
    opened = Session.opened

    def broken(self: Session) -> list[Frame]:
        for pending in tuple(self.outbox):
            if pending.tries:
                self.outbox.take(pending.frame["command_id"])
                pending.frame["command_id"] += "-again"
                self.outbox.add(pending)
        return opened(self)

    Session.opened = broken  # type: ignore[method-assign]


def a_new_line_forgets_what_was_sent() -> None:
    opened = Session.opened

    def broken(self: Session) -> list[Frame]:
        for pending in tuple(self.outbox):
            if pending.tries:
                self.outbox.take(pending.frame["command_id"])
        return opened(self)

    Session.opened = broken  # type: ignore[method-assign]


def repeats_come_the_other_way_round() -> None:
    Outbox.__iter__ = lambda self: iter(tuple(self._pending.values())[::-1])  # type: ignore[method-assign]


def a_new_line_says_everything_twice() -> None:
    opened = Session.opened
    Session.opened = lambda self: opened(self) * 2  # type: ignore[method-assign]


def busy_is_taken_for_a_refusal() -> None:
    def broken(self: Session, frame: Frame) -> None:
        pending = self.outbox.take(frame.get("command_id", ""))
        if pending is not None:
            pending.answered(frame)

    Session._problem = broken  # type: ignore[method-assign]
    _retake()


def a_displaced_client_comes_back() -> None:
    closing.FOR_GOOD = frozenset({4403})


def moving_is_not_heard() -> None:
    Session._moving = lambda self, frame: None  # type: ignore[method-assign]
    _retake()


def tokens_are_never_renewed() -> None:
    async def broken(self: Any) -> bool:
        return True

    connector.Connector._take_new_token = broken  # type: ignore[method-assign]


def everything_is_asked_for_each_time() -> None:
    Session.path = lambda self: "/v1/users/me/live"  # type: ignore[method-assign]


def lists_know_no_limit() -> None:
    async def broken(self: Line, frames: list[Frame]) -> None:
        await self._socket.send(self._pack(frames), text=self._text)

    async def all_at_once(self: Line) -> None:
        frames, self._waiting = self._waiting, []
        await broken(self, frames)
        self._writer = None

    Line._write_waiting = all_at_once  # type: ignore[method-assign]


def filtered_versions_are_ignored() -> None:
    Mirror.skip = lambda self, first, version: None  # type: ignore[method-assign]


def a_changed_stack_replaces_all_stacks() -> None:
    put = Mirror._put

    def broken(self: Mirror, name: str, value: Any) -> None:
        if name == "inventory":
            self.rows[name] = value
        else:
            put(self, name, value)

    Mirror._put = broken  # type: ignore[method-assign]


def empty_stacks_stay() -> None:
    put = Mirror._put

    def broken(self: Mirror, name: str, value: Any) -> None:
        if name == "inventory":
            self.rows[name].update(value)
        else:
            put(self, name, value)

    Mirror._put = broken  # type: ignore[method-assign]


def replies_are_no_changes() -> None:
    def broken(self: Session, frame: Frame) -> None:
        pending = self.outbox.take(frame.get("command_id", ""))
        if pending is not None:
            pending.answered(frame)

    Session._reply = broken  # type: ignore[method-assign]
    _retake()


def eras_of_users_are_mixed() -> None:
    def broken(self: Session, frame: Frame) -> Watched | None:
        return next(iter(self.watched.values()), None)

    Session._of = broken  # type: ignore[method-assign]


# Each fault, and a case that must fall on it.
FAULTS: dict[Callable[[], None], str] = {
    replayed_replies_are_applied: "a_replayed_reply_is_not_applied",
    gaps_are_not_seen: "a_gap_in_the_changes_closes_and_resumes",
    a_state_is_laid_over_the_old_one: "a_state_replaces_everything",
    the_first_era_is_kept: "an_era_that_changed_while_away_replaces_everything",
    since_is_the_position_of_the_last_try: "an_unanswered_command_is_sent_again_alike",
    a_repeat_gets_a_new_id: "an_unanswered_command_is_sent_again_alike",
    a_new_line_forgets_what_was_sent: "a_lost_reply_is_asked_for_and_not_applied_twice",
    repeats_come_the_other_way_round: "unanswered_commands_keep_their_order",
    a_new_line_says_everything_twice: "a_command_sent_before_the_line_is_open_is_sent_once",
    busy_is_taken_for_a_refusal: "same_is_tried_again_under_the_same_id",
    a_displaced_client_comes_back: "after_4409_it_stays_away",
    moving_is_not_heard: "a_moving_server_is_given_its_time",
    tokens_are_never_renewed: "a_refused_token_is_replaced",
    everything_is_asked_for_each_time: "a_cut_line_is_resumed_from_the_last_version",
    lists_know_no_limit: "many_commands_keep_to_the_limits",
    filtered_versions_are_ignored: "a_filter_may_leave_nothing_of_a_version",
    a_changed_stack_replaces_all_stacks: "what_is_counted_is_put_by_its_name",
    empty_stacks_stay: "what_falls_to_nothing_is_gone",
    replies_are_no_changes: "a_reply_is_the_change_of_its_version",
    eras_of_users_are_mixed: "each_user_has_a_line_of_versions_of_their_own",
}


def _retake() -> None:
    """Let the session's table of frames find the methods that were replaced."""
    from questkeep_client.protocol import session

    session._TAKES.update(
        {kind: getattr(Session, take.__name__) for kind, take in _ORIGINAL.items()}
    )


def _original() -> dict[str, Any]:
    from questkeep_client.protocol import session

    return dict(session._TAKES)


_ORIGINAL = _original()

if __name__ == "__main__":
    name = sys.argv.pop()
    next(fault for fault in FAULTS if fault.__name__ == name)()
    asyncio.run(conformance.main())
