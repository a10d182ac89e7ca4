"""`decode_command`: what is let in, and every bad field that is refused by name."""

from typing import Any

import pytest
from pydantic import ValidationError

from domain.messages.commands import (
    COMMAND_TYPES,
    PLAYER_COMMANDS,
    SERVICE_COMMANDS,
    GrantExperience,
    OfferQuest,
    StartBattle,
    decode_command,
)
from domain.state.rows import INTEGER_MAX, BattleMode, Source, Tier
from tests.domain import table_kit
from tests.domain.script_kit import command_fields

# One complete line for each command type: all fields, so that each can be spoilt in turn.
FULL = [
    "turn_in q",
    "abandon q",
    "attack b",
    "acknowledge",
    "grant 5 source=quest",
    "plan c",
    "ledger c level_at_exit=3",
    "offer q chapter_id=c need=defeat:wolf:3 experience=5 items.sword=1 currency.gold=2 "
    "affinity.mei=-3",
    "start b chapter_id=c mode=spar hostile.tier=boss hostile.level=3 hostile.strength=9 "
    "experience_reward=7 reward.items.sword=1 reward.currency.gold=2 reward.affinity.mei=-3",
    "story c weight=2 quests=3 hostiles.minion=4 pace_band=pressure",
    "signal defeat:wolf:3",
    "undo k",
    "rebase",
]
BY_TYPE = {fields["type"]: fields for fields in map(command_fields, FULL)}
OPTIONAL = {
    "source", "level_at_exit", "chapter_id", "objectives", "mode", "experience_reward",
    "hostile.tier", "hostile.level", "hostile.strength", "reward",
    "reward.experience", "reward.items", "reward.currency", "reward.affinity",
}  # fmt: skip
NEEDED = {
    ("upsert_chapter_progression", "chapter_id"),
    ("apply_chapter_progression_ledger_entry", "chapter_id"),
    ("offer_quest", "reward"),
}
"""Fields that one command may leave out and another may not."""


def leaves(fields: dict[str, Any], prefix: str = "") -> list[str]:
    """Every field's path; the ids of items, currencies and NPCs are no fields."""
    found = []
    for name, value in fields.items():
        found.append(prefix + name)
        if isinstance(value, dict) and name in ("reward", "hostile"):
            found += leaves(value, f"{prefix}{name}.")
    return found


FIELDS = [(kind, path) for kind, fields in BY_TYPE.items() for path in leaves(fields)]


def spoilt(fields: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    """`fields` with `value` at `path`; `...` takes the field out."""
    name, _, rest = path.partition(".")
    if rest:
        return {**fields, name: spoilt(fields[name], rest, value)}
    kept = {k: v for k, v in fields.items() if k != name}
    return kept if value is ... else {**kept, name: value}


def refused(fields: object) -> list[tuple[str, str]]:
    """(path of the field, kind of error), the path without the command's type."""
    with pytest.raises(ValidationError) as caught:
        decode_command(fields)  # type: ignore[arg-type]
    return [
        (".".join(map(str, error["loc"][1:])), error["type"])
        for error in caught.value.errors(include_url=False)
    ]


def test_there_is_a_full_line_for_every_command_type() -> None:
    assert BY_TYPE.keys() == COMMAND_TYPES
    assert not PLAYER_COMMANDS & SERVICE_COMMANDS


@pytest.mark.parametrize("kind", sorted(COMMAND_TYPES))
def test_a_full_command_is_let_in_and_keeps_its_fields(kind: str) -> None:
    command = decode_command(BY_TYPE[kind])
    assert command.type == kind
    assert command.command_id == "x"


@pytest.mark.parametrize(("kind", "path"), FIELDS)
def test_a_field_that_is_missing_is_named_unless_it_is_optional(kind: str, path: str) -> None:
    fields = spoilt(BY_TYPE[kind], path, ...)
    if path in OPTIONAL and (kind, path) not in NEEDED:
        assert decode_command(fields).type == kind
    elif path == "type":
        assert refused(fields) == [("", "union_tag_not_found")]
    else:
        assert refused(fields) == [(path, "missing")]


@pytest.mark.parametrize(("kind", "path"), FIELDS)
@pytest.mark.parametrize(
    "bad", [True, 1.5, [[]], {"": 0}, float("nan"), "a/b", "", b"quest", 2**64, -(2**64)]
)
def test_a_field_of_the_wrong_shape_is_named(kind: str, path: str, bad: object) -> None:
    found = refused(spoilt(BY_TYPE[kind], path, bad))
    assert found
    assert all(where.startswith(path) for where, _ in found) or path == "type"


@pytest.mark.parametrize("kind", sorted(COMMAND_TYPES))
@pytest.mark.parametrize("extra", ["experience", "reward_experience", "user_id", "now", "version"])
def test_an_unknown_field_is_refused_not_smiled_at(kind: str, extra: str) -> None:
    assert refused({**BY_TYPE[kind], extra: 5}) == [(extra, "unexpected_keyword_argument")]


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("offer_quest", "reward.bonus"),
        ("start_battle", "hostile.bonus"),
        ("start_battle", "reward.bonus"),
        ("start_battle", "reward.experience"),  # a battle's experience has a field of its own
    ],
)
def test_an_unknown_field_inside_a_part_is_refused(kind: str, path: str) -> None:
    assert refused(spoilt(BY_TYPE[kind], path, 5)) == [(path, "unexpected_keyword_argument")]


