"""Group commit: who shares an append, in which order, and what a failure tells whom."""

import asyncio

import pytest

from persistence.errors import Corrupt, Fenced, Unavailable
from persistence.journal.group_commit import GroupCommit, pack_batch, unpack_batch
from persistence.store import StreamId


class HandStream:
    """A `Stream` whose appends end when the test says so."""

    id = StreamId("users:1", "1-feed")

    def __init__(self) -> None:
        self.begun: list[list[bytes]] = []
        self._ends: asyncio.Queue[Exception | None] = asyncio.Queue()
        self.running = 0

    async def append(self, payload: bytes) -> int:
        self.running += 1
        assert self.running == 1, "two appends at once"
        self.begun.append(unpack_batch(payload, "test"))
        try:
            if (error := await self._ends.get()) is not None:
                raise error
        finally:
            self.running -= 1
        return len(self.begun)

    def end(self, error: Exception | None = None) -> None:
        self._ends.put_nowait(error)

    async def drop_through(self, sequence: int) -> None: ...

    async def close(self) -> None: ...


async def settle() -> None:
    """Let everything that can run now run."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_a_record_on_an_idle_journal_goes_out_alone_and_at_once() -> None:
    stream = HandStream()
    done = GroupCommit(stream).commit(b"one")
    await settle()
    assert stream.begun == [[b"one"]]
    stream.end()
    assert await done == 1


async def test_records_that_come_during_an_append_share_the_next_in_order() -> None:
    stream = HandStream()
    commits = GroupCommit(stream)
    first = commits.commit(b"1")
    await settle()
    later = [commits.commit(b"%d" % i) for i in range(2, 7)]
    await settle()
    assert stream.begun == [[b"1"]]
    stream.end()
    await settle()
    assert stream.begun == [[b"1"], [b"2", b"3", b"4", b"5", b"6"]]
    assert first.done()
    assert not any(future.done() for future in later)
    stream.end()
    assert [await future for future in later] == [2] * 5
    assert len(set(map(id, later))) == 1


async def test_nothing_is_done_before_its_own_append_is() -> None:
    stream = HandStream()
    commits = GroupCommit(stream)
    futures = []
    for i in range(1, 6):
        futures.append(commits.commit(b"%d" % i))
        await settle()
    for turn in range(1, 3):
        stream.end()
        await settle()
        assert [future.done() for future in futures] == [i < (1, 5)[turn - 1] for i in range(5)]


async def test_a_gather_that_is_full_goes_on_in_another() -> None:
    stream = HandStream()
    commits = GroupCommit(stream, batch_bytes_max=10)
    futures = [commits.commit(b"x" * 6) for _ in range(3)] + [commits.commit(b"y" * 99)]
    for _ in range(4):
        stream.end()
    assert [await future for future in futures] == [1, 2, 3, 4]
    assert [len(batch) for batch in stream.begun] == [1, 1, 1, 1]


async def test_pending_bytes_are_those_not_yet_durable() -> None:
    stream = HandStream()
    commits = GroupCommit(stream)
    commits.commit(b"x" * 10)
    await settle()
    commits.commit(b"x" * 5)
    assert commits.pending_bytes == 15
    stream.end()
    await settle()
    assert commits.pending_bytes == 5
    stream.end()
    await commits.drained()
    assert commits.pending_bytes == 0


@pytest.mark.parametrize("error", [Fenced("taken over"), Unavailable("no answer")])
async def test_a_failure_reaches_everyone_who_waits_and_everyone_later(error: Exception) -> None:
    stream = HandStream()
    commits = GroupCommit(stream)
    waiting = [commits.commit(b"1")]
    await settle()
    waiting.append(commits.commit(b"2"))
    stream.end(error)
    for future in waiting:
        with pytest.raises(type(error)) as caught:
            await future
        assert caught.value is error
    for _ in range(3):
        with pytest.raises(type(error)):
            commits.commit(b"3")
        with pytest.raises(type(error)):
            await commits.drained()
    assert stream.begun == [[b"1"]]
    assert commits.pending_bytes == 0


async def test_our_own_bug_reaches_everyone_too() -> None:
    stream = HandStream()
    commits = GroupCommit(stream)
    future = commits.commit(b"1")
    stream.end(ZeroDivisionError("a bug"))
    with pytest.raises(ZeroDivisionError):
        await future
    with pytest.raises(ZeroDivisionError):
        commits.commit(b"2")


@pytest.mark.parametrize("turns", [0, 1])
async def test_a_writer_that_is_stopped_with_its_loop_leaves_nobody_waiting(turns: int) -> None:
    commits = GroupCommit(HandStream())
    future = commits.commit(b"1")
    for _ in range(turns):
        await asyncio.sleep(0)
    assert commits._writer is not None
    commits._writer.cancel()
    with pytest.raises(Unavailable, match="stopped"):
        await future
    with pytest.raises(Unavailable):
        await commits.drained()


async def test_a_failure_nobody_waits_for_makes_no_noise() -> None:
    stream = HandStream()
    commits = GroupCommit(stream)
    commits.commit(b"1")
    stream.end(Unavailable("no answer"))
    with pytest.raises(Unavailable):
        await commits.drained()


async def test_a_caller_that_is_cancelled_takes_nobody_along() -> None:
    stream = HandStream()
    commits = GroupCommit(stream)

    async def patient() -> int:
        return await commits.commit(b"1")

    async def shielded() -> int:
        return await asyncio.shield(commits.commit(b"2"))

    callers = [asyncio.create_task(patient()), asyncio.create_task(shielded())]
    other = commits.commit(b"3")
    await settle()
    for caller in callers:
        caller.cancel()
    await settle()
    assert [caller.done() for caller in callers] == [False, True]
    stream.end()
    assert await other == 1
    results = await asyncio.gather(*callers, return_exceptions=True)
    assert all(isinstance(result, asyncio.CancelledError) for result in results)


async def test_drained_returns_once_nothing_is_on_its_way() -> None:
    stream = HandStream()
    commits = GroupCommit(stream)
    await commits.drained()
    commits.commit(b"1")
    await settle()
    draining = asyncio.create_task(commits.drained())
    commits.commit(b"2")
    stream.end()
    await settle()
    assert not draining.done()
    stream.end()
    await draining
    assert stream.begun == [[b"1"], [b"2"]]


async def test_it_goes_on_after_being_idle() -> None:
    stream = HandStream()
    commits = GroupCommit(stream)
    for i in range(1, 4):
        stream.end()
        assert await commits.commit(b"x") == i


def test_a_batch_holds_its_records_in_order() -> None:
    records = [b"", b"\x00\xff", b"x" * 70_000]
    assert unpack_batch(pack_batch(records), "here") == records


@pytest.mark.parametrize(
    "payload", [b"", b"\xc1", b"\x93\x01\x02\x03", b"\x80", b"\x91\xa1x", b"\x90\x90"]
)
def test_what_is_no_batch_is_named(payload: bytes) -> None:
    with pytest.raises(Corrupt, match="batch 7 of users:1"):
        unpack_batch(payload, "batch 7 of users:1")
