"""Playthrough: one simulated player's story, every command decided by the real rules.

Nothing is modelled that the rules decide: commands go through `domain.decide`, the state is the one
a user's actor holds, and what a player does depends on their own dice and on what came back.  Only
what a server would write to its store is dropped meanwhile: history entries that are counted
already, and quests and battles of chapters that are over (`Player.forget`).

Not for: many players (`run`), or adding up what they did (`totals`).
"""

from random import Random

from msgspec import Struct
from msgspec.structs import replace

from designer.simulation.attribution import CAUSES, Attribution
from designer.simulation.script import ChapterScript, CompiledStory, FightStep, QuestStep
from designer.simulation.story_file import PlayerKind, Range
from domain.decide.dispatch import decide
from domain.game.defeat_counts import DAY
from domain.game.progression import progression_of
from domain.messages.commands import Command, decode_command
from domain.messages.rejections import Rejection
from domain.rules.deviation import DeviationBand, rate, rate_story
from domain.state.history import HISTORY_TAIL, HistoryEntry
from domain.state.row_table import RowTable
from domain.state.rows import BattleOutcome, BattleState, QuestRecord, Tier
from domain.state.user_state import UserState

FIRST_DAY = 20_000 * DAY
"""The simulated clock begins here (2024-10-04); rules only ask which day it is."""
_ACKNOWLEDGE = decode_command({"type": "acknowledge_level_ups", "command_id": "seen"})


class ChapterOutcome(Struct, frozen=True, gc=False):
    """What one chapter was for one player; `causes` are in the order of `CAUSES`."""

    band: DeviationBand
    actual_xp: int
    pseudo_level_millis: int
    causes: tuple[int, ...]


class Playthrough(Struct, frozen=True, gc=False):
    """One player's story from its first chapter to its last.

    `timeline` is seconds played and pseudo level reached, in thousandths, after each step; `goods`
    what the player holds in the end, by kind and id.
    """

    turns: int
    chapters: tuple[ChapterOutcome, ...]
    story_band: DeviationBand
    total_xp: int
    granted_xp: int
    timeline: tuple[tuple[int, int], ...]
    goods: dict[tuple[str, str], int]


class ImpossibleTurn(Exception):
    """The rules refused what the simulation did: a bug here, or rules that nobody can play."""


