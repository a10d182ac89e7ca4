"""Long work leaves turns to others, whatever there is of it."""

import asyncio

import pytest

from actors.long_work import LongWork
from actors.messages import View
from persistence.codec import unpacking
from persistence.codec.unpacking import Steps
from tests.actors.host_kit import Rig, ask, body, command, grant, look


async def test_work_is_done_in_turn_and_in_order() -> None:
    taken: list[str] = []

    def steps(name: str, count: int) -> Steps[str]:
        for _ in range(count):
            taken.append(name)
            yield
        return name

    work = LongWork()
    assert await asyncio.gather(work.run(steps("a", 4)), work.run(steps("b", 3))) == ["a", "b"]
    assert "".join(taken) == "abababa"


async def test_of_all_long_work_one_step_is_done_in_a_turn_of_the_loop() -> None:
    taken = 0

    def steps() -> Steps[None]:
        nonlocal taken
        while taken < 100:
            taken += 1
            yield

    work = LongWork()
    several = [asyncio.create_task(work.run(steps())) for _ in range(8)]
    await asyncio.sleep(0)  # each of them begins
    begun, turns = taken, 0
    while taken < 100:
        await asyncio.sleep(0)
        turns += 1
    assert turns >= 100 - begun
    await asyncio.gather(*several)


async def test_work_that_fails_leaves_the_others_their_turns() -> None:
    def steps(fails: bool) -> Steps[int]:
        yield
        if fails:
            raise ValueError("damaged")
        yield
        return 1

    work = LongWork()
    bad, good = asyncio.create_task(work.run(steps(True))), work.run(steps(False))
    assert await good == 1
    with pytest.raises(ValueError, match="damaged"):
        await bad


async def test_others_are_answered_while_a_large_user_is_loaded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rig = Rig()
    for number in range(400):
        quest = {"quest_id": f"q{number}", "reward": {"experience": 1}}
        body((await ask(rig.host, command("u", f"o{number}", "offer_quest", **quest)))[0])
    await rig.host.drain()
    monkeypatch.setattr(unpacking, "SLICE_BYTES", 1)
    host = rig.another()
    await ask(host, grant("v", "c1"))
    large = asyncio.create_task(ask(host, look("u", View.QUESTS)))
    for number in range(2, 12):
        (other,) = await ask(host, grant("v", f"c{number}"))
        assert body(other)["version"] == number
    assert not large.done()
    (quests,) = await large
    assert len(body(quests)["quest_record"]) == 400
