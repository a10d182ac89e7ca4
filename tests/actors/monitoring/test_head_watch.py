"""A head that falls silent, comes back, or is another one now: told and given up in time."""

import asyncio
from collections.abc import Callable

import pytest
from structlog.testing import capture_logs

from actors.monitoring import head_watch
from actors.monitoring.cluster_status import HeadStatus
from actors.monitoring.head_watch import HeadWatch


class Head:
    """A head whose answer and clock a test sets."""

    def __init__(self) -> None:
        self.now = 0.0
        self.answer: str | Exception = "cluster-1"

    async def ask(self) -> str:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def watch(self) -> HeadWatch:
        return HeadWatch("10.0.0.1:6379", self.ask, 60.0, lambda: self.now)


async def test_a_head_that_answers_is_reachable() -> None:
    watch = Head().watch()
    assert await watch.look()
    assert watch.status() == HeadStatus("10.0.0.1:6379", reachable=True)
    assert watch.problem == ""


async def test_a_silent_head_is_told_again_and_again_with_the_seconds_that_are_left() -> None:
    head = Head()
    watch = head.watch()
    await watch.look()
    head.answer = ConnectionRefusedError()
    with capture_logs() as logged:
        for head.now in (10.0, 12.0, 30.0):
            assert not await watch.look()
        assert watch.status() == HeadStatus("10.0.0.1:6379", False, 30.0, 30.0)
        assert watch.problem == ""
        head.answer = "cluster-1"
        assert await watch.look()
    assert [(line["event"], line.get("seconds_left")) for line in logged] == [
        ("the head is silent", 50.0),
        ("the head is silent", 30.0),
        ("the head answers again", None),
    ]
    assert watch.status().reachable


async def test_a_head_that_stays_silent_is_lost_before_ray_ends_this_process() -> None:
    head = Head()
    watch = head.watch()
    await watch.look()
    head.answer = ConnectionRefusedError()
    head.now = 55.0
    await watch.look()
    assert watch.problem == "Ray's head at 10.0.0.1:6379 has been silent for 55 s"


async def test_another_cluster_at_the_same_address_is_the_end() -> None:
    head = Head()
    watch = head.watch()
    await watch.look()
    head.answer = "cluster-2"
    assert not await watch.look()
    assert "another Ray cluster answers at 10.0.0.1:6379" in watch.problem


async def test_a_head_that_never_answers_is_silent_and_is_asked_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(head_watch, "ANSWER_SECONDS", 0.01)
    asked: list[Callable[[], None]] = []
    answered = asyncio.Event()

    async def ask() -> str:
        asked.append(answered.set)
        await answered.wait()
        return "cluster-1"

    watch = HeadWatch("10.0.0.1:6379", ask, 60.0)
    for _ in range(2):
        assert not await watch.look()
    assert len(asked) == 1
    answered.set()
    assert await watch.look()
    watch.close()
