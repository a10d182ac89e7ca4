"""Handles over a cluster in this process, and where it fails."""

from collections.abc import AsyncIterator, Sequence

import pytest
import pytest_asyncio

from actors.cluster.local import LocalCluster
from actors.errors import Overloaded, UserBusy
from actors.messages import Reply, Request, refused
from persistence.memory import MemoryStore, World
from questkeep_client import Problem
from questkeep_client.protocol import commands
from questkeep_client.user import User
from questkeep_client.user_commands import UserCommands
from questkeep_handles import users as handles
from questkeep_handles.users import UserHandle, Users
from tests.actors.host_kit import settings
from tests.questkeep_handles.handles_kit import CHECKS, Check


@pytest_asyncio.fixture
async def cluster() -> AsyncIterator[LocalCluster]:
    started = LocalCluster(settings(), MemoryStore(World()))
    await started.start()
    yield started
    await started.drain()


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
async def test_handles_keep_their_promises(check: Check, cluster: LocalCluster) -> None:
    await check(Users(cluster))


def test_every_command_has_a_method_at_clients_and_at_handles() -> None:
    kinds = [kind for kind in commands.Command.__subclasses__() if hasattr(commands, kind.__name__)]
    tags = {kind.__struct_config__.tag for kind in kinds}
    assert len(tags) == 13
    for kind in (UserHandle, User):
        assert issubclass(kind, UserCommands)
        assert {tag for tag in tags if hasattr(kind, str(tag))} == tags


class FailsAtFirst(LocalCluster):
    """Refuses as busy, loses the reply of, and only then answers what it is asked."""

    def __init__(self) -> None:
        super().__init__(settings(), MemoryStore(World()))
        self.tries = 0

    async def ask(self, requests: Sequence[Request]) -> list[Reply]:
        self.tries += 1
        if self.tries == 1:
            raise UserBusy("too much waits")
        if self.tries == 2:
            await super().ask(requests)
            return [refused("outcome_unknown", "the reply was lost", retry_after_ms=1)]
        if self.tries == 3:
            raise Overloaded("no room")
        return await super().ask(requests)


async def test_what_may_be_repeated_is_repeated_under_one_id(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waits: list[int] = []

    def waiting(tries: int) -> float:
        waits.append(tries)
        return 0.0

    monkeypatch.setattr(handles, "waiting_seconds", waiting)
    monkeypatch.setattr(UserBusy, "retry_after_ms", 1)
    monkeypatch.setattr(Overloaded, "retry_after_ms", 1)
    cluster = FailsAtFirst()
    await cluster.start()
    reply = await Users(cluster)["alice"].grant_player_progression_experience(5)
    assert (reply["version"], reply["replayed"], cluster.tries) == (1, True, 4)
    assert waits == [0, 1, 2]
    await cluster.drain()


async def test_a_read_that_finds_nobody_says_so(cluster: LocalCluster) -> None:
    await cluster.drain()
    with pytest.raises(Problem) as failed:
        await Users(cluster)["alice"].at()
    assert failed.value.retry == "same"
