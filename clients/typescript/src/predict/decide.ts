/** The four rules of a player's commands, as the server decides them. */
import { blake2b } from "./blake2b.js";
import { payOut, type Battle, type Decision, type Event, type Quest, type State } from "./reward.js";
import { MAX, type Rules } from "./worth.js";

export type { Decision, State } from "./reward.js";
export type { Rules } from "./worth.js";

interface PlayerCommand {
  readonly type: string;
  readonly quest_id?: string;
  readonly battle_id?: string;
  readonly action?: string;
}

/** What `command` does to `state` at `now` (microseconds); undefined for a command that is not predicted. */
export function decide(state: State, command: PlayerCommand, now: number, rules: Rules): Decision {
  switch (command.type) {
    case "turn_in_quest":
      return turnIn(state, state.quest_record?.[command.quest_id!], now, rules);
    case "abandon_quest":
      return abandon(state.quest_record?.[command.quest_id!], now);
    case "acknowledge_level_ups":
      return acknowledge(state, now);
    case "resolve_combat_action":
      return act(state, state.battle_state?.[command.battle_id!], command.action!, now, rules);
    default:
      return undefined;
  }
}

const UNCHANGED: Decision = { changes: {}, events: [] };

function turnIn(state: State, quest: Quest | undefined, now: number, rules: Rules): Decision {
  if (!quest) return { code: "quest_not_found" };
  if (quest.status === "turned_in") return { code: "quest_already_turned_in" };
  if (quest.status !== "ready_to_turn_in") return { code: "quest_not_ready" };
  const { quest_id, user_id, chapter_id, reward } = quest;
  const grant = { userId: user_id, cause: "quest", causeId: quest_id, planned: reward.experience ?? 0, chapterId: chapter_id, reward } as const;
  const rows = { quest_record: [{ ...quest, status: "turned_in" as const, updated_at: now }] };
  return payOut(state, grant, [{ type: "quest_turned_in", quest_id }], now, rules, rows);
}

function abandon(quest: Quest | undefined, now: number): Decision {
  if (!quest) return { code: "quest_not_found" };
  if (quest.status === "turned_in") return { code: "quest_already_turned_in" };
  if (quest.status === "abandoned") return UNCHANGED;
  const changes = { quest_record: [{ ...quest, status: "abandoned" as const, updated_at: now }] };
  return { changes, events: [{ type: "quest_abandoned", quest_id: quest.quest_id }] };
}

function acknowledge(state: State, now: number): Decision {
  const row = state.player_progression;
  if (!row?.pending_level_ups) return UNCHANGED;
  const changes = { player_progression: { ...row, pending_level_ups: 0, updated_at: now } };
  return { changes, events: [{ type: "level_ups_acknowledged", count: row.pending_level_ups }] };
}

function act(state: State, battle: Battle | undefined, action: string, now: number, rules: Rules): Decision {
  if (!battle) return { code: "battle_not_found" };
  if (battle.outcome !== "ongoing") return { code: "battle_over" };
  const after = nextTurn(battle, action, rules);
  if (!after) return undefined;
  const { battle_id, turn, outcome, hostile } = after;
  const damage_dealt = after.dealt;
  const damage_taken = after.taken;
  const row: Battle = { ...battle, hostile, player: after.player, turn, outcome, updated_at: now };
  const events: Event[] = [{ type: "combat_turn_resolved", battle_id, turn, action, damage_dealt, damage_taken }];
  if (outcome !== "ongoing") events.push({ type: "battle_ended", battle_id, outcome });
  if (outcome !== "victory") return { changes: { battle_state: [row] }, events };
  const { moved, progress } = defeated(state, hostile.hostile_id, now);
  const grant = {
    userId: battle.user_id,
    cause: "battle",
    causeId: battle_id,
    planned: battle.experience_reward,
    chapterId: battle.chapter_id,
    reward: battle.reward,
    hostile,
  } as const;
  const rows = { battle_state: [row], ...(moved.length && { quest_record: moved }) };
  return payOut(state, grant, [...events, ...progress], now, rules, rows);
}

type Turn = Pick<Battle, "battle_id" | "hostile" | "player" | "turn" | "outcome"> & { readonly dealt: number; readonly taken: number };

/** The player strikes first; a hostile that still stands strikes back. Undefined for an action not known here. */
function nextTurn(battle: Battle, action: string, rules: Rules): Turn | undefined {
  const { battle_id, mode } = battle;
  const turn = battle.turn + 1;
  let { player, hostile } = battle;
  const ended = (outcome: Battle["outcome"]): Battle["outcome"] => (mode === "spar" ? "spar_complete" : outcome);
  const still = { battle_id, player, hostile, turn, dealt: 0, taken: 0 };
  if (action === "escape") return { ...still, outcome: "escaped" };
  if (action === "yield") return { ...still, outcome: ended("defeat") };
  if (action !== "attack" && action !== "guard" && action !== "skill") return undefined;
  const stance = rules.combat.stances[action];
  const [playerRoll, hostileRoll] = rolls(battle_id, turn, rules);
  const dealt = damage(player.attack, hostile.defense, stance.dealt_permille, playerRoll);
  let taken = 0;
  hostile = { ...hostile, hp: Math.max(0, hostile.hp - dealt) };
  if (hostile.hp > 0) {
    taken = damage(hostile.attack, player.defense, stance.taken_permille, hostileRoll);
    player = { ...player, hp: Math.max(0, player.hp - taken) };
  }
  const outcome = hostile.hp === 0 ? ended("victory") : player.hp === 0 ? ended("defeat") : "ongoing";
  return { ...still, player, hostile, dealt, taken, outcome };
}

function damage(attack: number, defense: number, stance: number, roll: number): number {
  const strike = BigInt(attack);
  const blow = (strike * strike * BigInt(stance) * BigInt(roll)) / ((strike + BigInt(defense)) * 1_000_000n);
  return Number(blow < 1n ? 1n : blow > MAX ? MAX : blow);
}

/** The dice of both sides in this turn, in thousandths. */
function rolls(battleId: string, turn: number, rules: Rules): [number, number] {
  const { roll_min_permille, roll_max_permille } = rules.combat;
  const faces = BigInt(roll_max_permille - roll_min_permille + 1);
  const seed = blake2b(`${battleId}/${turn}`, 8);
  return [roll_min_permille + Number((seed >> 32n) % faces), roll_min_permille + Number((seed & 0xffff_ffffn) % faces)];
}

/** The quests that a defeat moves, and what it did to each. */
function defeated(state: State, hostileId: string, now: number): { moved: Quest[]; progress: Event[] } {
  const moved: Quest[] = [];
  const progress: Event[] = [];
  for (const quest of Object.values(state.quest_record ?? {})) {
    if (quest.status !== "active") continue;
    const asks = quest.objectives.map(({ kind, target, current, required }) => kind === "defeat" && target === hostileId && current < required);
    if (!asks.includes(true)) continue;
    const objectives = quest.objectives.map((objective, place) => (asks[place] ? { ...objective, current: objective.current + 1 } : objective));
    const ready = objectives.every(({ current, required }) => current === required);
    moved.push({ ...quest, objectives, status: ready ? "ready_to_turn_in" : "active", updated_at: now });
    const { quest_id } = quest;
    objectives.forEach(({ kind, target, current, required }, place) => {
      if (asks[place]) progress.push({ type: "quest_progressed", quest_id, kind, target, current, required });
    });
    if (ready) progress.push({ type: "quest_ready", quest_id });
  }
  return { moved, progress };
}