class Player:
    """A player of `kind` who plays `compiled`; `number` and `seed` make all their dice.

    `forget=False` keeps the whole history in memory, for tests that read it.
    """

    def __init__(
        self,
        compiled: CompiledStory,
        kind: PlayerKind,
        number: int,
        seed: int,
        *,
        forget: bool = True,
    ) -> None:
        self._compiled = compiled
        self._rules = compiled.rules
        self._kind = kind
        self._name = f"{seed}.{number}"
        self._dice = Random(f"questkeep/{seed}/{number}")
        self._skill = self._own(kind.skill_permille)
        self._side_quests = self._own(kind.side_quests_permille)
        self._fights = self._own(kind.fights_permille)
        self._extra_fights = self._own(kind.extra_fights_permille)
        self._seconds_per_day = 60 * self._own(kind.minutes_per_day)
        self._forget = forget
        self._causes = Attribution()
        self._battles = 0
        self._now = FIRST_DAY
        self._today = 0
        self.turns = 0
        self.state = UserState(f"player-{number}")
        self.granted_xp = 0

    def play(self) -> Playthrough:
        """The story from its first chapter to its last."""
        self._turn(self._compiled.compile_command)
        timeline: list[tuple[int, int]] = []
        chapters = tuple(self._chapter(script, timeline) for script in self._compiled.chapters)
        rows = self.state.chapters.values()
        return Playthrough(
            turns=self.turns,
            chapters=chapters,
            story_band=rate_story(rows, self._rules.deviation, finished=True).band,
            total_xp=progression_of(self.state, self._rules).total_xp,
            granted_xp=self.granted_xp,
            timeline=tuple(timeline),
            goods=self._goods(),
        )

    def _goods(self) -> dict[tuple[str, str], int]:
        state = self.state
        kinds = {"item": state.inventory, "currency": state.wallet, "affinity": state.affinity}
        return {(kind, name): held[name] for kind, held in kinds.items() for name in held}

    def _own(self, span: Range) -> int:
        return self._dice.randint(*span)

    def _chance(self, permille: int) -> bool:
        return self._dice.randrange(1000) < permille

    def _turn(self, command: Command) -> None:
        """One command, decided and applied as a user's actor does; the clock moves on."""
        decision = decide(self.state, command, self._now, self._rules)
        if isinstance(decision, Rejection):
            raise ImpossibleTurn(f"{command.type}: {decision.code}: {decision.detail}")
        changes = decision.changes
        self.state = self.state.put(changes)
        self.turns += 1
        for entry in changes.history:
            self._record(entry)
        self._pass_time()

    def _record(self, entry: HistoryEntry) -> None:
        self.granted_xp += entry.amount
        for factor in entry.factors:
            self._causes.add(factor.rule, factor.after - factor.before)
        if self._forget and len(self.state.history) > 2 * HISTORY_TAIL:
            self.state = self.state.without_history_through(entry.sequence)

    def _pass_time(self) -> None:
        step = self._compiled.story.seconds_per_turn
        self._today += step
        self._now += step * 1_000_000
        if self._today >= self._seconds_per_day:
            self._now = (self._now // DAY + 1) * DAY
            self._today = 0

    # -- a chapter -------------------------------------------------------------------------------

    def _chapter(self, script: ChapterScript, timeline: list[tuple[int, int]]) -> ChapterOutcome:
        self._causes = Attribution()
        plan, step_seconds = script.plan, self._compiled.story.seconds_per_turn
        for step in script.steps:
            if isinstance(step, QuestStep):
                self._quest(step)
            else:
                self._story_fight(step, plan.chapter_id)
            timeline.append((self.turns * step_seconds, self._pseudo_level()))
        self._fight_again(script)
        if (row := self.state.player_progression) is not None and row.pending_level_ups:
            self._turn(_ACKNOWLEDGE)
        timeline.append((self.turns * step_seconds, self._pseudo_level()))
        if self._forget:
            quests = RowTable(QuestRecord, self.state.open_quests.rows)
            battles = RowTable(BattleState, self.state.open_battles)
            self.state = replace(self.state, quests=quests, battles=battles)
        ledger = self.state.chapters[plan.chapter_id]
        actual = ledger.actual_quest_xp + ledger.actual_hostile_xp
        self._causes.attribute_rest(plan.planned_total_xp, actual)
        return ChapterOutcome(
            band=rate(ledger, self._rules.deviation).band,
            actual_xp=actual,
            pseudo_level_millis=timeline[-1][1],
            causes=tuple(self._causes.amounts[name] for name in CAUSES),
        )

    def _pseudo_level(self) -> int:
        row = progression_of(self.state, self._rules)
        if row.xp_to_next_level == 0:
            return 1000 * row.level
        return 1000 * row.level + 1000 * row.current_level_xp // row.xp_to_next_level

    def _quest(self, step: QuestStep) -> None:
        self._turn(step.offer)
        if step.side and not self._chance(self._side_quests):
            self._turn(step.abandon)
            self._causes.add("side_quests", -step.experience)
        else:
            self._turn(step.turn_in)

    def _story_fight(self, step: FightStep, chapter_id: str) -> None:
        """A hostile of the plan: run from it, or fight, and again as often as the kind tries."""
        if not self._chance(self._fights):
            battle = self._start(step, chapter_id)
            self._turn(_action(battle.battle_id, "escape"))
            self._causes.add("avoided_fights", -battle.experience_reward)
            return
        for _ in range(1 + self._kind.retries):
            battle = self._fight(step, chapter_id)
            if battle.outcome is BattleOutcome.VICTORY:
                return
        self._causes.add("lost_fights", -battle.experience_reward)

    def _fight_again(self, script: ChapterScript) -> None:
        """Fights beyond the story's, after it."""
        if not script.rematches or not self._extra_fights:
            return
        expected = script.plan.expected_hostile_defeat_count
        whole, part = divmod(expected * self._extra_fights, 1000)
        for _ in range(whole + self._chance(part)):
            step = script.rematches[self._dice.randrange(len(script.rematches))]
            battle = self._fight(step, script.plan.chapter_id)
            if battle.outcome is BattleOutcome.VICTORY:
                self._causes.add("extra_fights", battle.experience_reward)

    def _start(self, step: FightStep, chapter_id: str) -> BattleState:
        self._battles += 1
        battle_id = f"{self._name}.{self._battles}"
        self._turn(
            decode_command(
                {
                    "type": "start_battle",
                    "command_id": battle_id,
                    "battle_id": battle_id,
                    "chapter_id": chapter_id,
                    "hostile": {"hostile_id": step.hostile_id, "tier": step.tier},
                }
            )
        )
        return self.state.battles[battle_id]

    def _fight(self, step: FightStep, chapter_id: str) -> BattleState:
        """One battle to its end.  Without the luck of skill the player gives it up half way."""
        battle = self._start(step, chapter_id)
        battle_id = battle.battle_id
        heavy = step.tier in (Tier.ELITE, Tier.BOSS)
        blow = _action(battle_id, "skill" if heavy else "attack")
        wins = self._chance(self._skill)
        while battle.outcome is BattleOutcome.ONGOING:
            if not wins and 2 * battle.hostile.hp <= battle.hostile.hp_max:
                blow = _action(battle_id, "yield")
            self._turn(blow)
            battle = self.state.battles[battle_id]
        return battle


def _action(battle_id: str, action: str) -> Command:
    return decode_command(
        {
            "type": "resolve_combat_action",
            "command_id": battle_id,
            "battle_id": battle_id,
            "action": action,
        }
    )
