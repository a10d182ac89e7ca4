"""What a fold does with a record: puts it, knows that it is held, or says that it is lost."""

import pytest

from persistence.codec.snapshots import decode_snapshot
from persistence.errors import Corrupt
from persistence.journal import recovery
from persistence.journal.recovery import fold
from persistence.maintenance.verification import verify
from persistence.memory import MemoryStore, World
from tests.persistence.journal import recovery_kit

# The snapshot's version and receipts, the records as `version command`, and the version after.
FOLDED = {
    "nothing is stored of the user": ((0, []), ["1 a", "2 b"], 2),
    "the snapshot is older": ((2, ["1 a", "2 b"]), ["3 c"], 3),
    "some are in the snapshot already": ((2, ["1 a", "2 b"]), ["1 a", "2 b", "3 c"], 3),
    "all are in the snapshot already": ((3, ["1 a", "2 b", "3 c"]), ["2 b", "3 c"], 3),
    "their receipts have left the window": ((9, ["8 h", "9 i"]), ["1 a", "2 b"], 9),
    "the snapshot has no receipts": ((9, []), ["9 x"], 9),
    "the command ran again after it left the window": ((9, ["8 h", "9 a"]), ["8 h", "9 a"], 9),
}
LOST = {
    "the first of a user who was taken for new": ((11, ["1 a", "11 k"]), ["1 z"]),
    "another command's, at the newest version": ((3, ["1 a", "2 b", "3 c"]), ["3 z"]),
    "another command's, beside one that is held": ((3, ["1 a", "2 b", "3 c"]), ["2 b", "3 z"]),
}
MISPLACED = {
    "a version is missing": ((2, ["1 a", "2 b"]), ["4 d"]),
    "two commands have one version": ((2, ["1 a", "2 b"]), ["3 c", "3 d"]),
}


async def folded(stored: tuple[int, list[str]], records: list[str]) -> World:
    world = await recovery_kit.journalled(stored, records)
    store = MemoryStore(world)
    await fold(store, await store.streams(), 100)
    return world


@pytest.mark.parametrize(("stored", "records", "after"), FOLDED.values(), ids=FOLDED)
async def test_a_record_is_put_or_known_to_be_held(
    stored: tuple[int, list[str]], records: list[str], after: int
) -> None:
    world = await folded(stored, records)
    read = decode_snapshot(world.snapshots["u"].payload, "here")
    assert read.state.version == after
    assert world.journals == {}


@pytest.mark.parametrize(("stored", "records"), LOST.values(), ids=LOST)
async def test_a_record_that_a_snapshot_has_passed_unknowing_is_said_to_be_lost(
    stored: tuple[int, list[str]], records: list[str]
) -> None:
    await recovery_kit.a_lost_record_is_named(stored, records)


@pytest.mark.parametrize(
    ("stored", "records"),
    [((2, ["1 a", "2 b"]), ["3 c other"]), ((0, []), ["1 a", "2 b other"])],
    ids=["than the snapshot", "than the record before"],
)
async def test_a_record_of_another_era_is_damage(
    stored: tuple[int, list[str]], records: list[str]
) -> None:
    """P10: versions of two eras do not count on from each other."""
    with pytest.raises(Corrupt, match="in era other, expected e"):
        await folded(stored, records)


@pytest.mark.parametrize(("stored", "records"), MISPLACED.values(), ids=MISPLACED)
async def test_a_record_that_cannot_be_placed_is_damage(
    stored: tuple[int, list[str]], records: list[str]
) -> None:
    with pytest.raises(Corrupt, match="expected version"):
        await folded(stored, records)


@pytest.mark.parametrize(("stored", "records"), LOST.values(), ids=LOST)
async def test_verification_names_a_lost_record_too(
    stored: tuple[int, list[str]], records: list[str]
) -> None:
    world = await recovery_kit.journalled(stored, records)
    damages = (await verify(MemoryStore(world))).damages
    assert any("without knowing that command" in damage.found for damage in damages)


async def test_a_fold_that_passes_lost_records_over_is_caught(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The mutant that lost a grant behind a proxy's 404."""
    monkeypatch.setattr(recovery, "lost_from", lambda snapshot: lambda version, command_id: False)
    for stored, records in LOST.values():
        with pytest.raises((AssertionError, pytest.fail.Exception)):
            await recovery_kit.a_lost_record_is_named(stored, records)
