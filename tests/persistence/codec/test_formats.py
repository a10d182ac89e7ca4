"""Formats: older ones are brought up at reading, newer ones refused by name (P9).

Not for: which bytes are read for ever (`tests.golden`).
"""

from typing import Any

import msgspec
import pytest

from domain.state.user_state import UserState
from persistence.codec import formats, history_pages, records, snapshots
from persistence.codec.history_pages import page_name, read_page
from persistence.codec.records import Record, decode_record, encode_record
from persistence.codec.snapshots import decode_snapshot, encode_snapshot
from persistence.errors import Corrupt, NewerFormat
from persistence.memory import MemoryStore, World
from persistence.store import Stored
from tests.domain.script_kit import given

_pack = msgspec.msgpack.Encoder().encode


@pytest.fixture
def two_formats_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Questkeep of format 3: 2 moved the wallet behind the affinities, 3 counts affinities in
    thousandths; records got a longer user id in 2, and a longer decision in 3."""

    def moved(fields: list[Any]) -> list[Any]:
        rows = list(fields[4])
        rows[5], rows[6] = rows[6], rows[5]
        return [2, *fields[1:4], rows, fields[5]]

    def thousandths(fields: list[Any]) -> list[Any]:
        rows = list(fields[4])
        rows[6] = {name: 1000 * held for name, held in rows[6].items()}
        return [3, *fields[1:4], rows, fields[5]]

    def longer(record: list[Any]) -> list[Any]:
        return [3, *record[1:-1], record[-1] + b"!"]

    monkeypatch.setattr(formats, "FORMAT", 3)
    monkeypatch.setattr(snapshots, "FORMAT", 3)
    monkeypatch.setattr(snapshots, "SNAPSHOT_UPCASTERS", {1: moved, 2: thousandths})
    monkeypatch.setattr(
        records, "RECORD_UPCASTERS", {1: lambda r: [2, r[1] + "2", *r[2:]], 2: longer}
    )


def old_snapshot(format_: int, wallet: dict[str, int], affinity: dict[str, int]) -> bytes:
    state = UserState("u", 4, "e")
    fields = msgspec.msgpack.decode(encode_snapshot(state, []))
    rows = fields[4]
    rows[5], rows[6] = wallet, affinity
    return _pack([format_, *fields[1:4], rows, fields[5]])


@pytest.mark.usefixtures("two_formats_later")
@pytest.mark.parametrize(
    ("format_", "wallet", "affinity"),
    [
        (1, {"mei": 3}, {"gold": 2}),
        (2, {"gold": 2}, {"mei": 3}),
        (3, {"gold": 2}, {"mei": 3000}),
    ],
)
def test_an_old_snapshot_is_brought_up_step_by_step(
    format_: int, wallet: dict[str, int], affinity: dict[str, int]
) -> None:
    state = decode_snapshot(old_snapshot(format_, wallet, affinity), "here").state
    assert (state.wallet, state.affinity) == ({"gold": 2}, {"mei": 3000})


@pytest.mark.usefixtures("two_formats_later")
def test_an_old_record_is_brought_up_step_by_step() -> None:
    record = Record(1, "u", "e", 4, "c", b"f" * 16, b"decision")
    assert decode_record(encode_record(record), "here") == msgspec.structs.replace(
        record, format=3, user_id="u2", decision=b"decision!"
    )


async def test_an_old_page_is_brought_up_and_a_newer_one_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world, entries = World(), given("grant 1; grant 2").history[:]
    store = MemoryStore(world)
    await history_pages.write_page(store, "u", entries)
    monkeypatch.setattr(formats, "FORMAT", 2)
    monkeypatch.setattr(history_pages, "PAGE_UPCASTERS", {1: lambda page: [2, *page[1:]]})
    assert await read_page(store, "u", 1) == list(entries)
    world.snapshots[page_name("u", 1)] = Stored(1, _pack([3, "whatever it became"]))
    with pytest.raises(NewerFormat, match="has format 3; this Questkeep reads formats up to 2"):
        await read_page(store, "u", 1)


@pytest.mark.parametrize("found", [2, 99])
def test_a_newer_record_or_snapshot_is_refused_by_name(found: int) -> None:
    said = f"here has format {found}; this Questkeep reads formats up to 1"
    with pytest.raises(NewerFormat, match=said):
        decode_record(msgspec.msgpack.encode([found, "whatever it became"]), "here")
    with pytest.raises(NewerFormat, match=said):
        decode_snapshot(_pack([found, "whatever it became"]), "here")


@pytest.mark.parametrize("found", [0, -1, "1", None, 1.0])
def test_a_format_that_is_none_is_damage(found: object) -> None:
    with pytest.raises(Corrupt, match="expected a number from 1"):
        decode_snapshot(_pack([found]), "here")
