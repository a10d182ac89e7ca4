"""The shapes of response bodies, one type for each: what the API's description is made from.

Where `next_after` stands in a list there is more: ask again with it as `after`.

Hosts write users' bodies themselves (`actors.user.actor`), so these types describe and never
encode; a test holds every response of the API against them.

Not for: rows and events (`domain`), or request bodies (`domain.messages.commands`).
"""

from msgspec import UNSET, Struct, UnsetType
from pydantic import BaseModel

from actors.monitoring.cluster_status import ClusterStatus, HostState, UserPlace
from domain.messages.reply import BriefReply, BriefUserReply, ReplyBody, UserReply
from domain.rules.curves.pseudo_levels import PseudoLevelRules
from domain.rules.deviation import ChapterDeviation, DeviationRules, StoryDeviation
from domain.rules.loot_tables import LootTable
from domain.rules.rules_file import (
    BandsRules,
    CombatRules,
    HostileExperienceRules,
    PenaltyRules,
    QuestWeightRules,
    TiersRules,
)
from domain.state.history import HistoryEntry
from domain.state.rows import BattleState, ChapterProgression, PlayerProgression, QuestRecord


class UserBody(Struct, kw_only=True):
    """What every read of a user begins with."""

    user_id: str
    version: int


class LeftOut(Struct):
    """How many rows `settled=none` leaves out."""

    quests: int
    battles: int


class User(UserBody, kw_only=True):
    """Everything the user owns but the history."""

    player_progression: PlayerProgression
    chapter_progression: list[ChapterProgression]
    quest_record: list[QuestRecord]
    battle_state: list[BattleState]
    inventory: dict[str, int]
    wallet: dict[str, int]
    affinity: dict[str, int]
    left_out: LeftOut | UnsetType = UNSET


class UserProgression(UserBody, kw_only=True):
    """Level and experience."""

    player_progression: PlayerProgression


class RatedChapter(ChapterProgression, frozen=True, kw_only=True):
    """A chapter's row, and how far what happened is from its plan."""

    deviation: ChapterDeviation


class UserChapters(UserBody, kw_only=True):
    """Every chapter, and the story they make together."""

    chapter_progression: list[RatedChapter]
    story_deviation: StoryDeviation
    next_after: str | UnsetType = UNSET


class UserChapter(UserBody, kw_only=True):
    """One chapter."""

    chapter_progression: RatedChapter


class UserQuests(UserBody, kw_only=True):
    """Every quest, in the order in which they were offered."""

    quest_record: list[QuestRecord]
    next_after: str | UnsetType = UNSET


class UserQuest(UserBody, kw_only=True):
    """One quest."""

    quest_record: QuestRecord


class UserBattles(UserBody, kw_only=True):
    """Every battle, in the order in which they were started."""

    battle_state: list[BattleState]
    next_after: str | UnsetType = UNSET


class UserBattle(UserBody, kw_only=True):
    """One battle."""

    battle_state: BattleState


class UserHistory(UserBody, kw_only=True):
    """What was granted, why, and under which rules; oldest first."""

    history: list[HistoryEntry]
    next_after: int | UnsetType = UNSET


class LevelBenchmark(BaseModel):
    """One level of the curve: what the whole level costs, and what all before it cost."""

    level: int
    xp_to_next: int
    cumulative_xp: int
    reference_strength: int


class Rules(BaseModel):
    """The rules in force, defaults spelt out and curves as the figures they come to."""

    name: str
    source: str
    fingerprint: str
    level_cap: int
    level_benchmarks: list[LevelBenchmark]
    tiers: TiersRules
    bands: BandsRules
    quest_weights: QuestWeightRules
    pseudo_levels: PseudoLevelRules
    combat: CombatRules
    hostile_experience: HostileExperienceRules
    penalties: PenaltyRules
    deviation: DeviationRules
    loot: dict[str, LootTable]


class HostAway(Struct):
    """A host whose users are not served now, for how many seconds and why."""

    host: str
    state: HostState
    seconds: float
    reason: str


class Status(Struct):
    """What the server says of itself: `up` or `ready`; who is away although it is ready."""

    status: str
    hosts_away: list[HostAway] | UnsetType = UNSET


STRUCTS: tuple[type[Struct], ...] = (
    ReplyBody,
    BriefReply,
    UserReply,
    BriefUserReply,
    User,
    UserProgression,
    UserChapters,
    UserChapter,
    UserQuests,
    UserQuest,
    UserBattles,
    UserBattle,
    UserHistory,
    Status,
    ClusterStatus,
    UserPlace,
)
