"""Decide: what a command does to a user, in one transaction.  Pure: changes and reads nothing.

This is the one place where combat, quests, progression and chapters meet [seed]: a turn-in grants
experience and writes the chapter's ledger, and all of it stands or falls together.

    (state, command, now, rules) -> Decision (rows after, events) | Rejection
"""

from typing import assert_never

from domain import chapters, combat, profiles, progression, quests
from domain.commands import (
    AbandonQuest,
    AcknowledgeLevelUps,
    ApplyChapterLedgerEntry,
    Command,
    GrantExperience,
    OfferQuest,
    ResolveCombatAction,
    StartBattle,
    TurnInQuest,
    UpsertChapter,
)
from domain.events import (
    BattleEnded,
    BattleStarted,
    ChapterLedgerApplied,
    ChapterPlanned,
    LevelUpsAcknowledged,
    QuestAbandoned,
    QuestOffered,
    QuestTurnedIn,
)
from domain.rejections import Code, Rejection
from domain.rewards import settle_experience, settle_goods
from domain.rows import BattleOutcome, BattleState, PlayerProgression, Source
from domain.rules import Rules
from domain.state import NO_CHANGE, Changes, Decision, UserState


def decide(state: UserState, command: Command, now: int, rules: Rules) -> Decision | Rejection:
    """What `command` does to `state` at `now` (microseconds) under `rules`.

    A decision without changes writes nothing and leaves no receipt: asking again asks anew.
    """
    match command:
        case TurnInQuest():
            return _turn_in_quest(state, command, now, rules)
        case ResolveCombatAction():
            return _resolve_combat_action(state, command, now, rules)
        case GrantExperience():
            return _grant_experience(state, command, now, rules)
        case OfferQuest():
            return _offer_quest(state, command, now)
        case StartBattle():
            return _start_battle(state, command, now, rules)
        case UpsertChapter():
            return _upsert_chapter(state, command, now, rules)
        case ApplyChapterLedgerEntry():
            return _apply_chapter_ledger_entry(state, command, now)
        case AcknowledgeLevelUps():
            return _acknowledge_level_ups(state, now)
        case AbandonQuest():
            return _abandon_quest(state, command, now)
        case _:
            assert_never(command)


def progression_of(state: UserState, rules: Rules) -> PlayerProgression:
    """The user's progression row, or the default one; reading it writes nothing [seed]."""
    return state.player_progression or progression.default_player_progression(state.user_id, rules)


def _turn_in_quest(
    state: UserState, command: TurnInQuest, now: int, rules: Rules
) -> Decision | Rejection:
    quest = state.quests.get(command.quest_id)
    if quest is None:
        return _no_quest(command.quest_id)
    after = quests.turn_in_quest(quest, now)
    if isinstance(after, Rejection):
        return after
    settled = settle_experience(
        progression_of(state, rules),
        state.chapters.get(after.chapter_id) if after.chapter_id is not None else None,
        amount=after.reward.experience or 0,
        source=Source.QUEST,
        defeats=0,
        now=now,
        rules=rules,
    )
    if isinstance(settled, Rejection):
        return settled
    goods = settle_goods(state, after.reward)
    if isinstance(goods, Rejection):
        return goods
    return Decision(
        Changes(
            player_progression=settled.player_progression,
            chapter_progression=settled.chapter_progression,
            quest_record=(after,),
            inventory=goods.inventory,
            wallet=goods.wallet,
            affinity=goods.affinity,
        ),
        (QuestTurnedIn(after.quest_id), *settled.events, *goods.events),
    )


def _resolve_combat_action(
    state: UserState, command: ResolveCombatAction, now: int, rules: Rules
) -> Decision | Rejection:
    battle = state.battles.get(command.battle_id)
    if battle is None:
        return Rejection(
            Code.BATTLE_NOT_FOUND, f"battle_id is {command.battle_id}, which was never started"
        )
    resolved = combat.resolve_combat_action(battle, command.action, now, rules.combat)
    if isinstance(resolved, Rejection):
        return resolved
    after, turn = resolved
    if after.outcome is BattleOutcome.ONGOING:
        return Decision(Changes(battle_state=(after,)), (turn,))
    ended = BattleEnded(after.battle_id, after.outcome)
    if after.outcome is not BattleOutcome.VICTORY:
        return Decision(Changes(battle_state=(after,)), (turn, ended))
    settled = settle_experience(
        progression_of(state, rules),
        state.chapters.get(after.chapter_id) if after.chapter_id is not None else None,
        amount=after.experience_reward,
        source=Source.HOSTILE_NPC,
        defeats=1,
        now=now,
        rules=rules,
    )
    if isinstance(settled, Rejection):
        return settled
    return Decision(
        Changes(
            player_progression=settled.player_progression,
            chapter_progression=settled.chapter_progression,
            battle_state=(after,),
        ),
        (turn, ended, *settled.events),
    )


