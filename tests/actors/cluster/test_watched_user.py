"""A watched user in a process of their own: what becomes durable comes with the replies."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from actors.cluster.host_actor import DedicatedHost
from actors.feeds.changes import Change, Missed, missed_of
from actors.messages import ReadChanges, Reply, Request
from actors.transport.addresses import Node, RunningHost
from actors.transport.call_channel import decode_replies, encode_batch
from domain.state.position import Position
from persistence.memory import Faults, MemoryStore
from tests.actors.host_kit import RULES_TEXT, body, grant, look, settings

HERE = RunningHost(Node("here", "127.0.0.1"), 1, "worker")


@pytest.fixture
async def host(request: pytest.FixtureRequest) -> AsyncIterator[DedicatedHost]:
    own = settings(store_url=f"memory://{request.node.name}")
    process = DedicatedHost("user:u", own, lambda: HERE, lambda: None)
    await process.change_rules(RULES_TEXT)
    yield process
    await process.drain()


def faults_of(host: DedicatedHost) -> Faults:
    store = host._store
    assert isinstance(store, MemoryStore)
    return store.faults


async def ask_watched(
    host: DedicatedHost, *requests: Request
) -> tuple[list[Reply], list[int] | None]:
    """The replies, and the versions that came with them; None: some may be missing."""
    answer, records = await host.ask_watched(encode_batch([list(requests)]))
    [replies] = decode_replies(answer)
    if records is None:
        return replies, None
    return replies, [Change.of_record(record).version for record in records]


async def on_its_way(host: DedicatedHost) -> None:
    """A turn is decided, and its append is held."""
    commits = host._host.journal.commits
    assert commits is not None
    async with asyncio.timeout(10):
        while not commits.pending_bytes:  # noqa: ASYNC110 - no event tells
            await asyncio.sleep(0)


async def test_the_first_change_opens_the_journal_so_what_was_read_before_is_read_anew(
    host: DedicatedHost,
) -> None:
    assert (await ask_watched(host, look("u")))[1] == []
    assert (await ask_watched(host, grant("u", "c1")))[1] is None
    assert (await ask_watched(host, grant("u", "c2"), grant("u", "c3")))[1] == [2, 3]


async def test_what_is_decided_between_watched_calls_is_not_told_but_can_be_read(
    host: DedicatedHost,
) -> None:
    await ask_watched(host, grant("u", "c1"))
    await host.ask(encode_batch([[grant("u", "c2")]]))
    replies, versions = await ask_watched(host, ReadChanges("u", Position("", 1)))
    missed = missed_of("u", replies[0])
    assert isinstance(missed, Missed)
    assert ([change.version for change in missed.changes], versions) == ([2], [])


async def test_what_a_call_decided_whose_caller_has_gone_comes_with_the_next(
    host: DedicatedHost,
) -> None:
    """Nobody would hear of it before the next command, else."""
    await ask_watched(host, grant("u", "c1"))
    held = faults_of(host).before_append = asyncio.Event()
    abandoned = asyncio.create_task(ask_watched(host, grant("u", "c2")))
    await on_its_way(host)
    abandoned.cancel()
    reading = asyncio.create_task(ask_watched(host, ReadChanges("u", Position("", 1))))
    await asyncio.sleep(0)
    faults_of(host).before_append = None
    held.set()
    replies, versions = await reading
    missed = missed_of("u", replies[0])
    assert isinstance(missed, Missed)
    assert sorted([*(change.version for change in missed.changes), *(versions or ())]) == [2]


async def test_a_journal_that_is_lost_is_told_of(host: DedicatedHost) -> None:
    await ask_watched(host, grant("u", "c1"))
    faults_of(host).appends_unconfirmed = 1
    [reply], versions = await ask_watched(host, grant("u", "c2"))
    assert (reply.code, versions) == ("outcome_unknown", None)
    [again], _ = await ask_watched(host, grant("u", "c2"))
    assert body(again)["replayed"] is True
