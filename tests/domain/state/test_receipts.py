"""Receipts: the window, and what is known beyond it."""

from collections.abc import Iterator

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.state.receipts import Receipt, Receipts
from tests.domain import script_kit
from tests.domain.decide import promises_kit as promises


def receipt(name: str, version: int = 1) -> Receipt:
    return Receipt(name, b"fingerprint", version, b"reply to " + name.encode())


def kept(receipts: Receipts) -> list[str]:
    return [one.command_id for one in receipts]


def test_a_receipt_is_found_by_its_command_id() -> None:
    receipts = Receipts(3, [receipt("a"), receipt("b")])
    assert receipts.find("a") == receipt("a")
    assert receipts.find("c") is None


@pytest.mark.parametrize(
    ("window", "left"),
    [(0, []), (1, ["e"]), (3, ["c", "d", "e"]), (5, list("abcde")), (9, list("abcde"))],
)
def test_the_newest_are_kept_and_the_oldest_go(window: int, left: list[str]) -> None:
    receipts = Receipts(window)
    for name in "abcde":
        receipts.add(receipt(name))
        receipts.confirm()
        assert len(receipts) <= window
    assert kept(receipts) == left
    assert [name for name in "abcde" if receipts.find(name)] == left


def test_nothing_leaves_the_window_for_turns_that_are_only_on_their_way() -> None:
    receipts = Receipts(2, [receipt("a"), receipt("b")])
    for name in "cde":
        receipts.add(receipt(name))
    assert kept(receipts) == list("abcde")
    receipts.confirm()
    assert kept(receipts) == list("bcde")
    for _ in "de":
        receipts.confirm()
    assert kept(receipts) == ["d", "e"]


def test_a_smaller_window_keeps_the_newest_of_what_was_stored() -> None:
    stored = list(Receipts(5, map(receipt, "abcde")))
    assert kept(Receipts(2, stored)) == ["d", "e"]


def test_stored_receipts_come_back_as_they_were() -> None:
    stored = list(Receipts(5, [receipt("b", 1), receipt("a", 2)]))
    back = msgspec.msgpack.decode(msgspec.msgpack.encode(stored), type=list[Receipt])
    assert list(Receipts(5, back)) == stored


def test_the_oldest_version_is_the_oldest_receipt_s() -> None:
    assert Receipts(9).oldest_version(4) == 5
    receipts = Receipts(2, [receipt("a", 3), receipt("b", 4)])
    receipts.add(receipt("c", 5))
    assert receipts.oldest_version(5) == 3
    receipts.confirm()
    assert receipts.oldest_version(5) == 4


def test_ids_that_the_history_names_are_known_without_a_receipt() -> None:
    state = script_kit.given("grant 1 id=a; grant 2 id=b; grant 3 id=c")
    receipts = Receipts(1)
    receipts.remember_history(state.history[:2])
    receipts.add(receipt("c"), state.history[2:])
    receipts.add(receipt("d"))
    for _ in "cd":
        receipts.confirm()
    assert kept(receipts) == ["d"]
    assert [name for name in "abcd" if receipts.in_history(name)] == ["a", "b", "c"]
    receipts.remember_history(state.history[1:])
    assert [name for name in "abcd" if receipts.in_history(name)] == ["b", "c"]


def test_packed_receipts_are_found_until_they_leave_the_window() -> None:
    promises.packed_receipts_are_found_until_they_leave_the_window()


STEPS = st.lists(st.sampled_from(["add", "grant", "confirm", "pack", "page"]), max_size=120)


@given(st.integers(0, 12), STEPS)
def test_packing_changes_nothing_that_is_known(window: int, steps: list[str]) -> None:
    plain, packing = Receipts(window), Receipts(window)
    names: list[str] = []
    waiting = 0
    for step in steps:
        if step in ("add", "grant"):
            names.append(f"c{len(names)}")
            entries = script_kit.given(f"grant 1 id={names[-1]}").history if step == "grant" else ()
            for receipts in (plain, packing):
                receipts.add(receipt(names[-1], len(names)), tuple(entries))
            waiting += 1
        elif step == "confirm" and waiting:
            plain.confirm()
            packing.confirm()
            waiting -= 1
        elif step == "page":
            plain.remember_history(())
            packing.remember_history(())
        elif step == "pack":
            packing.pack()
        assert list(packing) == list(plain)
        assert len(packing) == len(plain)
        assert packing.oldest_version(99) == plain.oldest_version(99)
    for name in [*names, "unknown"]:
        assert packing.find(name) == plain.find(name)
        assert packing.in_history(name) == plain.in_history(name)


@pytest.fixture(autouse=True, scope="module")
def small_blocks() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("domain.state.receipts.BLOCK_ITEMS", 3)
        yield