LIMITS = """
field                     | of                                     | from  | to
--------------------------|----------------------------------------|-------|-----
amount                    | grant_player_progression_experience    | 0     | 9007199254740991
chapter_index             | upsert_chapter_progression             | 1     | -
total_chapters            | upsert_chapter_progression             | 1     | 1000000
entry_pseudo_level_millis | upsert_chapter_progression             | 0     | 9007199254740991
entry_level               | upsert_chapter_progression             | 1     | 10000
exit_level                | upsert_chapter_progression             | 1     | 10000
planned_total_xp          | upsert_chapter_progression             | 0     | 9007199254740991
planned_quest_xp          | upsert_chapter_progression             | 0     | 9007199254740991
planned_hostile_xp        | upsert_chapter_progression             | 0     | 9007199254740991
expected_hostile_defeat_count | upsert_chapter_progression         | 0     | 9007199254740991
granted_quest_xp          | apply_chapter_progression_ledger_entry | 0     | 9007199254740991
granted_hostile_xp        | apply_chapter_progression_ledger_entry | 0     | 9007199254740991
hostile_defeat_increment  | apply_chapter_progression_ledger_entry | 0     | 9007199254740991
level_at_exit             | apply_chapter_progression_ledger_entry | 1     | 10000
reward.experience         | offer_quest                            | 0     | 9007199254740991
reward.items.sword        | offer_quest                            | 1     | 9007199254740991
reward.currency.gold      | offer_quest                            | 1     | 9007199254740991
reward.affinity.mei       | offer_quest                            | -9007199254740991 | -
experience_reward         | start_battle                           | 0     | 4294967295
hostile.level             | start_battle                           | 1     | 10000
hostile.strength          | start_battle                           | 1     | 1000000000000
reward.items.bow          | start_battle                           | 1     | 9007199254740991
count                     | record_signal                          | 1     | 1000000
"""


@pytest.mark.parametrize("row", table_kit.params(LIMITS))
def test_a_number_is_let_in_up_to_its_limits_and_not_past_them(row: dict[str, str]) -> None:
    fields, path = BY_TYPE[row["of"]], row["field"]
    least = int(row["from"])
    assert decode_command(spoilt(fields, path, least))
    assert refused(spoilt(fields, path, least - 1)) == [(path, "greater_than_equal")]
    if row["to"] != "-":
        most = int(row["to"])
        assert decode_command(spoilt(fields, path, most))
        assert refused(spoilt(fields, path, most + 1)) == [(path, "less_than_equal")]


def test_affinity_may_rise_as_far_as_it_may_fall() -> None:
    fields, path = BY_TYPE["offer_quest"], "reward.affinity.mei"
    assert decode_command(spoilt(fields, path, INTEGER_MAX))
    assert refused(spoilt(fields, path, INTEGER_MAX + 1)) == [(path, "less_than_equal")]


CHOICES = """
field     | of                                  | words
----------|-------------------------------------|-------
action    | resolve_combat_action               | attack guard skill escape yield
source    | grant_player_progression_experience | quest hostile_npc service
pace_band | upsert_chapter_progression          | opening_fast steady pressure finale_dense
mode      | start_battle                        | fight spar
hostile.tier | start_battle                     | minion standard elite boss
"""


