"""A user's history: nothing of it is ever lost, little of it stays in memory."""

from typing import Any

from actors.host.host import Host
from actors.host.settings import HostSettings
from actors.messages import Media, Read, View
from actors.user.actor import Turn, UserActor
from actors.user.rules import RulesInForce
from domain.state.history import HISTORY_PAGE, HISTORY_TAIL
from domain.state.receipts import Receipts
from domain.state.user_state import UserState
from persistence.memory import Faults
from tests.actors.host_kit import RULES_TEXT, Rig, ask, body, grant, total_xp

GRANTS = 900


async def history_of(host: Host, after: int = 0, limit: int = 0) -> dict[str, Any]:
    (reply,) = await host.ask([Read("u", View.HISTORY, "", Media.JSON, after, limit)])
    return body(reply)


async def whole_history(host: Host) -> list[dict[str, Any]]:
    """Page by page, as a client reads it."""
    found: list[dict[str, Any]] = []
    after = 0
    while True:
        page = await history_of(host, after, 37)
        found += page["history"]
        if "next_after" not in page:
            return found
        after = page["next_after"]


async def grow(host: Host, settings: HostSettings | None = None) -> None:
    for start in range(0, GRANTS, 100):
        await ask(host, *(grant("u", f"c{n}", n + 1) for n in range(start, start + 100)))


async def test_every_grant_is_told_in_order_however_old() -> None:
    rig = Rig()
    await grow(rig.host)
    entries = await whole_history(rig.host)
    assert [entry["sequence"] for entry in entries] == list(range(1, GRANTS + 1))
    assert [entry["amount"] for entry in entries] == list(range(1, GRANTS + 1))
    assert await total_xp(rig.host, "u") == sum(range(GRANTS + 1))


async def test_only_the_newest_entries_stay_in_memory() -> None:
    rig = Rig()
    await grow(rig.host)
    actor = rig.host.activations.awake["u"].actor
    assert actor is not None
    assert len(actor.durable.history) < HISTORY_TAIL + HISTORY_PAGE
    assert len(actor.working.history) < HISTORY_TAIL + HISTORY_PAGE


def test_a_turn_that_was_decided_and_never_taken_leaves_no_entry() -> None:
    actor = UserActor(UserState("u"), Receipts(9), RulesInForce(RULES_TEXT))

    def decided(command_id: str) -> Turn:
        turn = actor.decide(grant("u", command_id), 1)
        assert isinstance(turn, Turn)
        return turn

    actor.take(decided("taken"))
    abandoned = decided("abandoned")
    actor.take(decided("after"))
    assert [one.command_id for one in actor.working.history] == ["taken", "after"]
    assert [one.command_id for one in abandoned.state.history] == ["taken", "abandoned"]


async def test_the_history_survives_a_crash_and_a_passivation() -> None:
    rig = Rig()
    await grow(rig.host)
    after_crash = rig.another()
    assert len(await whole_history(after_crash)) == GRANTS
    await ask(after_crash, grant("u", "more"))
    await after_crash.drain()
    entries = await whole_history(rig.another())
    assert [entry["sequence"] for entry in entries] == list(range(1, GRANTS + 2))


async def test_a_page_that_could_not_be_stored_stays_in_memory_until_it_can() -> None:
    rig = Rig()
    rig.faults.snapshot_writes = 2
    await grow(rig.host)
    assert [entry["sequence"] for entry in await whole_history(rig.host)] == list(
        range(1, GRANTS + 1)
    )


async def test_a_history_whose_pages_cannot_be_read_is_refused_not_shortened() -> None:
    rig = Rig()
    await grow(rig.host)
    await rig.host.drain()
    faults = Faults()
    reader = rig.another(faults=faults)
    await history_of(reader, after=GRANTS)
    faults.reads = 1
    (reply,) = await reader.ask([Read("u", View.HISTORY, "", Media.JSON, 0, 10)])
    assert reply.code == "user_unavailable"
    assert len((await history_of(reader, 0, 10))["history"]) == 10
