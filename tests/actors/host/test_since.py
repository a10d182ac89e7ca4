"""Commands that name `since` take effect at most once, however late they are repeated (P4)."""

import pytest

from actors.feeds.changes import WholeState, missed_of
from actors.messages import Ask, Media, ReadChanges
from tests.actors.host_kit import Rig, ask, body, command, grant, total_xp

WINDOW = 4


def offer(command_id: str, quest_id: str, **fields: object) -> Ask:
    """A command that leaves no entry in the history, so that only its receipt tells of it."""
    reward = {"experience": 5}
    return command("u", command_id, "offer_quest", quest_id=quest_id, reward=reward, **fields)


async def filled(rig: Rig, number: int) -> None:
    for reply in await ask(rig.host, *(offer(f"f{n}", f"q{n}") for n in range(number))):
        body(reply)


async def test_a_late_repetition_is_refused_once_its_receipt_is_gone() -> None:
    rig = Rig(receipt_window=WINDOW)
    first = offer("k", "q", since="e.0")
    (reply,) = await ask(rig.host, first)
    assert body(reply)["version"] == 1
    await filled(rig, WINDOW - 1)
    (again,) = await ask(rig.host, first)
    assert body(again)["replayed"] is True
    await ask(rig.host, offer("one-more", "q-more"))
    (late,) = await ask(rig.host, first)
    assert (late.code, late.retry_after_ms) == ("receipt_gone", None)
    await rig.host.drain()
    (after,) = await ask(rig.another(), first)
    assert after.code == "receipt_gone"


async def test_a_command_that_was_never_received_runs_while_receipts_reach_back() -> None:
    rig = Rig(receipt_window=WINDOW)
    await filled(rig, 9)
    (reached,) = await ask(rig.host, grant_since("runs", "e.5"))
    (beyond,) = await ask(rig.host, grant_since("gone", "e.5"))  # one receipt less by now
    assert (body(reached)["version"], beyond.code) == (10, "receipt_gone")
    assert await total_xp(rig.host, "u") == 7


@pytest.mark.parametrize("since", ["x.9", "e.10", "e.0"])
async def test_what_cannot_be_known_is_refused_and_nothing_happens(since: str) -> None:
    rig = Rig(receipt_window=WINDOW)
    await filled(rig, 9)
    (reply,) = await ask(rig.host, grant_since("k", since))
    assert (reply.code, since in reply.detail) == ("receipt_gone", True)
    assert await total_xp(rig.host, "u") == 0


async def test_the_same_command_is_replayed_whatever_since_its_repetition_names() -> None:
    rig = Rig(receipt_window=WINDOW)
    await ask(rig.host, grant("u", "k", 7))
    (reply,) = await ask(rig.host, grant_since("k", "other.99"))
    assert body(reply)["replayed"] is True


async def test_a_refusal_leaves_no_receipt_so_that_asking_again_asks_anew() -> None:
    rig = Rig(receipt_window=WINDOW)
    turn_in = command("u", "t", "turn_in_quest", quest_id="q", since="e.0")
    nothing = command("u", "n", "record_signal", kind="defeat", target="wolf", count=1)
    early, unmoved = await ask(rig.host, turn_in, nothing)
    assert (early.code, body(unmoved)["version"]) == ("quest_not_found", 0)
    offered, later = await ask(rig.host, offer("o", "q"), turn_in)
    assert (body(offered)["version"], body(later)["version"]) == (1, 2)


def grant_since(command_id: str, since: str) -> Ask:
    return command("u", command_id, "grant_player_progression_experience", amount=7, since=since)


async def test_whoever_reads_a_store_before_its_first_change_is_told_its_era() -> None:
    """Their first command names it, and would be refused without."""
    rig = Rig()
    rig.world.snapshots.clear()
    (read,) = await ask(rig.host, ReadChanges("u", None, Media.JSON))
    seen = missed_of("u", read)
    assert isinstance(seen, WholeState)
    assert (seen.position.era != "", seen.position.version) == (True, 0)
    since = f"{seen.position.era}.0"
    (reply,) = await ask(rig.host, command("u", "k", "acknowledge_level_ups", since=since))
    assert reply.code == ""
    (changed,) = await ask(rig.host, grant_since("c", since))
    assert body(changed)["version"] == 1
