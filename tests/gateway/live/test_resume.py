"""Lines that break anywhere: watchers have the rows of every version, commands count once."""

import asyncio
import copy
import random
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from questkeep_client import client as client_module
from questkeep_client import connector
from questkeep_client.protocol import closing
from questkeep_client.protocol.changes import Change
from questkeep_client.protocol.commands import (
    AcknowledgeLevelUps,
    Command,
    GrantExperience,
    OfferQuest,
    TurnInQuest,
)
from questkeep_client.protocol.mirror import indexed
from questkeep_client.protocol.problems import Closed, Gap
from questkeep_client.protocol.session import Session
from tests.gateway.gateway_kit import SERVICE, token
from tests.gateway.live.cutting_relay_kit import cutting
from tests.gateway.live.live_kit import server
from tests.mirror_kit import TABLES, Watcher

USERS = ("alice", "bob", "carol")
PATIENCE_SECONDS = 30.0


class Shown:
    """What one client was shown of one user: the rows at every position."""

    def __init__(
        self, client: client_module.Client, user_id: str, named: str, moved: asyncio.Event
    ) -> None:
        self.user_id = user_id
        self._moved = moved
        self.versions: dict[tuple[str, int], Any] = {}
        self.watched = client.watch(named)
        self.watched.listeners.append(self._changed)

    def _changed(self, change: Change | Closed) -> None:
        if isinstance(change, Closed):
            assert change.code == 1000, change
            return
        position = change.position
        rows = self.watched.mirror.rows
        self.versions[position.era, position.version] = copy.deepcopy(
            {table: rows[table] for table in TABLES}
        )
        self._moved.set()

    @property
    def version(self) -> int:
        position = self.watched.mirror.position
        return -1 if position is None else position.version


def reaches(watcher: Watcher, version: int) -> bool:
    """Whether it was told of this version."""
    position = watcher.mirror.position
    return position is not None and position.version == version


def some_command(dice: random.Random, player: bool) -> Command:
    """A command that a player, or a service, might send."""
    if player:
        return dice.choice((TurnInQuest(quest_id=f"q{dice.randrange(9)}"), AcknowledgeLevelUps()))
    return dice.choice(
        (
            GrantExperience(amount=dice.randrange(1, 60)),
            OfferQuest(quest_id=f"q{dice.randrange(9)}", reward={"items": {"sword": 1}}),
            TurnInQuest(quest_id=f"q{dice.randrange(9)}"),
        )
    )


async def every_watcher_sees_what_the_store_has(seed: int, rounds: int) -> None:
    """Commands of everybody, over lines that break, beside a service whose line does not."""
    dice = random.Random(seed)
    async with server() as here, cutting(here.listener.address.port, seed) as (relay, url):
        truth = [Watcher(here.cluster, user_id) for user_id in USERS]
        for watcher in truth:
            watcher.resume()
        players = [
            client_module.connect(url, token(user_id), form=form)
            for user_id, form in zip(USERS, ("json", "msgpack", "json"), strict=True)
        ]
        games = [client_module.connect(url, SERVICE, form=form) for form in ("msgpack", "json")]
        foreign = client_module.connect(here.url.replace("ws", "http"), SERVICE)
        clients = (*players, *games, foreign)
        moved = asyncio.Event()
        replies: list[Any] = []

        def answered(frame: Any) -> None:
            replies.append(frame)
            moved.set()

        async def until(condition: Callable[[], bool]) -> None:
            while not condition():
                moved.clear()
                await moved.wait()

        async with asyncio.timeout(PATIENCE_SECONDS):
            for client in clients:
                await client.__aenter__()
            oneself = client_module.ONESELF
            shown = [
                Shown(client, user_id, oneself, moved)
                for client, user_id in zip(players, USERS, strict=True)
            ]
            shown += [Shown(game, user_id, user_id, moved) for game in games for user_id in USERS]
            for _ in range(rounds):
                for client in clients:
                    is_player = client in players
                    user_id = oneself if is_player else dice.choice(USERS)
                    client.post(user_id, some_command(dice, is_player), answered)
                await asyncio.sleep(0.001 * dice.randrange(4))
            relay.heals = True
            await until(lambda: len(replies) == rounds * 6)
            newest = {watcher.user_id: watcher.mirror for watcher in truth}
            last = {user: (await foreign.reads.user(user))["version"] for user in USERS}
            for watcher in truth:
                await watcher.until(partial(reaches, watcher, last[watcher.user_id]))
            await until(lambda: all(each.version == last[each.user_id] for each in shown))
        assert relay.cuts > 0
        for each in shown:
            versions = newest[each.user_id].versions
            for position, rows in each.versions.items():
                assert rows == indexed(versions[position]), (each.user_id, position)
        for watcher in truth:
            watcher.check()
            durable = [reply for reply in replies if reply["type"] == "reply"]
            ids = watcher.mirror.command_ids
            assert len(set(ids)) == len(ids)
            assert set(ids) <= {reply["command_id"] for reply in durable}
            watcher.cut()
        assert here.app.metrics.live().resumes.get("ahead", 0) == 0
        for client in clients:
            await client.close()


@pytest.fixture(autouse=True)
def _no_gaps(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Clients come back at once, and never because a version was missing."""
    gaps: list[tuple[str, Any]] = []
    received = Session.received

    def noticing(self: Session, frame: Any) -> Any:
        try:
            return received(self, frame)
        except Gap as gap:
            gaps.append((str(gap), frame))
            raise

    monkeypatch.setattr(Session, "received", noticing)
    for module in (closing, connector):
        monkeypatch.setattr(module, "waiting_seconds", lambda tries: 0.001)
    yield
    assert gaps == []


@pytest.mark.parametrize("seed", [1, 2])
async def test_lines_that_break_anywhere_cost_nobody_a_version(seed: int) -> None:
    await every_watcher_sees_what_the_store_has(seed, rounds=40)


@pytest.mark.campaign
@pytest.mark.parametrize("seed", range(20))
async def test_many_lines_that_break_anywhere_cost_nobody_a_version(seed: int) -> None:
    await every_watcher_sees_what_the_store_has(1_000 + seed, rounds=200)
