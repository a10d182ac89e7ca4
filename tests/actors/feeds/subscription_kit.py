"""A user who is read when a test says so, and a subscriber who notes what is told."""

import asyncio
from collections.abc import Sequence

from actors.errors import DeliveryError
from actors.feeds.changes import Change, WholeState
from actors.feeds.feed import Feed, Feeds, Listener
from actors.feeds.subscription import Subscription
from actors.messages import ReadChanges, Reply, Request
from actors.user.missed_changes import answer_changes
from domain.messages.decision import Decision
from domain.state.position import Position
from domain.state.receipts import Receipt, Receipts
from domain.state.user_state import Changes, UserState
from persistence.codec.records import encode_decision
from questkeep_testing.strategies.states import RULES

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
            for listener in self.feeds._listeners(USER):
                listener.changed(change)

    async def answer(self, error: Exception | None = None) -> None:
        """Let the oldest read be answered as it was when it was asked."""
        await a_moment()
        answered = self.reads.pop(0)
        if error is None:
            answered.set_result(None)
        else:
            answered.set_exception(error)
        await a_moment()


async def a_moment() -> None:
    """What can happen now has happened."""
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
    await a_moment()
    user.change()
    user.change()
    await user.answer()
    assert said == [1, 2, 3, "caught up 3"]
    subscription.close()