def _grant_experience(
    state: UserState, command: GrantExperience, now: int, rules: Rules
) -> Decision | Rejection:
    if command.amount == 0:
        return NO_CHANGE
    settled = settle_experience(
        progression_of(state, rules),
        None,
        amount=command.amount,
        source=command.source,
        defeats=0,
        now=now,
        rules=rules,
    )
    if isinstance(settled, Rejection):
        return settled
    return Decision(Changes(player_progression=settled.player_progression), settled.events)


def _offer_quest(state: UserState, command: OfferQuest, now: int) -> Decision | Rejection:
    quest = quests.offer_quest(state.user_id, state.quests.get(command.quest_id), command, now)
    if isinstance(quest, Rejection):
        return quest
    return Decision(Changes(quest_record=(quest,)), (QuestOffered(quest.quest_id),))


def _start_battle(
    state: UserState, command: StartBattle, now: int, rules: Rules
) -> Decision | Rejection:
    before = state.battles.get(command.battle_id)
    if before is not None:
        return Rejection(
            Code.BATTLE_EXISTS,
            f"battle_id {command.battle_id} is taken by a battle that is {before.outcome}, "
            "expected a new id",
        )
    level = progression_of(state, rules).level
    hostile = profiles.hostile_profile(command.hostile, level, rules)
    reward = command.experience_reward
    battle = BattleState(
        battle_id=command.battle_id,
        user_id=state.user_id,
        chapter_id=command.chapter_id,
        mode=command.mode,
        hostile=hostile,
        player=profiles.player_profile(level, rules),
        turn=0,
        outcome=BattleOutcome.ONGOING,
        experience_reward=profiles.fallback_experience(hostile, rules)
        if reward is None
        else reward,
        created_at=now,
        updated_at=now,
    )
    started = BattleStarted(battle.battle_id, hostile.hostile_id, battle.experience_reward)
    return Decision(Changes(battle_state=(battle,)), (started,))


def _upsert_chapter(
    state: UserState, command: UpsertChapter, now: int, rules: Rules
) -> Decision | Rejection:
    chapter = chapters.upsert_chapter_progression(
        state.user_id,
        state.chapters.get(command.chapter_id),
        command,
        progression_of(state, rules).level,
        now,
    )
    if isinstance(chapter, Rejection):
        return chapter
    return Decision(Changes(chapter_progression=(chapter,)), (ChapterPlanned(chapter.chapter_id),))


def _apply_chapter_ledger_entry(
    state: UserState, command: ApplyChapterLedgerEntry, now: int
) -> Decision | Rejection:
    before = state.chapters.get(command.chapter_id)
    if before is None:
        return Rejection(
            Code.CHAPTER_NOT_FOUND, f"chapter_id is {command.chapter_id}, which has no plan"
        )
    after = chapters.apply_chapter_progression_ledger_entry(
        before,
        granted_quest_xp=command.granted_quest_xp,
        granted_hostile_xp=command.granted_hostile_xp,
        hostile_defeat_increment=command.hostile_defeat_increment,
        level_at_exit=command.level_at_exit,
        now=now,
    )
    if isinstance(after, Rejection):
        return after
    if after is before:
        return NO_CHANGE
    applied = ChapterLedgerApplied(
        chapter_id=command.chapter_id,
        quest_xp=command.granted_quest_xp,
        hostile_xp=command.granted_hostile_xp,
        defeats=command.hostile_defeat_increment,
    )
    return Decision(Changes(chapter_progression=(after,)), (applied,))


def _acknowledge_level_ups(state: UserState, now: int) -> Decision:
    row = state.player_progression
    if row is None or row.pending_level_ups == 0:
        return NO_CHANGE
    return Decision(
        Changes(player_progression=progression.acknowledge_level_ups(row, now)),
        (LevelUpsAcknowledged(row.pending_level_ups),),
    )


def _abandon_quest(state: UserState, command: AbandonQuest, now: int) -> Decision | Rejection:
    quest = state.quests.get(command.quest_id)
    if quest is None:
        return _no_quest(command.quest_id)
    after = quests.abandon_quest(quest, now)
    if isinstance(after, Rejection):
        return after
    if after is quest:
        return NO_CHANGE
    return Decision(Changes(quest_record=(after,)), (QuestAbandoned(after.quest_id),))


def _no_quest(quest_id: str) -> Rejection:
    return Rejection(Code.QUEST_NOT_FOUND, f"quest_id is {quest_id}, which was never offered")
