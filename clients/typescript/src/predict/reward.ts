/** What a quest or a victory pays: experience, ledger, goods, each as the server writes it. */
import type { components } from "../api.js";
import { opened, type Goods } from "./loot.js";
import { byBudget, byDifference, MAX, type Rules } from "./worth.js";

type Schemas = components["schemas"];
export type Progression = Schemas["PlayerProgression"];
export type Chapter = Schemas["ChapterProgression"];
export type Quest = Schemas["QuestRecord"];
export type Battle = Schemas["BattleState"];
export type Changes = Schemas["Changes"];
export type Event = Schemas["Event"];

/** A user's rows: tables as maps by id. */
export interface State {
  readonly player_progression?: Progression;
  readonly chapter_progression?: Readonly<Record<string, Chapter>>;
  readonly quest_record?: Readonly<Record<string, Quest>>;
  readonly battle_state?: Readonly<Record<string, Battle>>;
  readonly inventory?: Readonly<Record<string, number>>;
  readonly wallet?: Readonly<Record<string, number>>;
  readonly affinity?: Readonly<Record<string, number>>;
}

/** What a command does, or the code of its refusal; undefined where a client cannot know. */
export type Decision = { readonly changes: Changes; readonly events: readonly Event[] } | { readonly code: string } | undefined;

export interface Grant {
  readonly userId: string;
  readonly cause: "quest" | "battle";
  readonly causeId: string;
  readonly planned: number;
  readonly chapterId: string | null;
  readonly reward: Schemas["Reward"];
  readonly hostile?: Schemas["Hostile"];
}

const FULL = { code: "invalid_field" };

/** `happened` and its rows, with all that `grant` pays. */
export function payOut(state: State, grant: Grant, happened: readonly Event[], now: number, rules: Rules, rows: Changes): Decision {
  const before = state.player_progression ?? unwritten(grant.userId, rules);
  const chapter = grant.chapterId === null ? undefined : state.chapter_progression?.[grant.chapterId];
  const worth = worthOf(grant, before.level, chapter, rules);
  if (!worth) return undefined;
  const { amount, factors } = worth;
  const source = grant.hostile ? "hostile_npc" : "quest";
  const after = granted(before, amount, source, now, rules);
  const ledger = chapter && booked(chapter, grant, amount, after?.level ?? 0, now);
  const [goods, openings] = opened(grant.userId, grant.cause, grant.causeId, grant.reward, rules);
  const held = [given(state.inventory, goods.items), given(state.wallet, goods.currency), given(state.affinity, goods.affinity)];
  if (!after || (chapter && !ledger) || held.includes(undefined)) return FULL;
  const changes: Changes = { ...rows };
  if (amount > 0) changes.player_progression = after;
  if (ledger && ledger !== chapter) changes.chapter_progression = [ledger];
  (["inventory", "wallet", "affinity"] as const).forEach((name, place) => {
    if (Object.keys(held[place]!).length) changes[name] = held[place]!;
  });
  const events = [...happened];
  if (grant.planned > 0) {
    events.push({
      type: "experience_granted",
      source,
      amount,
      planned: grant.planned,
      ...(chapter && { chapter_id: chapter.chapter_id }),
      ...(factors.length && { factors }),
    });
    for (let level = before.level + 1; level <= after.level; level++) events.push({ type: "level_reached", level });
  }
  if (ledger && ledger !== chapter) events.push(ledgerEvent(ledger.chapter_id, grant, amount));
  return { changes, events: [...events, ...openings, ...goodsEvents(goods)] };
}

function unwritten(user_id: string, rules: Rules): Progression {
  return {
    user_id,
    level: 1,
    current_level_xp: 0,
    total_xp: 0,
    xp_to_next_level: costOf(1, rules),
    pending_level_ups: 0,
    last_granted_source: null,
    created_at: 0,
    updated_at: 0,
  };
}

const costOf = (level: number, rules: Rules): number => (level <= rules.level_cap ? rules.level_benchmarks[level - 1]!.xp_to_next : 0);

/** Undefined: more than a row can hold. */
function granted(row: Progression, amount: number, source: "quest" | "hostile_npc", now: number, rules: Rules): Progression | undefined {
  if (!amount) return row;
  const total = row.total_xp + amount;
  if (total > Number.MAX_SAFE_INTEGER) return undefined;
  let [level, current, cost] = [row.level, row.current_level_xp + amount, row.xp_to_next_level];
  while (cost > 0 && cost <= current) {
    current -= cost;
    level += 1;
    cost = costOf(level, rules);
  }
  return {
    ...row,
    level,
    current_level_xp: current,
    total_xp: total,
    xp_to_next_level: cost,
    pending_level_ups: row.pending_level_ups + level - row.level,
    last_granted_source: source,
    created_at: row.created_at || now,
    updated_at: now,
  };
}

