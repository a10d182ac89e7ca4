"""Hypothesis strategies: ids, commands as clients send them, and sequences of them.

Sequences are mostly valid: they turn in quests that were offered and fight battles that are open,
with a stray id or a second offer now and then.  Not for commands that `decode_command` refuses.
"""

from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from domain.ids import is_id, is_user_id
from domain.messages.command_parts import EXPERIENCE_REWARD_MAX
from domain.messages.commands import Command, decode_command
from domain.state.rows import INTEGER_MAX, BattleMode, PaceBand, Source, Tier

QUESTS = ("q0", "q1", "q2", "q3", "q4")
BATTLES = ("b0", "b1", "b2", "b3")
CHAPTERS = ("c0", "c1")
GOODS = ("gold", "mei", "sword")
STRAY = "stray"
"""An id that is never offered, started or planned."""

_ALPHABET = "ABYZabyz0189._:@-"
ids: SearchStrategy[str] = st.one_of(
    st.text(_ALPHABET, min_size=1, max_size=12),
    st.text(_ALPHABET, min_size=120, max_size=128),
).filter(is_id)
user_ids: SearchStrategy[str] = ids.filter(is_user_id)

# Zero, small, a level's exact cost or boundary, anything, and the most a command may name.
amounts: SearchStrategy[int] = st.one_of(
    st.sampled_from([0, 400, 900, 1_300, 27_600, 4_084_700, INTEGER_MAX]),
    st.integers(0, 2_000),
    st.integers(0, INTEGER_MAX),
)
summable = amounts.map(lambda amount: amount // 16)
"""Amounts of which a handful can be added up."""
_positive = amounts.map(lambda amount: max(1, amount))
_affinities = st.one_of(st.integers(-50, 50), st.sampled_from([-INTEGER_MAX, INTEGER_MAX]))
_chapter_ids = st.sampled_from([*CHAPTERS, CHAPTERS[0], STRAY])


def _goods(values: SearchStrategy[int]) -> SearchStrategy[dict[str, int]]:
    return st.dictionaries(st.sampled_from(GOODS), values, max_size=2)


_loot = st.dictionaries(st.sampled_from(["chest", "wolf"]), st.integers(1, 10), max_size=2)
_rewards = st.fixed_dictionaries(
    {},
    optional={
        "experience": st.none() | amounts,
        "items": _goods(_positive),
        "currency": _goods(_positive),
        "affinity": _goods(_affinities),
        "loot": _loot,
    },
)
_objectives = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(["defeat", "collect"]),
        "target": st.sampled_from(["wolf", "bear"]),
        "required": st.integers(1, 3),
    }
)
_few_objectives: SearchStrategy[list[Any]] = st.one_of(
    st.just([]),
    st.lists(_objectives, max_size=2, unique_by=lambda one: (one["kind"], one["target"])),
)
# Strength 1 falls at the first blow, 10^12 fells the player at the first.
_weak = st.fixed_dictionaries({"hostile_id": st.just("wolf"), "strength": st.just(1)})
_any_hostile = st.fixed_dictionaries(
    {"hostile_id": st.sampled_from(["wolf", "bear"])},
    optional={
        "tier": st.sampled_from([tier.value for tier in Tier]),
        "level": st.integers(1, 70) | st.just(10_000),
        "strength": st.sampled_from([1, 20, 10**12]),
    },
)
_hostiles = st.one_of(_weak, _weak, _any_hostile)
_goods_rewards = st.fixed_dictionaries(
    {},
    optional={
        "items": _goods(_positive),
        "currency": _goods(_positive),
        "affinity": _goods(_affinities),
        "loot": _loot,
    },
)
_blueprints = st.fixed_dictionaries(
    {"chapter_id": st.sampled_from(CHAPTERS)},
    optional={
        "quests": st.integers(0, 3) | st.lists(st.sampled_from(["major", "minor"]), max_size=3),
        "hostiles": st.dictionaries(
            st.sampled_from([tier.value for tier in Tier]), st.integers(0, 9)
        ),
        "weight": st.integers(1, 5),
        "pace_band": st.sampled_from([band.value for band in PaceBand]),
    },
)


@st.composite
def chapter_plans(draw: DrawFn) -> dict[str, Any]:
    """The fields of a chapter's plan, each in its bounds."""
    index, total = sorted([draw(st.integers(1, 9)), draw(st.integers(1, 9))])
    entry, leave = sorted([draw(st.integers(1_000, 60_000)), draw(st.integers(1_000, 60_000))])
    quests, hostiles = draw(amounts) // 2, draw(amounts) // 2
    return {
        "chapter_id": draw(st.sampled_from(CHAPTERS)),
        "chapter_index": index,
        "total_chapters": total,
        "entry_pseudo_level_millis": entry,
        "exit_pseudo_level_millis": leave,
        "entry_level": entry // 1000,
        "exit_level": leave // 1000,
        "planned_total_xp": min(quests + hostiles + draw(st.integers(0, 100)), INTEGER_MAX),
        "planned_quest_xp": quests,
        "planned_hostile_xp": hostiles,
        "expected_hostile_defeat_count": draw(st.integers(0, 40)),
        "pace_band": draw(st.sampled_from([band.value for band in PaceBand])),
    }


def _fixed(optional: dict[str, Any] | None = None, **fields: SearchStrategy[Any]) -> Any:
    return st.fixed_dictionaries(fields, optional=optional or {})


