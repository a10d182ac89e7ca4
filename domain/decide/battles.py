"""What commands about battles do: open one, move it, and pay for a victory.

Not for: blows and dice (`combat`), how strong a hostile is (`profiles`), what it pays (`rewards`).
"""

from domain.decide.quests import signalled
from domain.game import combat
from domain.game.chapters import promised_to
from domain.game.loot import unknown_tables
from domain.game.profiles import PlanInForce, player_profile, resolve_hostile
from domain.game.progression import progression_of
from domain.game.rewards import NO_GOODS, Grant, pay_out
from domain.messages.commands import ResolveCombatAction, StartBattle
from domain.messages.decision import Decision
from domain.messages.events import AnyEvent, BattleEnded, BattleStarted
from domain.messages.rejections import Code, Rejection
from domain.rules.compiled_rules import Rules
from domain.state.history import Cause
from domain.state.rows import BattleOutcome, BattleState, Reward, Source
from domain.state.user_state import Changes, UserState

DEFEAT = "defeat"
"""The signal that a victory emits, with the hostile's id as its target."""


def start_battle(
    state: UserState, command: StartBattle, now: int, rules: Rules
) -> Decision | Rejection:
    """A battle with both profiles and all it pays fixed: its end looks nothing up [seed]."""
    before = state.battle(command.battle_id)
    if before is not None:
        return Rejection(
            Code.BATTLE_EXISTS,
            f"battle_id {command.battle_id} is taken by a battle that is {before.outcome}, "
            "expected a new id",
        )
    reward = _reward(command, rules)
    if (refusal := unknown_tables(reward.loot, rules)) is not None:
        return refusal
    level = progression_of(state, rules).level
    resolved = resolve_hostile(
        command.hostile, command.experience_reward, _plan(state, command), level, rules
    )
    battle = BattleState(
        battle_id=command.battle_id,
        user_id=state.user_id,
        chapter_id=command.chapter_id,
        mode=command.mode,
        hostile=resolved.hostile,
        player=player_profile(level, rules),
        turn=0,
        outcome=BattleOutcome.ONGOING,
        experience_reward=resolved.experience_reward,
        created_at=now,
        updated_at=now,
        reward=reward,
    )
    started = BattleStarted(
        battle.battle_id,
        battle.hostile.hostile_id,
        battle.experience_reward,
        resolved.resolved_from,
    )
    return Decision(Changes(battle_state=(battle,)), (started,))


def _plan(state: UserState, command: StartBattle) -> PlanInForce | None:
    """The plan of the battle's chapter, with what its open battles were promised."""
    chapter = None if command.chapter_id is None else state.chapters.get(command.chapter_id)
    if chapter is None:
        return None
    return PlanInForce(
        chapter, promised_to(state.open_battles.values(), chapter, command.hostile.tier)
    )


def _reward(command: StartBattle, rules: Rules) -> Reward:
    """What a victory pays beside experience: what the caller says, and loot by the tier if not."""
    goods, own = command.reward, rules.tiers[command.hostile.tier].loot
    by_tier = {} if own is None else {own: 1}
    if goods is None:
        return Reward(loot=by_tier) if by_tier else NO_GOODS
    loot = by_tier if goods.loot is None else goods.loot
    return Reward(None, goods.items, goods.currency, goods.affinity, loot)


def resolve_combat_action(
    state: UserState, command: ResolveCombatAction, now: int, rules: Rules
) -> Decision | Rejection:
    """One action.  Only a victory pays: a spar is no kill [seed]."""
    battle = state.battle(command.battle_id)
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
    events = (turn, BattleEnded(after.battle_id, after.outcome))
    if after.outcome is BattleOutcome.VICTORY:
        return _victory(state, command.command_id, after, events, now, rules)
    return Decision(Changes(battle_state=(after,)), events)


def _victory(
    state: UserState,
    command_id: str,
    battle: BattleState,
    events: tuple[AnyEvent, ...],
    now: int,
    rules: Rules,
) -> Decision | Rejection:
    """The battle's end, the quests it moves, and what it pays."""
    moved, progress = signalled(state, DEFEAT, battle.hostile.hostile_id, 1, now)
    grant = Grant(
        command_id=command_id,
        cause=Cause.BATTLE,
        cause_id=battle.battle_id,
        source=Source.HOSTILE_NPC,
        planned=battle.experience_reward,
        chapter_id=battle.chapter_id,
        goods=battle.reward,
        hostile=battle.hostile,
    )
    return pay_out(state, grant, (*events, *progress), now, rules, moved, (battle,))