type Worth = { readonly amount: number; readonly factors: Schemas["Factor"][] };

/** Undefined where counts decide that a client is not shown, or a rule that this client does not know. */
function worthOf(grant: Grant, level: number, chapter: Chapter | undefined, rules: Rules): Worth | undefined {
  const { level_difference, repeat, over_budget } = rules.penalties;
  const factors: Schemas["Factor"][] = [];
  let amount = BigInt(grant.planned);
  const apply = (rule: Schemas["Factor"]["rule"], after: bigint): void => {
    if (after !== amount) factors.push({ rule, before: Number(amount), after: Number(after) });
    amount = after;
  };
  if (grant.planned > 0) {
    const target = grant.hostile?.level ?? (chapter && Math.floor(pseudoLevel(chapter) / 1000));
    if (target !== undefined) {
      const after = byDifference(amount, level, target, grant.hostile ? level_difference.kills : level_difference.quests);
      if (after === undefined) return undefined;
      apply("level_difference", after < MAX ? after : MAX);
    }
    if (grant.hostile && repeat.kind !== "none") return undefined;
    if (chapter && over_budget.kind !== "none") {
      if (over_budget.kind !== "decay") return undefined;
      const [budget, spent] = grant.hostile
        ? [chapter.planned_hostile_xp, chapter.actual_hostile_xp]
        : [chapter.planned_quest_xp, chapter.actual_quest_xp];
      apply("over_budget", byBudget(amount, BigInt(spent), BigInt(budget), over_budget));
    }
  }
  return { amount: Number(amount), factors };
}

function pseudoLevel(chapter: Chapter): number {
  const [entry, leave] = [chapter.entry_pseudo_level_millis, chapter.exit_pseudo_level_millis];
  const planned = BigInt(chapter.planned_total_xp);
  if (!planned) return entry;
  const actual = BigInt(chapter.actual_quest_xp) + BigInt(chapter.actual_hostile_xp);
  return entry + Number((BigInt(leave - entry) * (actual < planned ? actual : planned)) / planned);
}

/** The chapter with the grant in its ledger, or as it was; undefined: more than it can hold. */
function booked(row: Chapter, grant: Grant, amount: number, level: number, now: number): Chapter | undefined {
  const { quest_xp, hostile_xp, defeats } = ledgerEvent(row.chapter_id, grant, amount);
  const quest = row.actual_quest_xp + quest_xp;
  const hostile = row.actual_hostile_xp + hostile_xp;
  const count = row.actual_hostile_defeat_count + defeats;
  if (Math.max(quest, hostile, count) > Number.MAX_SAFE_INTEGER) return undefined;
  if (!amount && !defeats && level === row.level_at_exit) return row;
  return {
    ...row,
    actual_quest_xp: quest,
    actual_hostile_xp: hostile,
    actual_hostile_defeat_count: count,
    level_at_exit: level,
    updated_at: now,
    hostile_tiers: row.hostile_tiers.map((share) =>
      share.tier === grant.hostile?.tier
        ? { ...share, actual_xp: share.actual_xp + hostile_xp, actual_defeat_count: share.actual_defeat_count + 1 }
        : share,
    ),
  };
}

function ledgerEvent(chapter_id: string, grant: Grant, amount: number): Schemas["ChapterLedgerApplied"] {
  const [quest_xp, hostile_xp, defeats] = grant.hostile ? [0, amount, 1] : [amount, 0, 0];
  return { type: "chapter_ledger_applied", chapter_id, quest_xp, hostile_xp, defeats };
}

/** The rows of `held` that `gained` moves, as held afterwards; undefined: more than a row can hold. */
function given(held: Readonly<Record<string, number>> = {}, gained: Readonly<Record<string, number>>): Record<string, number> | undefined {
  const after: Record<string, number> = {};
  for (const name of listed(gained)) {
    after[name] = (held[name] ?? 0) + gained[name]!;
    if (!Number.isSafeInteger(after[name])) return undefined;
  }
  return after;
}

const listed = (amounts: Readonly<Record<string, number>>): string[] =>
  Object.keys(amounts)
    .filter((name) => amounts[name])
    .sort();

const goodsEvents = (goods: Goods): Event[] => [
  ...listed(goods.items).map((item_id): Event => ({ type: "items_granted", item_id, count: goods.items[item_id]! })),
  ...listed(goods.currency).map((currency): Event => ({ type: "currency_granted", currency, amount: goods.currency[currency]! })),
  ...listed(goods.affinity).map((npc_id): Event => ({ type: "affinity_changed", npc_id, amount: goods.affinity[npc_id]! })),
];
