"""Fingerprints: which commands count as the same, however they are spelled."""

from typing import Any

import msgpack
import pytest
from hypothesis import given

from domain.messages.commands import canonical, decode_command, fingerprint, read_canonical
from questkeep_testing.strategies.commands import command_fields

OFFER: dict[str, Any] = {
    "command_id": "x",
    "type": "offer_quest",
    "quest_id": "q",
    "objectives": [
        {"kind": "defeat", "target": "wolf", "required": 3},
        {"kind": "find", "target": "den", "required": 1},
    ],
    "reward": {"items": {"a": 1, "b": 2}},
}
TURNED = {name: OFFER[name] for name in reversed(OFFER)}
SPELLED_OUT = {
    **OFFER,
    "chapter_id": None,
    "since": None,
    "reward": {
        "experience": None,
        "items": {"b": 2, "a": 1},
        "currency": {},
        "affinity": {},
        "loot": {},
    },
}


def mark(fields: dict[str, Any]) -> bytes:
    return fingerprint(canonical(decode_command(fields)))


@pytest.mark.parametrize(
    "same",
    [
        TURNED,
        SPELLED_OUT,
        {**OFFER, "since": "0a1b.7"},
        msgpack.unpackb(msgpack.packb(TURNED)),
        {**OFFER, "objectives": tuple(OFFER["objectives"])},
    ],
    ids=["another order", "defaults spelled out", "sent since", "msgpack", "a tuple"],
)
def test_the_same_command_in_another_spelling_is_the_same(same: dict[str, Any]) -> None:
    assert mark(same) == mark(OFFER)
    assert len(mark(OFFER)) == 16


@pytest.mark.parametrize(
    "other",
    [
        {**OFFER, "command_id": "y"},
        {**OFFER, "quest_id": "r"},
        {**OFFER, "chapter_id": "c"},
        {**OFFER, "reward": {"items": {"a": 2, "b": 1}}},
        {**OFFER, "reward": {"items": {"a": 1}}},
        {**OFFER, "reward": {"currency": {"a": 1, "b": 2}}},
        {**OFFER, "objectives": OFFER["objectives"][::-1]},
    ],
)
def test_any_other_content_has_another_fingerprint(other: dict[str, Any]) -> None:
    assert mark(other) != mark(OFFER)


def test_the_type_is_content() -> None:
    fields = {"command_id": "x", "quest_id": "q"}
    marks = {mark({**fields, "type": kind}) for kind in ("turn_in_quest", "abandon_quest")}
    assert len(marks) == 2


def test_a_fingerprint_is_the_same_in_every_process() -> None:
    fields = {"command_id": "x", "type": "turn_in_quest", "quest_id": "q"}
    assert mark(fields).hex() == "aef54c69aee0cdb20ce1465b87ea8d91"


@given(command_fields())
def test_what_is_read_from_canonical_content_is_the_command(fields: dict[str, Any]) -> None:
    command = decode_command(fields)
    assert read_canonical(command.type, canonical(command)) == command
