"""The short language of the tables: commands, answers and rows as one line of text each.

    offer q chapter=c experience=120 items.sword=2     grant 250 source=quest
    turn_in q    abandon q    acknowledge              plan c entry_level=2
    start b mode=spar hostile.level=3    attack b      ledger c granted_quest_xp=5
    signal defeat:wolf:3    undo k    rebase           story a quests=2 b hostiles.boss=1 weight=3

Any of them may name its `id=k`; the others are all asked under the id `x`.

`set` writes a row without asking the rules, for what commands reach only after a long time:
`set total_xp=9000 q.status=ready_to_turn_in c.actual_quest_xp=7 inventory.sword=3`.
"""

from copy import copy
from enum import StrEnum
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict, astuple, replace

from domain.decide.dispatch import decide
from domain.game.progression import grant_player_progression_experience, progression_of
from domain.messages.commands import Command, decode_command
from domain.messages.decision import Decision
from domain.messages.rejections import Rejection
from domain.rules.compiled_rules import Rules, compile_rules
from domain.rules.load import preset_text
from domain.state.persistent_list import PersistentList
from domain.state.rows import QuestRecord, QuestStatus, Reward, Source
from domain.state.user_state import NOTHING, UserState
from tests.domain.table_kit import CASES

DEFAULT = compile_rules(preset_text())
SMALL_TEXT = (CASES / "small.toml").read_text(encoding="utf-8")
SMALL = compile_rules(SMALL_TEXT)
STRICT = compile_rules(SMALL_TEXT + (CASES / "penalties.toml").read_text(encoding="utf-8"))
"""Small, with every rule on that shapes experience."""
LOOT = compile_rules(
    SMALL_TEXT.replace(
        "experience_permille = 5000 }", 'experience_permille = 5000, loot = "chest" }'
    )
    + (CASES / "loot.toml").read_text(encoding="utf-8")
)
"""Small, with loot tables, one of which every boss drops."""
STEEP = compile_rules(SMALL_TEXT.replace("[100, 200, 300, 400]", "[150, 300, 450, 600, 750]"))
"""Small, with levels that cost half as much again, and one level more."""

NEW = UserState("u")
NOW = 1000
"""When the command of a row is asked; what was given happened at 10, 20, 30, ..."""

# verb -> command type, the field of the verb's first word, and the fields given by default
VERBS: dict[str, tuple[str, str | None, dict[str, Any]]] = {
    "turn_in": ("turn_in_quest", "quest_id", {}),
    "abandon": ("abandon_quest", "quest_id", {}),
    "acknowledge": ("acknowledge_level_ups", None, {}),
    "grant": ("grant_player_progression_experience", "amount", {}),
    "offer": ("offer_quest", "quest_id", {"reward": {}}),
    "start": ("start_battle", "battle_id", {"hostile": {"hostile_id": "wolf"}}),
    "plan": (
        "upsert_chapter_progression",
        "chapter_id",
        {
            "chapter_index": 1,
            "total_chapters": 4,
            "entry_pseudo_level_millis": 1000,
            "exit_pseudo_level_millis": 3500,
            "entry_level": 1,
            "exit_level": 3,
            "planned_total_xp": 450,
            "planned_quest_xp": 300,
            "planned_hostile_xp": 150,
            "expected_hostile_defeat_count": 5,
            "pace_band": "steady",
        },
    ),
    "story": ("compile_chapters", None, {"chapters": []}),
    "signal": ("record_signal", None, {}),
    "undo": ("undo_grant", "undo_command_id", {}),
    "rebase": ("rebase_progression", None, {}),
    "ledger": (
        "apply_chapter_progression_ledger_entry",
        "chapter_id",
        {"granted_quest_xp": 0, "granted_hostile_xp": 0, "hostile_defeat_increment": 0},
    ),
    **{
        action: ("resolve_combat_action", "battle_id", {"action": action})
        for action in ("attack", "guard", "skill", "escape", "yield")
    },
}
REWARDS = ("experience", "items", "currency", "affinity", "loot")


def command_fields(line: str) -> dict[str, Any]:
    """The mapping a client would send for one line of a table."""
    verb, *words = line.split()
    kind, first, defaults = VERBS[verb]
    fields: dict[str, Any] = {"command_id": "x", "type": kind}
    fields |= {k: copy(v) for k, v in defaults.items()}
    if first is not None:
        word = words.pop(0)
        fields[first] = _value(word) if first == "amount" else word
    for word in words:
        path, _, value = word.partition("=")
        if verb == "story":
            _blueprint(fields["chapters"], path, value)
            continue
        if verb == "signal":
            kind, target, count = word.split(":")
            fields |= {"kind": kind, "target": target, "count": int(count)}
            continue
        if path == "id":
            fields["command_id"] = value
            continue
        if path == "need":  # need=defeat:wolf:3
            what, target, count = value.split(":")
            objective = {"kind": what, "target": target, "required": int(count)}
            fields.setdefault("objectives", []).append(objective)
            continue
        *parents, leaf = path.split(".")
        if verb == "offer" and path.partition(".")[0] in REWARDS:
            parents = ["reward", *parents]
        place = fields
        for parent in parents:
            place = place.setdefault(parent, {})
        place[leaf] = _value(value)
    return fields


