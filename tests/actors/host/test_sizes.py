"""A user's size is that user's own: replies, records and snapshots are as large as what changed."""

import pytest

from actors.messages import Ask, View
from domain.decide.limits import Limits
from domain.messages.rejections import Code
from persistence.codec.snapshots import encode_snapshot
from tests.actors.host_kit import Rig, ask, body, command, look
from tests.domain.script_kit import VERBS

STACKS = 20_000
IN_ONE = 100


def offer(number: int, items: dict[str, int]) -> Ask:
    return command("u", f"o{number}", "offer_quest", quest_id=f"q{number}", reward={"items": items})


def turn_in(number: int) -> Ask:
    return command("u", f"t{number}", "turn_in_quest", quest_id=f"q{number}")


async def collector(stacks: int) -> Rig:
    """A user who holds so many stacks, with names as long as uuids make them."""
    rig = Rig(mailbox_depth_max=1_000)
    for number in range(stacks // IN_ONE):
        items = {f"item-instance:{number:04}-{place:04}-{'x' * 20}": 1 for place in range(IN_ONE)}
        for reply in await ask(rig.host, offer(number, items), turn_in(number)):
            body(reply)
    return rig


async def test_a_reply_carries_the_stacks_that_changed_and_not_those_that_are_held() -> None:
    rig = await collector(2_000)
    await ask(rig.host, offer(999, {"coin-pouch": 2}))
    (reply,) = await ask(rig.host, turn_in(999))
    assert body(reply)["changes"]["inventory"] == {"coin-pouch": 2}
    assert len(reply.body) < 1_500
    (everything,) = await ask(rig.host, look("u", View.USER))
    assert len(body(everything)["inventory"]) == 2_001


async def test_a_turn_in_takes_at_most_450_bytes_of_journal() -> None:
    rig = Rig()
    plan = VERBS["plan"][2] | {"chapter_id": "chapter-1"}
    reward = {"experience": 120}
    quest = {"quest_id": "quest-000012", "chapter_id": "chapter-1", "reward": reward}
    await ask(
        rig.host,
        command("user-0017", "plan", "upsert_chapter_progression", **plan),
        command("user-0017", "offer", "offer_quest", **quest),
    )
    before = journalled(rig)
    (reply,) = await ask(
        rig.host, command("user-0017", "turn-000012", "turn_in_quest", quest_id="quest-000012")
    )
    assert body(reply)["version"] == 3
    assert journalled(rig) - before <= 450


async def test_a_stack_that_is_gone_is_told_as_0_and_is_not_held_any_more() -> None:
    rig = Rig()
    await ask(
        rig.host, offer(1, {"sword": 2, "bow": 1}), turn_in(1), offer(2, {"bow": 1}), turn_in(2)
    )
    (reply,) = await ask(rig.host, command("u", "u1", "undo_grant", undo_command_id="t1"))
    assert body(reply)["changes"]["inventory"] == {"sword": 0, "bow": 1}
    await rig.host.drain()
    (everything,) = await ask(rig.another(), look("u", View.USER))
    assert body(everything)["inventory"] == {"bow": 1}


async def test_400_commands_that_change_one_stack_each_take_less_than_1_mb_of_journal() -> None:
    rig = await collector(4_000)
    await ask(rig.host, *(offer(n, {"coin-pouch": 1}) for n in range(1_000, 1_400)))
    before = journalled(rig)
    for reply in await ask(rig.host, *(turn_in(number) for number in range(1_000, 1_400))):
        body(reply)
    assert journalled(rig) - before < 1_000_000


async def test_a_snapshot_with_all_its_receipts_is_less_than_twice_the_state() -> None:
    rig = await collector(STACKS)
    await ask(rig.host, *(offer(n, {"coin-pouch": 1}) for n in range(1_000, 1_064)))
    await ask(rig.host, *(turn_in(number) for number in range(1_000, 1_064)))
    actor = rig.host.activations.awake["u"].actor
    assert actor is not None
    assert len(actor.receipts) == 128
    assert len(b"".join(actor.snapshot())) <= 2 * len(encode_snapshot(actor.durable, []))
    await rig.host.drain()
    (everything,) = await ask(rig.another(), look("u", View.USER))
    assert len(body(everything)["inventory"]) == STACKS + 1


@pytest.mark.parametrize("kind", ["items", "open_quests"])
async def test_more_than_a_user_may_own_is_refused_and_changes_nothing(kind: str) -> None:
    rig = Rig(limits=Limits(**{f"{kind}_max": 2}))
    *_, refused = await ask(
        rig.host,
        offer(1, {"sword": 1, "bow": 1}),
        turn_in(1) if kind == "items" else offer(5, {}),
        offer(2, {"axe": 1}),
        *([turn_in(2)] if kind == "items" else []),
    )
    assert (refused.code, f"{kind}_max" in refused.detail) == (Code.LIMIT_REACHED, True)
    version = 3 if kind == "items" else 2
    (user,) = await ask(rig.host, look("u", View.USER))
    assert body(user)["version"] == version


async def test_what_one_signal_may_move_is_bounded_by_a_setting() -> None:
    rig = Rig(limits=Limits(open_objectives_max=50))
    wolves = [{"kind": "defeat", "target": "wolf", "required": 9}]
    others = [{"kind": "defeat", "target": f"bear-{n}", "required": 9} for n in range(9)]
    quest = {"objectives": wolves + others, "reward": {"experience": 1}}
    offers = [command("u", f"o{n}", "offer_quest", quest_id=f"q{n}", **quest) for n in range(6)]
    *taken, refused = await ask(rig.host, *offers)
    assert [body(reply)["version"] for reply in taken] == [1, 2, 3, 4, 5]
    assert refused.code == Code.LIMIT_REACHED
    assert refused.detail == (
        "open_objectives would be 60 with this command, expected at most 50, which is the setting "
        "open_objectives_max"
    )
    signal = {"kind": "defeat", "target": "wolf", "count": 1}
    (moved,) = await ask(rig.host, command("u", "s", "record_signal", **signal))
    assert len(body(moved)["changes"]["quest_record"]) == 5
    assert len(moved.body) < 50 * 200
    await ask(rig.host, command("u", "a", "abandon_quest", quest_id="q0"))
    (again,) = await ask(rig.host, offers[-1])
    assert body(again)["version"] == 8


async def test_a_large_user_is_not_packed() -> None:
    rig = await collector(2_000)
    activation = rig.host.activations.awake["u"]
    assert not rig.host.activations.pack(activation)
    assert activation.actor is not None
    assert not activation.actor.durable.history._blocks


def journalled(rig: Rig) -> int:
    """Bytes of all batches that stand in journals."""
    return sum(
        len(batch.payload) for journal in rig.world.journals.values() for batch in journal.batches
    )
