"""One example of each command, ready to be sent from the docs page.  A test sends them all."""

from typing import Any

_COMMANDS: list[dict[str, Any]] = [
    {"type": "offer_quest", "quest_id": "quest-1", "reward": {"experience": 1500}},
    {"type": "turn_in_quest", "quest_id": "quest-1"},
    {"type": "abandon_quest", "quest_id": "quest-2"},
    {"type": "acknowledge_level_ups"},
    {"type": "grant_player_progression_experience", "amount": 400},
    {
        "type": "start_battle",
        "battle_id": "battle-1",
        "chapter_id": "chapter-1",
        "hostile": {"hostile_id": "wolf", "tier": "elite"},
    },
    {"type": "resolve_combat_action", "battle_id": "battle-1", "action": "attack"},
    {
        "type": "upsert_chapter_progression",
        "chapter_id": "chapter-1",
        "chapter_index": 1,
        "total_chapters": 10,
        "entry_pseudo_level_millis": 1000,
        "exit_pseudo_level_millis": 4500,
        "entry_level": 1,
        "exit_level": 4,
        "planned_total_xp": 3750,
        "planned_quest_xp": 2500,
        "planned_hostile_xp": 1250,
        "expected_hostile_defeat_count": 25,
        "pace_band": "opening_fast",
    },
    {
        "type": "compile_chapters",
        "chapters": [
            {"chapter_id": "chapter-1", "quests": ["major", "minor"], "hostiles": {"standard": 8}},
            {"chapter_id": "chapter-2", "quests": 4, "hostiles": {"boss": 1}, "weight": 2},
        ],
    },
    {"type": "record_signal", "kind": "defeat", "target": "wolf", "count": 1},
    {"type": "undo_grant", "undo_command_id": "try-5"},
    {"type": "rebase_progression"},
    {
        "type": "apply_chapter_progression_ledger_entry",
        "chapter_id": "chapter-1",
        "granted_quest_xp": 300,
        "granted_hostile_xp": 50,
        "hostile_defeat_increment": 1,
    },
]

COMMAND_EXAMPLES: dict[str, Any] = {
    command["type"]: {
        "summary": command["type"],
        "value": {"command_id": f"try-{number}", **command},
    }
    for number, command in enumerate(_COMMANDS, start=1)
}

REQUEST_EXAMPLES: dict[str, Any] = {
    "sendCommands": COMMAND_EXAMPLES,
    "sendBatch": {
        "two users": {
            "summary": "two users",
            "value": [
                {"user_id": user_id, **COMMAND_EXAMPLES[name]["value"]}
                for user_id in ("alice", "bob")
                for name in ("offer_quest", "turn_in_quest")
            ],
        }
    },
}
"""Bodies of requests, by the `operationId`."""