def _blueprint(chapters: list[dict[str, Any]], path: str, value: str) -> None:
    """One word of a story: a chapter's id alone begins it, what follows are its fields."""
    if not value:
        chapters.append({"chapter_id": path})
        return
    *parents, leaf = path.split(".")
    place = chapters[-1]
    for parent in parents:
        place = place.setdefault(parent, {})
    place[leaf] = value.split(",") if "," in value else _value(value)


def command(line: str) -> Command:
    return decode_command(command_fields(line))


def given(script: str, rules: Rules = SMALL, state: UserState = NEW) -> UserState:
    """The state after the commands of `script`, every one of which must be accepted."""
    for step, line in enumerate(filter(None, map(str.strip, script.split(";"))), start=1):
        if line.startswith("set "):
            for word in line.split()[1:]:
                state = _set(state, *word.split("="), rules)
        else:
            decision = decide(state, command(line), 10 * step, rules)
            assert isinstance(decision, Decision), f"{line}: {decision}"
            if decision.changes != NOTHING:
                state = state.put(decision.changes)
    return state


def told(decision: Decision | Rejection) -> str:
    """An answer as text: `! code: detail`, or the events with their fields in order."""
    if isinstance(decision, Rejection):
        return f"! {decision.code}: {decision.detail}"
    lines = [" ".join([event.__struct_config__.tag, *_words(event)]) for event in decision.events]
    return "; ".join(lines) or "nothing"


def _words(event: Struct) -> list[str]:
    """The event's fields as text: no empty lists, as rules that changed nothing are silent, and
    of flags only those that are set, by name."""
    return [
        name if value is True else _text(value)
        for name, value in asdict(event).items()
        if value != () and value is not False
    ]


def changed(decision: Decision | Rejection) -> str:
    """What changes, in the order of `Changes`, by the first word of its name."""
    changes = {} if isinstance(decision, Rejection) else asdict(decision.changes)
    names = [
        name.partition("_")[0] for name, value in changes.items() if value not in (None, (), {})
    ]
    return " ".join(names) or "-"


def look(state: UserState, path: str, rules: Rules = SMALL) -> str:
    """One field of the state: `level`, `c.actual_quest_xp`, `b.hostile.hp`, `wallet.gold`.

    A quest's or battle's id alone is its status or outcome; a row in a row is its fields in order.
    """
    name, *rest = path.split(".")
    if name in ("inventory", "wallet", "affinity"):
        return _text(getattr(state, name).get(".".join(rest)))
    if name in ("history", "repeats"):
        return _look_into(getattr(state, name), rest)
    owners = [table[name] for table in (state.chapters, state.quests, state.battles)
              if name in table]  # fmt: skip
    if owners:
        (value,) = owners
        rest = rest or ["status" if name in state.quests else "outcome"]
    elif hasattr(state, name):  # version, chapters, player_progression
        value = getattr(state, name)
    else:
        value, rest = progression_of(state, rules), [name]
    for part in rest:
        value = getattr(value, part)
    return _text(value)


def _look_into(held: Any, path: list[str]) -> str:
    """`history.2.amount` is of the entry with sequence 2, `repeats.day.wolf` a tally's count."""
    if not path:
        return str(len(held))
    if isinstance(held, PersistentList):
        entry = next(one for one in held if one.sequence == int(path[0]))
        return _text(getattr(entry, path[1]))
    tally = held.get(path[0])
    return "none" if tally is None else _text(tally.defeats.get(path[1], 0))


def _set(state: UserState, path: str, text: str, rules: Rules) -> UserState:
    name, _, field = path.partition(".")
    if name == "total_xp":
        row = progression_of(state, rules)
        row = grant_player_progression_experience(row, int(text), Source.SERVICE, 10, rules)
        return replace(state, player_progression=row)
    if name in ("inventory", "wallet", "affinity"):
        return replace(state, **{name: getattr(state, name).put({field: int(text) or None})})
    table = "quests" if name in state.quests else "chapters"
    value = QuestStatus(text) if field == "status" else _value(text)
    row = replace(getattr(state, table)[name], **{field: value})
    state = replace(state, **{table: getattr(state, table).put_row(name, row)})
    if isinstance(row, QuestRecord):
        state = replace(state, open_quests=state.open_quests.put((row,)))
    return state


def _value(text: str) -> int | str:
    digits = text.replace("_", "").removeprefix("-")
    return int(text) if digits.isdigit() else text


def _text(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, Reward) and not value.loot:
        return "/".join(map(_text, astuple(value)[:-1]))  # most rewards have none
    if isinstance(value, Struct):
        return "/".join(map(_text, astuple(value)))
    if isinstance(value, tuple):
        return ",".join(map(_text, value))
    if isinstance(value, dict):
        return "{" + ",".join(f"{name}:{_text(one)}" for name, one in value.items()) + "}"
    return value.value if isinstance(value, StrEnum) else str(value)
