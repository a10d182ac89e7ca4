"""Formats: older ones are brought up at reading, newer ones refused, unknown fields kept (P9).

Not for: which bytes are read for ever (`tests.golden`).
"""

from typing import Any

import msgspec
import pytest

from persistence.codec import formats, raw_snapshots, records
from persistence.codec.raw_snapshots import pack_snapshot, unpack_snapshot
from persistence.codec.records import Record, decode_record, encode_record
from persistence.errors import Corrupt, NewerFormat
from persistence.maintenance.export_format import user_in
from persistence.maintenance.overwrite import Outcome
from persistence.memory import MemoryStore, World
from persistence.store import Stored
from tests.actors.host_kit import ask, grant
from tests.persistence.maintenance.tool_kit import a_host, exported, imported, lines, play


@pytest.fixture
def two_formats_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Questkeep of format 3: 2 renamed the wallet to purse, 3 counts affinities in thousandths;
    records got a field in front of the reply in 2, and a longer reply in 3."""

    def purse(snapshot: dict[str, Any]) -> dict[str, Any]:
        rows = dict(snapshot["rows"])
        rows["purse"] = rows.pop("wallet")
        return {**snapshot, "format": 2, "rows": rows}

    def thousandths(snapshot: dict[str, Any]) -> dict[str, Any]:
        affinity = {name: 1000 * held for name, held in snapshot["rows"]["affinity"].items()}
        return {**snapshot, "format": 3, "rows": {**snapshot["rows"], "affinity": affinity}}

    def longer(record: list[Any]) -> list[Any]:
        return [3, *record[1:-1], record[-1] + b"!"]

    for module in (formats, raw_snapshots):
        monkeypatch.setattr(module, "FORMAT", 3)
    monkeypatch.setattr(raw_snapshots, "SNAPSHOT_UPCASTERS", {1: purse, 2: thousandths})
    monkeypatch.setattr(records, "RECORD_UPCASTERS", {1: lambda r: [2, *r[1:]], 2: longer})


OLD = {
    "format": 1,
    "user_id": "u",
    "version": 4,
    "rows": {"wallet": {"gold": 2}, "affinity": {"mei": 3}, "history": []},
    "receipts": [],
}
NEW = {
    **OLD,
    "format": 3,
    "rows": {"affinity": {"mei": 3000}, "history": [], "purse": {"gold": 2}},
}


@pytest.mark.usefixtures("two_formats_later")
def test_an_old_snapshot_is_brought_up_step_by_step() -> None:
    assert unpack_snapshot(pack_snapshot(OLD), "here") == NEW
    half_way = {**OLD, "format": 2, "rows": {**NEW["rows"], "affinity": {"mei": 3}}}
    assert unpack_snapshot(pack_snapshot(half_way), "here") == NEW
    assert unpack_snapshot(pack_snapshot(NEW), "here") == NEW


@pytest.mark.usefixtures("two_formats_later")
def test_an_old_line_of_an_export_is_brought_up_too() -> None:
    line = msgspec.json.encode({"questkeep_export": 1, **OLD})
    assert user_in(line, "here").snapshot == NEW


@pytest.mark.usefixtures("two_formats_later")
def test_an_old_record_is_brought_up_step_by_step() -> None:
    record = Record(1, "u", "e", 4, "c", b"f" * 16, "r", b"reply")
    assert decode_record(encode_record(record), "here") == msgspec.structs.replace(
        record, format=3, reply=b"reply!"
    )


@pytest.mark.parametrize("found", [2, 99])
def test_a_newer_record_or_snapshot_is_refused_by_name(found: int) -> None:
    said = f"here has format {found}; this Questkeep reads formats up to 1"
    with pytest.raises(NewerFormat, match=said):
        decode_record(msgspec.msgpack.encode([found, "whatever it became"]), "here")
    with pytest.raises(NewerFormat, match=said):
        unpack_snapshot(pack_snapshot({"format": found, "whatever": "it became"}), "here")


@pytest.mark.parametrize("found", [0, -1, "1", None, 1.0])
def test_a_format_that_is_none_is_damage(found: object) -> None:
    with pytest.raises(Corrupt, match="expected a number from 1"):
        unpack_snapshot(pack_snapshot({"format": found}), "here")


async def test_fields_of_a_newer_version_go_along_through_export_import_and_replacement() -> None:
    world, there = World(), World()
    host = a_host(MemoryStore(world))
    await play(host, "u", 0, 2)
    await host.drain()
    newer = unpack_snapshot(world.snapshots["u"].payload, "here")
    newer["rows"]["player_progression"]["prestige"] = 3
    newer["rows"]["pets"] = [{"name": "cat", "mark": b"\x00\xff"}]
    newer["mood"] = "glad"
    world.snapshots["u"] = Stored(2, pack_snapshot(newer))
    told = await lines(MemoryStore(world))
    await imported(MemoryStore(there), told)
    moved = unpack_snapshot(there.snapshots["u"].payload, "there")
    assert {**moved, "era": newer["era"]} == newer
    served = a_host(MemoryStore(there))
    await ask(served, grant("u", "c2"))
    await served.drain()
    assert await imported(MemoryStore(there), told, replace=True) == {"u": Outcome.REPLACED}
    kept = (await exported(MemoryStore(there)))["u"]
    assert kept["version"] == 4
    assert kept["mood"] == "glad"
    assert kept["rows"]["player_progression"]["prestige"] == 3
    assert kept["rows"]["pets"] == [{"name": "cat", "mark": {"$base64": "AP8="}}]
