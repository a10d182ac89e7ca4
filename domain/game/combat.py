"""Battles: opened with both profiles fixed, moved one action at a time, ended once.

Knows nothing of progression [seed]: levels and strengths arrive in the profiles.
"""

from hashlib import blake2b
from typing import Literal

from msgspec.structs import replace

from domain.messages.events import CombatTurnResolved
from domain.messages.rejections import Code, Rejection
from domain.rules.compiled_rules import CombatRules
from domain.state.rows import INTEGER_MAX, BattleMode, BattleOutcome, BattleState

Action = Literal["attack", "guard", "skill", "escape", "yield"]


def resolve_combat_action(
    battle: BattleState, action: Action, now: int, rules: CombatRules
) -> tuple[BattleState, CombatTurnResolved] | Rejection:
    """The battle after one more turn, and what happened in it [seed].

    The player strikes first; a hostile that still stands strikes back.  `escape` always succeeds;
    `yield` is a defeat in a fight.  The numbers depend on the rows, the battle id and the turn
    only, so a replay gives them again.
    """
    if battle.outcome is not BattleOutcome.ONGOING:
        return Rejection(
            Code.BATTLE_OVER,
            f"battle {battle.battle_id} ended in {battle.outcome}, expected one that is ongoing",
        )
    turn = battle.turn + 1
    player, hostile = battle.player, battle.hostile
    dealt = taken = 0
    if action == "escape":
        outcome = BattleOutcome.ESCAPED
    elif action == "yield":
        outcome = _ended(battle.mode, BattleOutcome.DEFEAT)
    else:
        stance = rules.stances[action]
        player_roll, hostile_roll = _rolls(battle.battle_id, turn, rules)
        dealt = damage(player.attack, hostile.defense, stance.dealt_permille, player_roll)
        hostile = replace(hostile, hp=max(0, hostile.hp - dealt))
        if hostile.hp > 0:
            taken = damage(hostile.attack, player.defense, stance.taken_permille, hostile_roll)
            player = replace(player, hp=max(0, player.hp - taken))
        if hostile.hp == 0:
            outcome = _ended(battle.mode, BattleOutcome.VICTORY)
        elif player.hp == 0:
            outcome = _ended(battle.mode, BattleOutcome.DEFEAT)
        else:
            outcome = BattleOutcome.ONGOING
    after = replace(
        battle, hostile=hostile, player=player, turn=turn, outcome=outcome, updated_at=now
    )
    return after, CombatTurnResolved(
        battle_id=battle.battle_id,
        turn=turn,
        action=action,
        damage_dealt=dealt,
        damage_taken=taken,
    )


def damage(attack: int, defense: int, stance_permille: int, roll_permille: int) -> int:
    """Hit points lost: attack² / (attack + defense), shaped by stance and roll; 1 to 53 bits.

    A blow against defense 0 is worth the whole attack, one against defense equal to it half.
    """
    blow = attack * attack * stance_permille * roll_permille // ((attack + defense) * 1_000_000)
    return min(max(1, blow), INTEGER_MAX)


def _ended(mode: BattleMode, outcome: BattleOutcome) -> BattleOutcome:
    """A spar ends as complete, whoever falls: it is no kill [seed]."""
    return BattleOutcome.SPAR_COMPLETE if mode is BattleMode.SPAR else outcome


def _rolls(battle_id: str, turn: int, rules: CombatRules) -> tuple[int, int]:
    """The dice of both sides in this turn, in thousandths."""
    seed = blake2b(f"{battle_id}/{turn}".encode(), digest_size=8).digest()
    faces = rules.roll_max_permille - rules.roll_min_permille + 1
    return (
        rules.roll_min_permille + int.from_bytes(seed[:4]) % faces,
        rules.roll_min_permille + int.from_bytes(seed[4:]) % faces,
    )
