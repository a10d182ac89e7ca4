"""Bodies decoded by one call: the same commands as those that are checked field by field."""

from dataclasses import fields
from typing import Any, get_args

import msgpack
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.messages import Ask, Media
from domain.messages.commands import COMMAND_TYPES, Command, UndoGrant
from gateway.api.commands import reading, typed_bodies
from gateway.api.commands.reading import read_commands
from gateway.api.commands.reply_form import ReplyForm
from gateway.api.commands.typed_bodies import read_typed_body
from gateway.api.media import write
from gateway.auth.authenticator import Caller, Role
from gateway.problems import Problem

Fields = dict[str, Any]

SERVICE = Caller("game", Role.SERVICE, 0.0)
PLAYER = Caller("alice", Role.PLAYER, 0.0)
CHECKED_ALONE = {"compile_chapters"}
"""Commands with a check that msgspec does not know."""

IDS = ["a", "q-1", "...", "x" * 128, "A.b_c:d@e-f"]
NO_IDS = ["", ".", "..", "x" * 129, "a b", "a\n", "é", "a/b", 5, None, True, b"a", ["a"], 1.0]
NUMBERS = [0, 1, 5, 100, 2**32 - 1, 2**53 - 1]
NO_NUMBERS = [-1, 2**53, 2**64 - 1, 1.0, 0.5, True, "1", None, b"1", [1]]
WORDS = ["quest", "fight", "elite", "steady", "attack", "service", "standard", "hunt", "brisk"]
SINCE = ["e.0", "abc.12"]
NO_SINCE = ["e.01", ".1", "e.1\n", "e", "", 1]

names = sorted({field.name for kind in get_args(Command) for field in fields(kind)} - {"type"})
ids = st.sampled_from(IDS)
numbers = st.sampled_from(NUMBERS)
amounts = st.dictionaries(ids, numbers, max_size=3)
parts = st.fixed_dictionaries(
    {},
    optional={
        "experience": numbers,
        "items": amounts,
        "currency": amounts,
        "affinity": amounts,
        "loot": amounts,
        "kind": ids,
        "target": ids,
        "required": numbers,
        "hostile_id": ids,
        "tier": st.sampled_from(WORDS),
        "level": numbers,
        "strength": numbers,
    },
)
anything = st.one_of(
    st.sampled_from([*IDS, *NUMBERS, *WORDS, *SINCE]),
    st.sampled_from([*NO_IDS, *NO_NUMBERS, *NO_SINCE]),
    amounts,
    parts,
    st.lists(parts, max_size=2),
)
wild = st.fixed_dictionaries(
    {"type": st.sampled_from([*COMMAND_TYPES, "other"])},
    optional={"user_id": anything, "more": anything, **dict.fromkeys(names, anything)},
)

EXAMPLES: dict[str, Fields] = {
    "turn_in_quest": {"quest_id": "q"},
    "abandon_quest": {"quest_id": "q", "since": "e.0"},
    "resolve_combat_action": {"battle_id": "b", "action": "attack"},
    "acknowledge_level_ups": {},
    "grant_player_progression_experience": {"amount": 5, "source": "quest"},
    "upsert_chapter_progression": {
        **{"chapter_id": "c", "chapter_index": 1, "total_chapters": 2, "pace_band": "steady"},
        **{"entry_pseudo_level_millis": 0, "exit_pseudo_level_millis": 9, "entry_level": 1},
        **{"exit_level": 2, "planned_total_xp": 1, "planned_quest_xp": 1, "planned_hostile_xp": 0},
        "expected_hostile_defeat_count": 0,
    },
    "apply_chapter_progression_ledger_entry": {
        **{"chapter_id": "c", "granted_quest_xp": 1, "granted_hostile_xp": 0},
        "hostile_defeat_increment": 0,
    },
    "record_signal": {"kind": "kill", "target": "wolf", "count": 3},
    "undo_grant": {"undo_command_id": "c"},
    "rebase_progression": {},
    "offer_quest": {
        "quest_id": "q",
        "chapter_id": "c",
        "objectives": [{"kind": "kill", "target": "wolf", "required": 3}],
        "reward": {"experience": 5, "items": {"b": 2, "a": 1}, "affinity": {"npc": -3}},
    },
    "start_battle": {
        "battle_id": "b",
        "mode": "fight",
        "hostile": {"hostile_id": "wolf", "tier": "elite"},
        "reward": {"currency": {"gold": 5}, "loot": {"chest": 1}},
    },
}


