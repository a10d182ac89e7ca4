"""However much one user asks for, others have their turns in between; order within a user stays."""

import asyncio

import pytest

from actors.host import host as dispatcher
from actors.host import run_queue
from actors.messages import Ask, Reply, View
from actors.user import actor
from domain.decide import dispatch
from domain.messages.decision import Decision
from domain.messages.rejections import Rejection
from tests.actors.host_kit import Rig, ask, body, grant, look


@pytest.fixture
def one_turn_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_queue, "RUN_SECONDS", 0.0)
    monkeypatch.setattr(run_queue, "LATER_SECONDS", 0.0)


@pytest.mark.usefixtures("one_turn_at_a_time")
async def test_others_are_answered_while_a_long_list_is_decided() -> None:
    rig = Rig()
    await ask(rig.host, look("u"), look("v"))
    await rig.host.open()
    await ask(rig.host, look("u"), look("v"))
    many = asyncio.create_task(ask(rig.host, *(grant("u", f"c{n}") for n in range(200))))
    await asyncio.sleep(0)
    (others,) = await ask(rig.host, grant("v", "c"))
    assert body(others)["version"] == 1
    assert not many.done()
    assert [body(reply)["version"] for reply in await many] == list(range(1, 201))


@pytest.mark.usefixtures("one_turn_at_a_time")
async def test_what_a_user_asks_meanwhile_waits_behind_the_list() -> None:
    rig = Rig(mailbox_depth_max=1_000)
    lists = [[grant("u", f"{name}{n}") for n in range(50)] for name in "abc"]
    asked = [asyncio.create_task(ask(rig.host, *each)) for each in lists]
    await asyncio.sleep(0)
    (read,) = await ask(rig.host, look("u", View.COMMAND, "c49"))
    assert body(read)["version"] == 150
    versions = [body(reply)["version"] for each in asked for reply in await each]
    assert versions == list(range(1, 151))


@pytest.mark.usefixtures("one_turn_at_a_time")
async def test_a_list_of_many_users_is_decided_in_order_for_each() -> None:
    rig = Rig()
    users = [f"u{n}" for n in range(20)]
    replies = await ask(rig.host, *(grant(user, f"c{n}") for n in range(1, 4) for user in users))
    assert [body(reply)["version"] for reply in replies] == [1] * 20 + [2] * 20 + [3] * 20


@pytest.mark.usefixtures("one_turn_at_a_time")
async def test_a_drain_finishes_what_waits_for_its_turn() -> None:
    rig = Rig()
    await ask(rig.host, grant("u", "before"))
    many = asyncio.create_task(ask(rig.host, *(grant("u", f"c{n}") for n in range(100))))
    await asyncio.sleep(0)
    await rig.host.drain()
    assert [reply.code for reply in await many] == [""] * 100


@pytest.mark.usefixtures("one_turn_at_a_time")
async def test_when_the_journal_is_lost_nobody_waits_for_ever() -> None:
    rig = Rig()
    await ask(rig.host, grant("u", "before"))
    rig.faults.appends_lost = 1
    replies = await ask(rig.host, *(grant("u", f"c{n}") for n in range(100)))
    assert {reply.code for reply in replies} <= {"", "outcome_unknown", "user_unavailable"}
    (after,) = await ask(rig.host, grant("u", "after"))
    assert after.code == ""


async def test_a_bug_in_one_command_is_that_command_s_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def decide(*arguments: object) -> Decision | Rejection:
        if arguments[1].amount == 13:  # type: ignore[attr-defined]
            raise ZeroDivisionError("a bug")
        return dispatch.decide(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(actor, "decide", decide)
    rig = Rig()
    asks: list[Ask] = [grant("u", "a", 1), grant("u", "b", 13), grant("u", "c", 1)]
    before, broken, after = await ask(rig.host, *asks)
    assert (body(before)["version"], body(after)["version"]) == (1, 2)
    assert (broken.code, "request_id" in broken.detail) == ("internal", True)
    (again,) = await ask(rig.host, grant("u", "b", 12))
    assert body(again)["version"] == 3
    assert rig.host.activations.awake["u"].mailbox.depth == 0


async def test_a_refusal_says_nothing_of_the_bug(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object) -> Reply:
        raise ValueError("secret")

    monkeypatch.setattr(dispatcher, "looks_further", fail)
    rig = Rig()
    (reply,) = await ask(rig.host, look("u"))
    assert (reply.code, "secret" in reply.detail) == ("internal", False)
