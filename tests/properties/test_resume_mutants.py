"""What watchers are promised is held by `test_resume`: each of these breaks one promise (R22)."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import pytest

from actors.feeds.changes import Change
from actors.feeds.subscription import Subscription
from actors.host.activation import Activation
from actors.host.awaiting_commit import AwaitingCommit
from actors.host.mailbox import PendingRequest
from actors.host.watches import Watches
from actors.messages import Reply
from actors.transport.watched_users import WatchedUsers
from actors.user import missed_changes
from actors.user.actor import Turn
from actors.user.missed_changes import MissedChange, Why
from domain.messages.commands import Command, decode_command
from domain.state.position import Position
from domain.state.receipts import Receipt
from domain.state.user_state import UserState
from tests import mirror_kit
from tests.actors.cluster import barriers_kit as barriers
from tests.actors.feeds.subscription_kit import (
    what_is_heard_while_reading_comes_behind_what_was_read,
)
from tests.properties.resume_steps_kit import Step, every_watcher_sees_what_the_store_has

Patch = pytest.MonkeyPatch


def tells_of_turns_on_their_way(patch: Patch) -> None:
    """A change is shown before it is durable (P11)."""
    put, publish = AwaitingCommit.put, Watches.publish

    def put_and_tell(
        self: AwaitingCommit,
        commit: "asyncio.Future[int]",
        activation: Activation,
        pending: PendingRequest,
        outcome: Turn | Reply,
    ) -> None:
        if isinstance(outcome, Turn):
            publish(self._watches, [(activation.user_id, outcome.record)])
        put(self, commit, activation, pending, outcome)

    patch.setattr(AwaitingCommit, "put", put_and_tell)
    patch.setattr(Watches, "publish", lambda self, turns: None)


def shows_receipts_of_turns_on_their_way(patch: Patch) -> None:
    """What was missed has turns that may never become durable (P11)."""

    def every_receipt(
        state: UserState, receipts: Iterable[Receipt], after: Position | None, store_era: str
    ) -> list[MissedChange] | Why:
        if after is None:
            return Why.FIRST
        everything = [(each.version, each.command_id, each.decision) for each in receipts]
        return [change for change in everything if change[0] > after.version]

    patch.setattr(missed_changes, "missed_or_why", every_receipt)


def believes_that_every_change_is_the_next(patch: Patch) -> None:
    """A version is told twice, or left out."""

    def pass_on(self: Subscription, change: Change) -> bool:
        self.position = change.position
        self._subscriber.changed(change)
        return True

    patch.setattr(Subscription, "_pass_on", pass_on)


def forgets_what_it_hears_while_it_reads(patch: Patch) -> None:
    """What becomes durable between the read and its answer is told to nobody."""
    changed = Subscription.changed

    def unless_reading(self: Subscription, change: Change) -> None:
        if self._reading is None:
            changed(self, change)

    patch.setattr(Subscription, "changed", unless_reading)


def says_nothing_of_a_broken_connection(patch: Patch) -> None:
    """What became durable while a gateway was cut off is told to nobody there."""

    def connected(self: WatchedUsers, send: Callable[[bytearray], None]) -> None:
        for user_id in self.feeds:
            self._unsent[user_id] = True
        for whole in self.unsent():
            send(whole)

    patch.setattr(WatchedUsers, "connected", connected)


def says_nothing_of_a_lost_journal(patch: Patch) -> None:
    """What was stored, and not confirmed, is told to nobody."""
    patch.setattr(Watches, "read_anew", lambda self: None)


def compares_versions_of_two_eras(patch: Patch) -> None:
    """A position of another line of versions is taken for one of this (P10)."""
    answer = missed_changes.missed_or_why

    def whatever_the_era(
        state: UserState, receipts: Iterable[Receipt], after: Position | None, store_era: str
    ) -> list[MissedChange] | Why:
        here = None if after is None else Position(state.era, after.version)
        return answer(state, receipts, here, store_era)

    patch.setattr(missed_changes, "missed_or_why", whatever_the_era)


_UP = ("go on", 200)
_SOON = ("go on", 12)
CAUGHT_BY_STEPS: dict[Callable[[Patch], None], Sequence[Step]] = {
    tells_of_turns_on_their_way: [_UP, ("fail", 0), ("command", 0), _UP, ("command", 0), _UP],
    shows_receipts_of_turns_on_their_way: [
        *(_UP, ("hold", 0), ("command", 0), _UP, ("toggle", 0), ("toggle", 0), _UP),
        *(("release", 0), _UP),
    ],
    believes_that_every_change_is_the_next: [
        *([("command", 0), ("toggle", 0), ("toggle", 0), ("go on", 3)] * 8),
    ],
    says_nothing_of_a_broken_connection: [
        *(_UP, ("part", 1), _UP, ("command", 0), _UP),
    ],
    says_nothing_of_a_lost_journal: [_UP, ("fail", 1), ("command", 0), _UP],
}


def commands() -> list[Command]:
    """Enough of them, each of which changes something."""
    grant = {"type": "grant_player_progression_experience", "amount": 5}
    return [decode_command({"command_id": f"k{number}", **grant}) for number in range(20)]


@pytest.mark.parametrize("steps", CAUGHT_BY_STEPS.values(), ids=lambda steps: str(len(steps)))
async def test_nothing_is_wrong_with_what_is_not_broken(steps: Sequence[Step]) -> None:
    await every_watcher_sees_what_the_store_has(commands(), steps)


@pytest.mark.parametrize("mutant", CAUGHT_BY_STEPS, ids=lambda mutant: mutant.__name__)
async def test_a_broken_promise_is_noticed(
    mutant: Callable[[Patch], None], monkeypatch: Patch
) -> None:
    mutant(monkeypatch)
    monkeypatch.setattr(mirror_kit, "PATIENCE_SECONDS", 1.0)
    with pytest.raises((AssertionError, TimeoutError)):
        await every_watcher_sees_what_the_store_has(commands(), CAUGHT_BY_STEPS[mutant])


async def test_what_is_forgotten_while_reading_is_noticed(monkeypatch: Patch) -> None:
    forgets_what_it_hears_while_it_reads(monkeypatch)
    with pytest.raises(AssertionError):
        await what_is_heard_while_reading_comes_behind_what_was_read()


async def test_a_stale_era_is_noticed(tmp_path: Path, monkeypatch: Patch) -> None:
    compares_versions_of_two_eras(monkeypatch)
    monkeypatch.setattr(mirror_kit, "PATIENCE_SECONDS", 1.0)
    with pytest.raises((AssertionError, TimeoutError)):
        await barriers.a_watcher_begins_anew_behind_a_barrier(
            barriers.restored_to_a_backup, ("l1",), tmp_path
        )