def commands_of(body: bytes, media: Media, user_id: str | None, caller: Caller) -> Any:
    """What comes of a body that is checked field by field; or why it is none."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "read_typed_body", lambda *_: None)
        work = read_commands(body, media, ReplyForm(media), caller, user_id)
        try:
            while True:
                work.send(None)
        except StopIteration as done:
            return done.value
        except Problem as problem:
            return problem


def bodies(value: Any) -> list[tuple[bytes, Media]]:
    written = [(msgpack.packb(value), Media.MSGPACK)]
    try:
        written.append((orjson.dumps(value), Media.JSON))
    except TypeError:
        pass  # JSON has no bytes, and no large numbers
    return written


def check(body: bytes, media: Media, user_id: str | None, caller: Caller = SERVICE) -> bool:
    """Fail if a typed body is anything but what the fields say; whether it was typed."""
    typed = read_typed_body(body, media, ReplyForm(media), caller, user_id)
    if typed is None:
        return False
    checked = commands_of(body, media, user_id, caller)
    assert not isinstance(checked, Problem)
    assert typed.asks == checked.entries
    assert typed.alone == checked.alone
    return True


@given(st.lists(wild, max_size=3), st.booleans())
def test_whatever_is_typed_is_what_its_fields_say(values: list[Fields], addressed: bool) -> None:
    for value in (values, *values):
        for body, media in bodies(value):
            for caller in (SERVICE, PLAYER):
                check(body, media, None if addressed else "alice", caller)


@pytest.mark.parametrize("name", sorted(COMMAND_TYPES))
@pytest.mark.parametrize("addressed", [False, True])
def test_a_command_is_typed(name: str, addressed: bool) -> None:
    if name in CHECKED_ALONE:
        assert name not in typed_bodies._NAMES.values()
        return
    command = {"command_id": "c", "type": name, **EXAMPLES[name]}
    value = [{**command, "user_id": "alice"}] if addressed else command
    for body, media in bodies(value):
        assert check(body, media, None if addressed else "alice")


@pytest.mark.parametrize("name", sorted(EXAMPLES))
@given(data=st.data())
def test_a_command_with_one_other_value_is_what_its_fields_say(
    name: str, data: st.DataObject
) -> None:
    command = {"command_id": "c", "type": name, **EXAMPLES[name]}
    changed = data.draw(st.sampled_from([*command, "since", "more"]))
    part = command.get(changed)
    if isinstance(part, dict) and data.draw(st.booleans()):
        command[changed] = {
            **part,
            data.draw(st.sampled_from([*part, "more"])): data.draw(anything),
        }
    else:
        command[changed] = data.draw(anything)
    for body, media in bodies(command):
        check(body, media, "alice")


SPELLINGS = [
    b'{"command_id":"c","type":"undo_grant","undo_command_id":"a","undo_command_id":"b"}',
    b'{"type":"turn_in_quest","command_id":"c","undo_command_id":"b","type":"undo_grant"}',
    b'{"comm\\u0061nd_id":"\\u0063","type":"undo_grant","undo_command_id":"b"}',
    b' \r\n\t{ "command_id" : "c" , "type":"undo_grant","undo_command_id":"b" } ',
    b'\xef\xbb\xbf{"command_id":"c","type":"undo_grant","undo_command_id":"b"}',
    b'{"command_id":"c","type":"undo_grant","undo_command_id":"b"}{}',
    b'{"command_id":"c","type":"undo_grant","undo_command_id":"b",}',
    b'{"command_id":"c","type":"undo_grant","undo_command_id":"\xff"}',
    b'{"command_id":"c","type":"undo_grant","undo_command_id":"\\ud800"}',
    b'{"command_id":"c","type":"undo_grant","undo_command_id":"b","since":null}',
    b'{"command_id":"c","type":"grant_player_progression_experience","amount":-0}',
    b'{"command_id":"c","type":"grant_player_progression_experience","amount":1e2}',
    b'{"command_id":"c","type":"grant_player_progression_experience","amount":01}',
    b'{"command_id":"c","type":"grant_player_progression_experience","amount":18446744073709551616}',
]


@pytest.mark.parametrize("body", SPELLINGS)
def test_json_that_is_spelt_otherwise_is_what_its_fields_say(body: bytes) -> None:
    check(body, Media.JSON, "alice")


@given(st.data())
def test_a_body_with_bytes_changed_is_what_its_fields_say(data: st.DataObject) -> None:
    command = {"command_id": "c1", "type": "turn_in_quest", "quest_id": "q1", "user_id": "alice"}
    body, media = data.draw(st.sampled_from(bodies([command, command])))
    changed = bytearray(body)
    for _ in range(data.draw(st.integers(1, 3))):
        changed[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    check(bytes(changed), media, None)


@pytest.mark.parametrize("user_id", ["me", *NO_IDS])
def test_a_command_of_nobody_is_not_typed(user_id: Any) -> None:
    command = {"command_id": "c", "type": "rebase_progression"}
    right = {**command, "user_id": "alice"}
    for body, media in bodies([right]):
        assert check(body, media, None)
    for body, media in bodies([right, {**command, "user_id": user_id}]):
        assert not check(body, media, None)


def test_a_player_has_no_typed_command_of_a_services() -> None:
    command = {"command_id": "c", "type": "undo_grant", "undo_command_id": "d"}
    body = write(command, Media.JSON)
    assert read_typed_body(body, Media.JSON, ReplyForm(Media.JSON), SERVICE, "alice") is not None
    assert read_typed_body(body, Media.JSON, ReplyForm(Media.JSON), PLAYER, "alice") is None


def test_a_long_body_is_checked_a_little_at_a_time() -> None:
    command = {"command_id": "c", "type": "rebase_progression"}
    body = write([command] * (typed_bodies.BODY_BYTES_MAX // 10), Media.JSON)
    assert not check(body, Media.JSON, "alice")


def test_what_is_asked_has_the_form_that_is_wanted() -> None:
    form = ReplyForm(Media.MSGPACK, brief=True, dry_run=True, named=True)
    command = UndoGrant(command_id="c", undo_command_id="d", since="e.1")
    body = write(
        [{"command_id": "c", "type": "undo_grant", "undo_command_id": "d", "since": "e.1"}],
        Media.JSON,
    )
    typed = read_typed_body(body, Media.JSON, form, SERVICE, "alice")
    assert typed is not None
    assert typed.asks == [Ask.of("alice", command, Media.MSGPACK, True, True, True)]
    assert typed.asks == [form.ask("alice", command)]