@pytest.mark.parametrize("row", table_kit.params(CHOICES))
def test_a_choice_is_one_of_its_words(row: dict[str, str]) -> None:
    fields, path = BY_TYPE[row["of"]], row["field"]
    for word in row["words"].split():
        assert decode_command(spoilt(fields, path, word))
    first = row["words"].split()[0]
    for word in ("Attack", "quest ", "none", None, 0, first.encode(), first.upper()):
        assert [where for where, _ in refused(spoilt(fields, path, word))] == [path]


def test_what_is_left_out_is_filled_in() -> None:
    grant = decode_command(command_fields("grant 5"))
    assert grant == GrantExperience(command_id="x", amount=5, source=Source.SERVICE)
    battle = decode_command(command_fields("start b"))
    assert isinstance(battle, StartBattle)
    assert (battle.chapter_id, battle.mode, battle.experience_reward) == (
        None, BattleMode.FIGHT, None,
    )  # fmt: skip
    hostile = battle.hostile
    assert (hostile.tier, hostile.level, hostile.strength) == (Tier.STANDARD, None, None)
    quest = decode_command(command_fields("offer q"))
    assert isinstance(quest, OfferQuest)
    assert (quest.chapter_id, quest.objectives, quest.reward.experience) == (None, (), None)
    assert (quest.reward.items, quest.reward.currency, quest.reward.affinity) == ({}, {}, {})


@pytest.mark.parametrize("part", ["items", "currency", "affinity"])
def test_a_reward_names_at_most_100_parts(part: str) -> None:
    parts = {f"p{n}": 1 for n in range(101)}
    assert refused(spoilt(BY_TYPE["offer_quest"], f"reward.{part}", parts)) == [
        (f"reward.{part}", "too_long")
    ]
    del parts["p0"]
    assert decode_command(spoilt(BY_TYPE["offer_quest"], f"reward.{part}", parts))


def test_a_quest_has_at_most_100_objectives() -> None:
    one = {"kind": "defeat", "target": "wolf", "required": 1}
    fields = BY_TYPE["offer_quest"]
    assert decode_command({**fields, "objectives": [one] * 100})
    assert refused({**fields, "objectives": [one] * 101}) == [("objectives", "too_long")]


@pytest.mark.parametrize(
    ("objective", "where"),
    [
        ({"target": "wolf", "required": 1}, "kind"),
        ({"kind": "defeat", "required": 1}, "target"),
        ({"kind": "defeat", "target": "wolf"}, "required"),
        ({"kind": "a/b", "target": "wolf", "required": 1}, "kind"),
        ({"kind": "defeat", "target": "..", "required": 1}, "target"),
        ({"kind": "defeat", "target": "wolf", "required": 0}, "required"),
        ({"kind": "defeat", "target": "wolf", "required": 1_000_001}, "required"),
        ({"kind": "defeat", "target": "wolf", "required": 1, "current": 1}, "current"),
    ],
)
def test_a_bad_objective_is_named_by_its_place(objective: dict[str, Any], where: str) -> None:
    fields = {**BY_TYPE["offer_quest"], "objectives": [objective]}
    assert [path for path, _ in refused(fields)] == [f"objectives.0.{where}"]


def test_an_item_id_must_be_an_id() -> None:
    fields = spoilt(BY_TYPE["offer_quest"], "reward.items", {"a/b": 1})
    assert refused(fields) == [("reward.items.a/b.[key]", "string_pattern_mismatch")]


@pytest.mark.parametrize("kind", ["", "no_such_command", "TURN_IN_QUEST", 5, None, [], {}])
def test_an_unknown_type_is_refused(kind: object) -> None:
    assert refused({"command_id": "x", "type": kind}) == [("", "union_tag_invalid")]


@pytest.mark.parametrize("fields", [None, [], "turn_in_quest", 5, b"{}"])
def test_what_is_no_mapping_is_refused(fields: object) -> None:
    assert [where for where, _ in refused(fields)] == [""]


def test_every_bad_field_is_listed_not_only_the_first() -> None:
    fields = {
        **BY_TYPE["turn_in_quest"],
        "command_id": "",
        "quest_id": 7,
        "experience": INTEGER_MAX,
    }
    assert [where for where, _ in refused(fields)] == ["command_id", "quest_id", "experience"]
