"""Receipts: the window, and which commands count as the same."""

import msgspec
import pytest

from domain.state.receipts import Receipt, Receipts, canonical, fingerprint


def mark(command: object) -> bytes:
    return fingerprint(canonical(command))


def receipt(name: str, version: int = 1) -> Receipt:
    return Receipt(name, mark({"command_id": name}), version, b"reply to " + name.encode())


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


COMMAND = {"command_id": "x", "type": "offer_quest", "reward": {"items": {"a": 1, "b": 2}}}


def test_the_order_of_fields_does_not_matter() -> None:
    turned = {"reward": {"items": {"b": 2, "a": 1}}, "type": "offer_quest", "command_id": "x"}
    assert mark(turned) == mark(COMMAND)
    assert len(mark(COMMAND)) == 16


@pytest.mark.parametrize(
    "other",
    [
        {**COMMAND, "command_id": "y"},
        {**COMMAND, "type": "start_battle"},
        {**COMMAND, "reward": {"items": {"a": 2, "b": 1}}},
        {**COMMAND, "reward": {"items": {"a": 1}}},
        {**COMMAND, "reward": {"currency": {"a": 1, "b": 2}}},
        {**COMMAND, "chapter_id": None},
        {**COMMAND, "reward": {"items": {"a": True, "b": 2}}},
        {**COMMAND, "reward": {"items": {"a": "1", "b": 2}}},
    ],
)
def test_any_other_content_has_another_fingerprint(other: dict[str, object]) -> None:
    assert mark(other) != mark(COMMAND)


def test_the_order_of_a_list_is_content() -> None:
    assert mark({"objectives": [1, 2]}) != mark({"objectives": [2, 1]})


def test_a_fingerprint_is_the_same_in_every_process() -> None:
    assert mark({"command_id": "x", "amount": 5}).hex() == "1379cfc7b478f03d73af5c325fe22d33"
