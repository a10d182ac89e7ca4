"""A subscription between a read that takes its time and a feed that does not wait for it."""

import asyncio
from collections.abc import Sequence

from actors.errors import DeliveryError, UserUnavailable
from actors.feeds.changes import Change, WholeState
from actors.feeds.feed import Feed, Feeds, Listener
from actors.feeds.subscription import Subscription
from actors.messages import ReadChanges, Reply, Request, refused
from actors.user.missed_changes import Why, answer_changes
from domain.messages.decision import Decision
from domain.state.position import Position
from domain.state.receipts import Receipt, Receipts
from domain.state.user_state import Changes, UserState
from persistence.codec.records import encode_decision
from tests.strategies_kit import RULES

USER, ERA = "u", "e"


class OneUser:
    """A directory of one user, whose reads are answered when a test says so."""

    def __init__(self) -> None:
        self.state = UserState(USER, era=ERA)
        self.receipts = Receipts(4)
        self.feeds = Feeds(lambda user_id: None, lambda user_id: None)
        self.reads: list[asyncio.Future[None]] = []
        self.asked: list[ReadChanges] = []

    def watch(self, user_id: str, listener: Listener) -> Feed:
        return self.feeds.watch(user_id, listener)

    async def ask(self, requests: Sequence[Request]) -> list[Reply]:
        [request] = requests
        assert isinstance(request, ReadChanges)
        self.asked.append(request)
        reply = answer_changes(self.state, self.receipts, RULES, request, ERA)
        assert isinstance(reply, Reply)
        answered = asyncio.get_running_loop().create_future()
        self.reads.append(answered)
        await answered
        return [reply]

    def change(self, *, heard: bool = True) -> None:
        """One more version, which becomes known at once, or to nobody."""
        changes = Changes(wallet={"gold": self.state.version + 1})
        self.state = self.state.put(changes)
        decision = encode_decision(Decision(changes, ()))
        version = self.state.version
        self.receipts.add(Receipt(f"c{version}", b"", version, decision))
        self.receipts.confirm()
        if heard:
            change = Change(USER, Position(ERA, version), f"c{version}", decision)
            for listener in list(self.feeds._listeners.get(USER, ())):
                listener.changed(change)

    async def answer(self, error: Exception | None = None) -> None:
        """Let the oldest read be answered as it was when it was asked."""
        await _a_moment()
        answered = self.reads.pop(0)
        if error is None:
            answered.set_result(None)
        else:
            answered.set_exception(error)
        await _a_moment()


async def _a_moment() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


class Told:
    """What a subscriber was told, in order: a version, or a word."""

    def __init__(self) -> None:
        self.said: list[int | str] = []

    def state(self, state: WholeState) -> None:
        self.said.append(f"{state.why} {state.position.version}")

    def changed(self, change: Change) -> None:
        self.said.append(change.version)

    def caught_up(self, position: Position) -> None:
        self.said.append(f"caught up {position.version}")

    def failed(self, error: DeliveryError) -> None:
        self.said.append(error.code)


def subscribed(user: OneUser, after: int | None) -> tuple[Subscription, list[int | str]]:
    told = Told()
    position = None if after is None else Position(ERA, after)
    return Subscription(user, ReadChanges(USER, position), told), told.said


async def what_is_heard_while_reading_comes_behind_what_was_read() -> None:
    user = OneUser()
    user.change()
    subscription, said = subscribed(user, 0)
    await _a_moment()
    user.change()
    user.change()
    await user.answer()
    assert said == [1, 2, 3, "caught up 3"]
    subscription.close()


async def test_what_is_heard_while_reading_comes_behind_what_was_read() -> None:
    await what_is_heard_while_reading_comes_behind_what_was_read()


async def test_what_was_read_and_heard_is_told_once() -> None:
    user = OneUser()
    subscription, said = subscribed(user, None)
    user.change()  # heard before the read is asked, so the answer has it too
    user.change()
    await user.answer()
    assert said == ["first 2", "caught up 2"]
    user.change()
    assert said[2:] == [3]
    subscription.close()


async def test_a_change_that_was_not_heard_is_read_before_the_next_is_told() -> None:
    user = OneUser()
    subscription, said = subscribed(user, 0)
    await user.answer()
    user.change(heard=False)
    user.change()
    assert said == ["caught up 0"]
    await user.answer()
    assert said == ["caught up 0", 1, 2]
    subscription.close()


async def test_whoever_lost_the_feed_reads_from_where_they_are() -> None:
    user = OneUser()
    subscription, said = subscribed(user, 0)
    await user.answer()
    user.change()
    user.change(heard=False)
    user.feeds.lost()
    await user.answer()
    assert said == ["caught up 0", 1, 2]
    assert [str(request.after) for request in user.asked] == [f"{ERA}.0", f"{ERA}.1"]
    subscription.close()


async def test_what_is_lost_while_reading_is_read_again() -> None:
    user = OneUser()
    subscription, said = subscribed(user, 0)
    await _a_moment()
    user.change(heard=False)
    user.feeds.lost()
    await user.answer()
    assert said == []
    await user.answer()
    assert said == [1, "caught up 1"]
    subscription.close()


async def test_whoever_was_away_too_long_is_caught_up_again_after_everything() -> None:
    user = OneUser()
    subscription, said = subscribed(user, 0)
    await user.answer()
    for _ in range(6):
        user.change(heard=False)
    user.feeds.lost()
    await user.answer()
    assert said == ["caught up 0", f"{Why.TOO_OLD} 6", "caught up 6"]
    subscription.close()


async def test_whoever_closes_hears_nothing_more() -> None:
    user = OneUser()
    subscription, said = subscribed(user, 0)
    await _a_moment()
    subscription.close()
    subscription.close()
    user.change()
    await _a_moment()
    assert (said, len(user.feeds)) == ([], 0)


async def test_a_user_who_cannot_be_read_ends_it() -> None:
    user = OneUser()
    _, said = subscribed(user, 0)
    await user.answer(UserUnavailable())
    assert (said, len(user.feeds)) == (["user_unavailable"], 0)


async def test_a_refusal_ends_it_too() -> None:
    class Refusing(OneUser):
        async def ask(self, requests: Sequence[Request]) -> list[Reply]:
            return [refused("overloaded", "the journal is behind", 500)]

    user = Refusing()
    _, said = subscribed(user, 0)
    await _a_moment()
    assert (said, len(user.feeds)) == (["overloaded"], 0)


async def test_a_bug_ends_it_instead_of_leaving_it_to_wait_for_ever() -> None:
    user = OneUser()
    _, said = subscribed(user, 0)
    await user.answer(ZeroDivisionError())
    assert (said, len(user.feeds)) == (["internal"], 0)
