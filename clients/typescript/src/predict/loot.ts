/** What comes out of a loot table: dice that hang on who opens which table, for what. */
import type { components } from "../api.js";
import { blake2b } from "./blake2b.js";
import type { Rules } from "./worth.js";

type Schemas = components["schemas"];
type Table = Rules["loot"][string];
type Drop = Schemas["LootDrop"];
type Amounts = Record<string, number>;
export type Opening = Schemas["LootOpened"] | Schemas["LootMissing"];

export interface Goods {
  readonly items: Amounts;
  readonly currency: Amounts;
  readonly affinity: Amounts;
}

const PARTS = { item: "items", currency: "currency", affinity: "affinity" } as const;
type Kind = keyof typeof PARTS;

/** The goods of a reward with what its tables dropped among them, and each opening. */
export function opened(userId: string, cause: string, causeId: string, reward: Schemas["Reward"], rules: Rules): [Goods, Opening[]] {
  const goods: Goods = { items: { ...reward.items }, currency: { ...reward.currency }, affinity: { ...reward.affinity } };
  const openings: Opening[] = [];
  for (const name of Object.keys(reward.loot ?? {}).sort()) {
    const table = rules.loot[name];
    if (!table) {
      openings.push({ type: "loot_missing", table: name });
      continue;
    }
    for (let opening = 1; opening <= reward.loot![name]!; opening++) {
      const drops = dropsOf(table, new Dice(`${userId}/${cause}/${causeId}/${name}/${opening}`));
      openings.push({ type: "loot_opened", table: name, opening, drops });
      for (const { kind, id = "", amount = 0 } of drops) {
        if (kind === "nothing") continue;
        const part = goods[PARTS[kind]];
        part[id] = (part[id] ?? 0) + amount;
      }
    }
  }
  return [goods, openings];
}

class Dice {
  private thrown = 0;

  constructor(private readonly seed: string) {}

  throw(faces: number): number {
    this.thrown += 1;
    return 1 + Number(blake2b(`${this.seed}/${this.thrown}`, 16) % BigInt(faces));
  }

  between([from, to]: readonly number[]): number {
    return from === to ? from! : from! - 1 + this.throw(to! - from! + 1);
  }
}

function dropsOf(table: Table, dice: Dice): Drop[] {
  const drops = table.guaranteed.map((goods) => drop(goods, dice, {}));
  const weights = table.drops.reduce((sum, { weight }) => sum + weight, 0) + table.nothing;
  if (!weights) return drops;
  const rolls = dice.between(table.rolls as readonly number[]);
  for (let roll = 0; roll < rolls; roll++) drops.push(rolled(table, weights, dice));
  return drops;
}

function rolled(table: Table, weights: number, dice: Dice): Drop {
  const roll = dice.throw(weights);
  let end = 0;
  for (const entry of table.drops) {
    end += entry.weight;
    if (roll <= end) return drop(entry, dice, { roll, weights });
  }
  return { kind: "nothing", roll, weights };
}

/** One drop; members that are 0 are left out, as on the wire. */
function drop(goods: Table["guaranteed"][number], dice: Dice, thrown: { roll?: number; weights?: number }): Drop {
  const kind = (Object.keys(PARTS) as Kind[]).find((name) => goods[name] !== undefined)!;
  const amount = dice.between(goods.amount as readonly number[]);
  return { kind, id: goods[kind]!, ...(amount && { amount }), ...thrown };
}
