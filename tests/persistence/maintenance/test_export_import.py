"""Export and import: everything goes along, nothing newer is lost, every byte comes back."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from actors.messages import View
from domain.messages.decision import NO_CHANGE
from domain.state.receipts import Receipt
from domain.state.user_state import UserState
from persistence.codec.records import encode_decision
from persistence.codec.snapshots import Snapshot, encode_snapshot
from persistence.errors import Corrupt, NewerFormat, StoreInUse
from persistence.maintenance.export_format import line_of, user_in
from persistence.maintenance.export_import import export, import_lines
from persistence.maintenance.overwrite import Outcome
from persistence.maintenance.user_history import CompleteUser
from questkeep_testing.strategies.states import user_states
from tests.actors.host_kit import ask, body, grant, look, total_xp
from tests.persistence.conftest import Stores
from tests.persistence.maintenance.tool_kit import (
    OWNER,
    a_host,
    eras,
    exported,
    filled,
    history,
    imported,
    lines,
    play,
    rest,
    version,
    without_era,
)


async def test_an_export_holds_what_is_only_journalled_and_moves_to_another_store(
    stores: Stores,
) -> None:
    await filled(stores.here())
    told = await lines(stores.here())
    found = await exported(stores.here())
    assert {name: user["version"] for name, user in found.items()} == {
        "alice": 342,
        "bob": 3,
        "carol": 1,
    }
    assert set((await imported(stores.there(), told)).values()) == {Outcome.WRITTEN}
    after = await lines(stores.there())
    assert without_era(after) == without_era(told)
    assert eras(after).isdisjoint(eras(told))
    assert await history(stores.there(), "alice") == list(range(1, 343))
    assert await stores.there().streams() == []


async def test_a_moved_user_is_served_and_their_receipts_still_count(stores: Stores) -> None:
    await filled(stores.here())
    await imported(stores.there(), await lines(stores.here()))
    host = a_host(stores.there())
    (again,) = await ask(host, grant("alice", "c341"))
    assert body(again)["replayed"] is True
    await play(host, "alice", 342, 343)
    assert await total_xp(host, "alice") == 3430
    (page,) = await ask(host, look("alice", View.HISTORY))
    assert [one["sequence"] for one in body(page)["history"]][:3] == [1, 2, 3]


async def test_an_export_while_serving_changes_nothing(stores: Stores) -> None:
    host = await filled(stores.here())
    before = await stores.here().streams()
    await lines(stores.here())
    assert await stores.here().streams() == before
    await play(host, "alice", 342, 343)


async def test_some_users_can_be_exported_and_nobody_is_told_apart(stores: Stores) -> None:
    await filled(stores.here())
    found = [one async for one in export(stores.here(), ["carol", "nobody"])]
    assert [(one.user_id, one.line is None) for one in found] == [
        ("carol", False),
        ("nobody", True),
    ]


async def test_an_import_skips_what_stands_as_new_and_a_second_one_changes_nothing(
    stores: Stores,
) -> None:
    await filled(stores.here())
    old = await lines(stores.here())
    assert set((await imported(stores.here(), old)).values()) == {Outcome.SAME}
    host = a_host(stores.here(), "users:1")
    await play(host, "bob", 3, 5)
    await play(host, "dave", 0, 1)
    assert (await imported(stores.here(), old))["bob"] is Outcome.SKIPPED
    assert (await exported(stores.here()))["bob"]["version"] == 5


async def test_a_newer_state_is_imported_over_an_older_one(stores: Stores) -> None:
    host = a_host(stores.here())
    await play(host, "bob", 0, 2)
    await imported(stores.there(), await lines(stores.here()))
    await play(host, "bob", 2, 9)
    assert (await imported(stores.there(), await lines(stores.here())))["bob"] is Outcome.WRITTEN
    assert without_era(await lines(stores.there())) == without_era(await lines(stores.here()))


async def test_replacing_what_is_newer_makes_a_new_version_and_keeps_both_receipts(
    stores: Stores,
) -> None:
    host = a_host(stores.here())
    await play(host, "bob", 0, 3)
    old = await lines(stores.here())
    await play(host, "bob", 3, 6)
    await host.drain()
    assert (await imported(stores.here(), old, replace=True))["bob"] is Outcome.REPLACED
    assert (await imported(stores.here(), old, replace=True))["bob"] is Outcome.SAME
    assert await version(stores.here(), "bob") == 7
    after = a_host(stores.here(), "users:1")
    assert await total_xp(after, "bob") == 30
    for command_id in ("c2", "c5"):  # answered before and after the export
        (again,) = await ask(after, grant("bob", command_id))
        assert body(again)["replayed"] is True
    assert await total_xp(after, "bob") == 30
    (reply,) = await ask(after, grant("bob", "new"))
    assert body(reply)["version"] == 8


async def test_a_history_that_is_put_back_does_not_go_on_with_a_past_that_is_none(
    stores: Stores,
) -> None:
    host = a_host(stores.here())
    await play(host, "bob", 0, 330)
    await rest(host, "bob")
    old = await lines(stores.here())
    await play(host, "bob", 330, 670)
    await host.drain()
    assert len(await history(stores.here(), "bob")) == 670
    await imported(stores.here(), old, replace=True)
    after = a_host(stores.here(), "users:1")
    await play(after, "bob", 1000, 1340)
    await after.drain()
    entries = (await exported(stores.here()))["bob"]
    told = [one for page in entries["pages"] for one in page] + entries["rows"]["history"]
    assert [one["sequence"] for one in told] == list(range(1, 671))
    assert [one["command_id"] for one in told[330:]] == [f"c{n}" for n in range(1000, 1340)]


async def test_a_damaged_user_is_told_and_the_others_are_exported(stores: Stores) -> None:
    host = a_host(stores.here())
    await play(host, "alice", 0, 1)
    await play(host, "bob", 0, 1)
    await host.drain()
    await stores.here().write_snapshot("alice", 2, b"no msgpack at all")
    found = {one.user_id: one async for one in export(stores.here())}
    assert isinstance(found["alice"].damage, Corrupt)
    assert found["bob"].line is not None


async def test_a_store_in_use_is_not_imported_into(stores: Stores) -> None:
    """On disk by its lock; elsewhere whoever serves is shut out, and one who begins is noticed."""
    await filled(stores.here())
    told = await lines(stores.here())
    late = stores.there()

    async def interrupted() -> None:
        async for _ in import_lines(stores.there(), told, "f", owner=OWNER):
            await late.claim("users:7")

    with pytest.raises(StoreInUse, match="began to serve"):
        await interrupted()


BAD_LINES: dict[str, tuple[bytes, str]] = {
    "no JSON": (b'{"questkeep_export": 1', "f line 1 at byte 0: a line that is no JSON"),
    "not UTF-8": (b'{"\xff": 1}', "no JSON"),
    "a list": (b"[]", "without questkeep_export"),
    "nothing ours": (b"{}", "without questkeep_export"),
    "no fields": (b'{"questkeep_export": 1, "format": 1}', "wrong fields"),
    "no user": (
        b'{"questkeep_export": 1, "format": 1, "user_id": "../x", "version": 1, "rows": {},'
        b' "receipts": []}',
        "wrong fields",
    ),
    "bad base64": (
        b'{"questkeep_export": 1, "format": 1, "user_id": "x", "version": 1,'
        b' "rows": {"a": {"$base64": "?"}}, "receipts": []}',
        "wrong fields",
    ),
    "a page too few": (
        b'{"questkeep_export": 1, "format": 1, "user_id": "x", "version": 1,'
        b' "rows": {"history": [{"sequence": 257}]}, "receipts": []}',
        "wrong fields",
    ),
}


@pytest.mark.parametrize("name", BAD_LINES)
def test_a_line_that_is_no_user_is_named(name: str) -> None:
    line, said = BAD_LINES[name]
    with pytest.raises(Corrupt, match=said):
        user_in(line, "f line 1")


@pytest.mark.parametrize("field", ["questkeep_export", "format"])
def test_a_line_of_a_newer_format_is_refused_by_name(field: str) -> None:
    user = CompleteUser(Snapshot(UserState("x", 1, "e"), []), [])
    line = msgspec.json.encode({**msgspec.json.decode(line_of(user)), field: 2})
    with pytest.raises(NewerFormat, match="f line 1 has format 2"):
        user_in(line, "f line 1")


@given(user_states, st.lists(st.binary(min_size=16, max_size=16), max_size=3))
def test_every_byte_comes_back_from_a_line(state: UserState, fingerprints: list[bytes]) -> None:
    state = structs.replace(state, era="e", version=max(1, state.version))
    receipts = [
        Receipt(f"c{number}", fingerprint, 1, encode_decision(NO_CHANGE))
        for number, fingerprint in enumerate(fingerprints)
    ]
    line = line_of(CompleteUser(Snapshot(state, receipts), []))
    assert line.count(b"\n") == 1
    again = user_in(line, "there").snapshot
    assert encode_snapshot(again.state, again.receipts) == encode_snapshot(state, receipts)


async def test_every_decision_comes_back_from_a_line(stores: Stores) -> None:
    await filled(stores.here())
    for line in await lines(stores.here()):
        user = user_in(line, "here")
        assert line_of(user) == line
