"""The rows one user owns: frozen values, in the field names of the seed documents.

A row is replaced, never edited (`msgspec.structs.replace`), so a state can be shared, kept back or
dropped whole.  All amounts are integers; all times are microseconds since the Unix epoch, UTC;
a pseudo level is a level in thousandths (3500 = half way through level 3).

A field's place is stored, not its name: adding or moving one makes a new format.

Not for: rules (`progression`, `chapters`, `quests`, `combat`) or bytes (`persistence.codec`).
"""

from enum import StrEnum
from itertools import islice

from msgspec import Struct

HOSTILES_MAX = 256
"""Hostiles counted in one scope; the one defeated longest ago is forgotten first."""
INTEGER_MAX = 2**53 - 1
"""Largest amount a row or a rule may hold: every JSON reader keeps it exact (RFC 7493)."""


class Row(Struct, frozen=True, gc=False):
    """A row of scalars and flat rows: in no cycle, so that the garbage collector may skip it."""


class Source(StrEnum):
    """Where experience came from."""

    QUEST = "quest"
    HOSTILE_NPC = "hostile_npc"
    SERVICE = "service"


class PaceBand(StrEnum):
    """The planned tempo of a chapter."""

    OPENING_FAST = "opening_fast"
    STEADY = "steady"
    PRESSURE = "pressure"
    FINALE_DENSE = "finale_dense"


class QuestStatus(StrEnum):
    """Life of a quest: active, ready to turn in, turned in (or abandoned on the way)."""

    ACTIVE = "active"
    READY_TO_TURN_IN = "ready_to_turn_in"
    TURNED_IN = "turned_in"
    ABANDONED = "abandoned"

    @property
    def open(self) -> bool:
        """Whether the quest may still pay."""
        return self in _OPEN_QUESTS


_OPEN_QUESTS = frozenset({QuestStatus.ACTIVE, QuestStatus.READY_TO_TURN_IN})


class BattleMode(StrEnum):
    """A fight is to the end; a spar is practice and never a kill."""

    FIGHT = "fight"
    SPAR = "spar"


class BattleOutcome(StrEnum):
    """How a battle stands or ended.  Only a victory grants anything."""

    ONGOING = "ongoing"
    VICTORY = "victory"
    SPAR_COMPLETE = "spar_complete"
    ESCAPED = "escaped"
    DEFEAT = "defeat"


class Tier(StrEnum):
    """Weight class of a hostile."""

    MINION = "minion"
    STANDARD = "standard"
    ELITE = "elite"
    BOSS = "boss"


class Origin(StrEnum):
    """Who said what a hostile is worth: the caller, the chapter's plan, or the rules alone."""

    CALLER = "caller"
    PLAN = "plan"
    FALLBACK = "fallback"


class PlayerProgression(Row, frozen=True, gc=False):
    """Level and experience of one user.

    `total_xp = cumulative_xp(level) + current_level_xp` always; below the level cap
    `0 <= current_level_xp < xp_to_next_level`; at the cap `xp_to_next_level` is 0.
    """

    user_id: str
    level: int
    current_level_xp: int
    total_xp: int
    xp_to_next_level: int
    pending_level_ups: int
    last_granted_source: Source | None
    created_at: int
    updated_at: int


class TierLedger(Row, frozen=True, gc=False):
    """Plan and ledger of one tier's share of a chapter's hostile XP."""

    tier: Tier
    planned_xp: int
    actual_xp: int
    expected_defeat_count: int
    actual_defeat_count: int


class ChapterProgression(Row, frozen=True, gc=False):
    """Plan and ledger of one chapter of one user, in one row.

    `hostile_tiers` are the shares of a compiled plan.  A plan that was given as numbers has none,
    and entries that come from outside are in none of them.  `plan_version` is the user's version
    with the command that wrote the plan: what was granted before is in no ledger of this row.
    """

    chapter_progression_id: str
    user_id: str
    chapter_id: str
    chapter_index: int
    total_chapters: int
    entry_pseudo_level_millis: int
    exit_pseudo_level_millis: int
    entry_level: int
    exit_level: int
    planned_total_xp: int
    planned_quest_xp: int
    planned_hostile_xp: int
    actual_quest_xp: int
    actual_hostile_xp: int
    expected_hostile_defeat_count: int
    actual_hostile_defeat_count: int
    level_at_entry: int
    level_at_exit: int | None
    pace_band: PaceBand
    created_at: int
    updated_at: int
    hostile_tiers: tuple[TierLedger, ...] = ()
    plan_version: int = 0


class Objective(Row, frozen=True, gc=False):
    """What a quest asks for: `required` signals of `kind` about `target`; `current` so far."""

    kind: str
    target: str
    required: int
    current: int


class Reward(Struct, frozen=True, omit_defaults=True):
    """What a quest pays.  An absent `experience` means 0 [seed].

    A battle's has none: its `experience_reward` is a field of its own [seed].  `loot` is how often
    each loot table of the rules is opened.
    """

    experience: int | None = None
    items: dict[str, int] = {}
    currency: dict[str, int] = {}
    affinity: dict[str, int] = {}
    loot: dict[str, int] = {}


class QuestRecord(Struct, frozen=True):
    """One quest of one user, settled ones among them."""

    quest_id: str
    user_id: str
    chapter_id: str | None
    status: QuestStatus
    objectives: tuple[Objective, ...]
    reward: Reward
    created_at: int
    updated_at: int


class Hostile(Row, frozen=True, gc=False):
    """The hostile's profile, resolved when the battle opened, and the hit points it has left."""

    hostile_id: str
    tier: Tier
    level: int
    pseudo_level_millis: int
    strength: int
    attack: int
    defense: int
    hp_max: int
    hp: int


class Fighter(Row, frozen=True, gc=False):
    """The player's side: the profile at their level when the battle opened, and what is left."""

    level: int
    strength: int
    attack: int
    defense: int
    hp_max: int
    hp: int


class BattleState(Struct, frozen=True):
    """One battle.  Its `chapter_id` and all it pays are fixed when it opens [seed]."""

    battle_id: str
    user_id: str
    chapter_id: str | None
    mode: BattleMode
    hostile: Hostile
    player: Fighter
    turn: int
    outcome: BattleOutcome
    experience_reward: int
    created_at: int
    updated_at: int
    reward: Reward = Reward()


class DefeatCounts(Struct, frozen=True):
    """How often each hostile was defeated inside one scope, the longest ago first.

    `scope` is `day`, with the UTC day counted from the epoch, or `chapter/` and the chapter's id.
    A change holds the hostiles whose count changed, and is laid over what was counted before.
    """

    scope: str
    day: int | None
    defeats: dict[str, int]


def laid_over(held: dict[str, int], changed: dict[str, int]) -> dict[str, int]:
    """The counts of one scope with `changed` ones as the newest; at most `HOSTILES_MAX`."""
    counts = {hostile: held[hostile] for hostile in held if hostile not in changed} | changed
    return dict(islice(counts.items(), max(0, len(counts) - HOSTILES_MAX), None))


def chapter_progression_id(user_id: str, chapter_id: str) -> str:
    """The row's id; injective, because `/` is in no id."""
    return f"{user_id}/{chapter_id}"