_FIELDS: dict[str, SearchStrategy[dict[str, Any]]] = {
    "offer_quest": _fixed(
        {"chapter_id": _chapter_ids, "objectives": _few_objectives},
        quest_id=st.sampled_from(QUESTS),
        reward=_rewards,
    ),
    "turn_in_quest": _fixed(quest_id=st.sampled_from(QUESTS)),
    "abandon_quest": _fixed(quest_id=st.sampled_from(QUESTS)),
    "start_battle": _fixed(
        {
            "chapter_id": _chapter_ids,
            "mode": st.sampled_from(["fight", "fight", BattleMode.SPAR.value]),
            "experience_reward": st.sampled_from([0, 50, 400, EXPERIENCE_REWARD_MAX]),
            "reward": _goods_rewards,
        },
        battle_id=st.sampled_from(BATTLES),
        hostile=_hostiles,
    ),
    "resolve_combat_action": _fixed(
        battle_id=st.sampled_from(BATTLES),
        action=st.sampled_from(["attack", "attack", "attack", "skill", "guard", "escape", "yield"]),
    ),
    "grant_player_progression_experience": _fixed(
        {"source": st.sampled_from([source.value for source in Source])}, amount=amounts
    ),
    "upsert_chapter_progression": chapter_plans(),
    "apply_chapter_progression_ledger_entry": _fixed(
        {"level_at_exit": st.none() | st.integers(1, 60)},
        chapter_id=st.sampled_from(CHAPTERS),
        granted_quest_xp=amounts,
        granted_hostile_xp=amounts,
        hostile_defeat_increment=st.integers(0, 3),
    ),
    "acknowledge_level_ups": _fixed(),
    "record_signal": _fixed(
        kind=st.sampled_from(["defeat", "collect"]),
        target=st.sampled_from(["wolf", "bear"]),
        count=st.integers(1, 3),
    ),
    "compile_chapters": _fixed(
        chapters=st.lists(_blueprints, min_size=1, max_size=2, unique_by=lambda b: b["chapter_id"])
    ),
    "undo_grant": _fixed(undo_command_id=st.integers(0, 19).map(lambda number: f"k{number}")),
    "rebase_progression": _fixed(),
}
_MAKES = {
    "offer_quest": "quest_id",
    "start_battle": "battle_id",
    "upsert_chapter_progression": "chapter_id",
}
_NEEDS = {
    "turn_in_quest": ("offer_quest", "quest_id"),
    "abandon_quest": ("offer_quest", "quest_id"),
    "resolve_combat_action": ("start_battle", "battle_id"),
    "apply_chapter_progression_ledger_entry": ("upsert_chapter_progression", "chapter_id"),
}
_PAYS = ("turn_in_quest", "resolve_combat_action", "grant_player_progression_experience")
_WEIGHTED = [
    *sorted(_FIELDS),
    *(["turn_in_quest"] * 5),
    *(["resolve_combat_action"] * 5),
    *("upsert_chapter_progression", "offer_quest", "start_battle", "undo_grant"),
    *("record_signal", "grant_player_progression_experience"),
]


def command_fields(
    kinds: Sequence[str] = tuple(sorted(_FIELDS)), command_id: str = "k"
) -> SearchStrategy[dict[str, Any]]:
    """One command as a client sends it, of any of `kinds`; whatever it names may not exist."""
    return st.sampled_from(kinds).flatmap(
        lambda kind: _FIELDS[kind].map(
            lambda fields: {"command_id": command_id, "type": kind, **fields}
        )
    )


@st.composite
def command_field_lists(
    draw: DrawFn, min_size: int = 0, max_size: int = 20
) -> list[dict[str, Any]]:
    """Mostly valid commands as a client sends them, with ids k0, k1, ... in order."""
    unused = {"quest_id": list(QUESTS), "battle_id": list(BATTLES), "chapter_id": list(CHAPTERS)}
    made: dict[str, list[str]] = {"quest_id": [], "battle_id": [], "chapter_id": []}
    paid: list[str] = []
    commands = []
    for number in range(draw(st.integers(min_size, max_size))):
        kind = draw(st.sampled_from(_WEIGHTED))
        stray = draw(st.integers(0, 11)) == 11
        maker, named = _NEEDS.get(kind, (None, None))
        if maker and named and not made[named] and not stray:
            kind = maker  # nothing to turn in, fight or add to yet: make it first
        fields = dict(draw(_FIELDS[kind]))
        if kind == "undo_grant" and paid and not stray:
            fields["undo_command_id"] = draw(st.sampled_from(paid))
        elif kind in _PAYS:
            paid.append(f"k{number}")
        if kind in _MAKES:
            named = _MAKES[kind]
            if unused[named] and not stray:
                fields[named] = unused[named].pop(0)
            made[named].append(fields[named])
        elif named and stray:
            fields[named] = STRAY
        elif named:
            fields[named] = draw(st.sampled_from(made[named]))
            # Most quests and battles are over by now; name them again only now and then.
            if kind != "apply_chapter_progression_ledger_entry" and draw(st.booleans()):
                made[named].remove(fields[named])
        commands.append({"command_id": f"k{number}", "type": kind, **fields})
    return commands


def command_lists(min_size: int = 0, max_size: int = 20) -> SearchStrategy[list[Command]]:
    """The same, decoded."""
    return command_field_lists(min_size, max_size).map(
        lambda commands: [decode_command(fields) for fields in commands]
    )
