"""Mutation tests: each rule of the order is broken in turn, and a scenario has to fail."""

from collections.abc import Awaitable, Callable

import pytest
from msgspec import UNSET

from actors.feeds.changes import Change
from actors.messages import Reply
from gateway.live import user_line
from gateway.live.server_frames import ReplyHead
from gateway.live.user_line import Sent, UserLine
from tests.gateway.live import order_kit as orders

Patch = pytest.MonkeyPatch
Scenario = Callable[[], Awaitable[None]]


def shows_every_change_at_once(patch: Patch) -> None:
    """A reply does not take its version's place: the version comes twice."""

    def show_next(self: UserLine) -> bool:
        if not self._heard:
            return False
        change = self._heard.popleft()
        self.shown = change.position
        self._put(self._frame_of(change))
        return True

    patch.setattr(UserLine, "_show_next", show_next)


def answers_as_soon_as_it_is_known(patch: Patch) -> None:
    """A reply comes before the versions below its own."""

    def reply(self: UserLine, reply: Reply) -> bool:
        self._sink.put(user_line.reply_frame(reply.body, self._wish.media))
        return True

    patch.setattr(UserLine, "_reply", reply)


def answers_whatever_is_known_first(patch: Patch) -> None:
    """Answers come in the order in which they are known."""
    answer_next = UserLine._answer_next

    def known_first(self: UserLine) -> bool:
        known = sorted(self.unanswered, key=lambda sent: sent.outcome is None)
        self.unanswered.clear()
        self.unanswered.extend(known)
        return answer_next(self)

    patch.setattr(UserLine, "_answer_next", known_first)


def has_replies_applied_twice(patch: Patch) -> None:
    """A reply does not say that its change was shown as part of a state."""
    patch.setattr(user_line, "as_replayed", lambda body, media: body)


def takes_brief_replies_for_their_changes(patch: Patch) -> None:
    """A reply without rows is the change of its version, and the rows never come."""
    patch.setattr(ReplyHead, "changed", ReplyHead.may_have_changed)


def takes_brief_replies_for_none(patch: Patch) -> None:
    """A reply without rows comes before its change, and raises the version without it."""
    changed = property(lambda self: not self.replayed and self.changes is not UNSET)
    patch.setattr(ReplyHead, "may_have_changed", changed)


def answers_at_once_what_changed_nothing(patch: Patch) -> None:
    """A reply that changed nothing raises the version before the change is shown."""
    reply = UserLine._reply

    def at_once(self: UserLine, outcome: Reply) -> bool:
        head = user_line.head_of(outcome, self._wish.media)
        if not head.may_have_changed:
            self._sink.put(user_line.reply_frame(outcome.body, self._wish.media))
            return True
        return reply(self, outcome)

    patch.setattr(UserLine, "_reply", at_once)


def compares_versions_of_two_lines(patch: Patch) -> None:
    """A reply of before a restore waits for a version that may never come."""
    patch.setattr(Sent, "past", property(lambda self: False, lambda self, past: None))


def waits_for_whoever_comes_later(patch: Patch) -> None:
    """A change waits for its reply, which waits for one that waits for the change."""

    def show_next(self: UserLine) -> bool:
        if not self._heard:
            return False
        ids = {sent.command_id for sent in self.unanswered}
        if self._caught_up and self._heard[0].command_id in ids:
            return False
        change = self._heard.popleft()
        self.shown = change.position
        self._put(self._frame_of(change))
        return True

    patch.setattr(UserLine, "_show_next", show_next)


def answers_before_it_is_caught_up(patch: Patch) -> None:
    """An answer comes among what was missed."""
    answer_next = UserLine._answer_next

    def at_once(self: UserLine) -> bool:
        caught_up, self._caught_up = self._caught_up, True
        try:
            return answer_next(self)
        finally:
            self._caught_up = caught_up

    patch.setattr(UserLine, "_answer_next", at_once)


def drops_what_a_slow_client_does_not_read(patch: Patch) -> None:
    """Changes that find no room are gone."""

    def changed(self: UserLine, change: Change) -> None:
        if len(self._heard) < user_line.HEARD_MAX:
            self._heard.append(change)
            self.pump()

    patch.setattr(UserLine, "changed", changed)


def forgets_commands_with_the_watch(patch: Patch) -> None:
    """Whoever is shown no longer is answered no longer."""
    close = UserLine.close

    def forget(self: UserLine) -> None:
        close(self)
        self.unanswered.clear()

    patch.setattr(UserLine, "close", forget)


CAUGHT_BY: dict[Callable[[Patch], None], Scenario] = {
    shows_every_change_at_once: orders.a_reply_is_the_change_of_its_version,
    answers_as_soon_as_it_is_known: orders.a_reply_waits_for_the_versions_before_it,
    answers_whatever_is_known_first: orders.answers_come_in_the_order_of_their_commands,
    has_replies_applied_twice: orders.a_reply_to_what_the_state_shows_already_is_not_to_be_applied,
    takes_brief_replies_for_their_changes: (
        orders.a_brief_reply_never_stands_for_the_change_of_a_user_who_is_shown
    ),
    takes_brief_replies_for_none: (
        orders.a_brief_reply_never_stands_for_the_change_of_a_user_who_is_shown
    ),
    answers_at_once_what_changed_nothing: (
        orders.a_reply_that_changed_nothing_comes_behind_its_version
    ),
    compares_versions_of_two_lines: (
        orders.a_reply_from_before_a_user_was_put_back_holds_nothing_up
    ),
    waits_for_whoever_comes_later: orders.commands_that_ran_against_their_order_hold_nothing_up,
    answers_before_it_is_caught_up: orders.nothing_is_answered_before_it_is_caught_up,
    drops_what_a_slow_client_does_not_read: (
        orders.nothing_is_put_while_the_client_does_not_read_and_nothing_is_lost
    ),
    forgets_commands_with_the_watch: orders.whoever_is_shown_no_longer_is_still_answered,
}


@pytest.mark.parametrize("mutant", CAUGHT_BY, ids=lambda mutant: mutant.__name__)
async def test_a_broken_order_is_noticed(
    mutant: Callable[[Patch], None], monkeypatch: Patch
) -> None:
    mutant(monkeypatch)
    with pytest.raises(AssertionError):
        await CAUGHT_BY[mutant]()
