/** What planned experience is worth after the rules that shape it; whole numbers of any size. */
import type { components } from "../api.js";

type Schemas = components["schemas"];
export type Rules = Schemas["Rules"];
export type Difference = Schemas["LevelDifferenceRules"]["kills"];
type OverBudget = Schemas["OverBudgetDecay"];

export const MAX = BigInt(Number.MAX_SAFE_INTEGER);

const least = (a: bigint, b: bigint): bigint => (a < b ? a : b);
const most = (a: bigint, b: bigint): bigint => (a > b ? a : b);
const permille = (amount: bigint, share: number): bigint => (amount * BigInt(share)) / 1000n;
const clamp = (value: number, low: number, high: number): number => Math.min(Math.max(value, low), high);

/** Experience out of `amount` by how far the player is from the target; undefined for a rule not known here. */
export function byDifference(amount: bigint, player: number, target: number, rule: Difference): bigint | undefined {
  switch (rule.kind) {
    case "none":
      return amount;
    case "grey_kill": {
      if (target >= player) return (amount * BigInt(20 + Math.min(target - player, 4))) / 20n;
      if (target <= greyLevel(player)) return 0n;
      const zero = zeroDifference(player);
      return (amount * BigInt(Math.max(0, zero + target - player))) / BigInt(zero);
    }
    case "grey_quest": {
      const tenths = clamp(2 * (target - player) + 20, 1, 10);
      const worth = most((amount * BigInt(tenths)) / 10n, permille(amount, Math.min(rule.floor_permille, 1000)));
      return rule.rounded ? least(rounded(worth), amount) : worth;
    }
    case "gap_table":
    case "band5":
    case "bonus_up":
      return byGap(amount, player, target, rule);
    case "ratio": {
      const [power, root] = rule.exponent as unknown as [number, number];
      const over = BigInt(2 * target + rule.offset) ** BigInt(power);
      const under = BigInt(target + player + rule.offset) ** BigInt(power);
      return rootFloor((amount ** BigInt(root) * over) / under, BigInt(root)) + BigInt(rule.plus);
    }
    case "safe_zone": {
      const outside = Math.abs(player - target) - rule.safe_base - Math.floor(player / rule.safe_per_levels);
      if (outside <= 0) return amount;
      const floor = permille(amount, Math.min(rule.floor_permille, 1000));
      return most(falling(amount, BigInt(player + rule.offset), BigInt(outside)), floor);
    }
    case "con":
      return permille(amount, colour(player, target, rule));
    case "stages": {
      const stage = rule.stages.find(({ through_level }) => player <= through_level) ?? rule.stages.at(-1)!;
      return permille(amount, stage.permille);
    }
    default:
      return undefined;
  }
}

/** What is left of `amount` when `spent` of `budget` is in the ledger. */
export function byBudget(amount: bigint, spent: bigint, budget: bigint, { brackets }: OverBudget): bigint {
  if (budget <= 0n) return permille(amount, brackets.at(-1)!.worth_permille);
  let [position, left, each] = [spent, amount, 1000];
  for (const bracket of brackets) {
    const edge = budget + permille(budget, bracket.over_permille);
    if (position < edge) {
      const filling = each ? ((edge - position) * 1000n + BigInt(each) - 1n) / BigInt(each) : left;
      if (filling >= left) break;
      [position, left] = [edge, left - filling];
    }
    each = bracket.worth_permille;
  }
  return position - spent + permille(left, each);
}

type Gaps = Extract<Difference, { kind: "gap_table" | "band5" | "bonus_up" }>;

function byGap(amount: bigint, player: number, target: number, rule: Gaps): bigint {
  const from = rule.ratio_from_level;
  if (target > player && from !== null && from !== undefined && player >= from) return (amount * BigInt(player)) / BigInt(target);
  const table = target > player ? rule.above_permille : rule.below_permille;
  const gap = Math.abs(target - player);
  return gap === 0 || !table.length ? amount : permille(amount, table[Math.min(gap, table.length) - 1]!);
}

function colour(player: number, target: number, rule: Schemas["Colours"]): number {
  const gap = target - player;
  if (gap === 0) return rule.white_permille;
  if (gap > 0) return gap <= rule.yellow_levels ? rule.yellow_permille : rule.red_permille;
  if (player <= 15) return gap <= -6 ? rule.grey_permille : rule.blue_permille;
  if (target <= player - Math.floor((player + 5) / 3)) return rule.grey_permille;
  if (target <= player - Math.floor((player + 7) / 4)) return rule.green_permille;
  return player > 20 && gap <= -6 ? rule.light_blue_permille : rule.blue_permille;
}

function greyLevel(player: number): number {
  if (player <= 5) return 0;
  if (player <= 39) return player - 5 - Math.floor(player / 10);
  return player <= 59 ? player - 1 - Math.floor(player / 5) : player - 9;
}

const ZERO = [[8, 5], [10, 6], [12, 7], [16, 8], [20, 9], [30, 11], [40, 12], [45, 13], [50, 14], [55, 15], [60, 16]] as const;

const zeroDifference = (player: number): number => ZERO.find(([below]) => player < below)?.[1] ?? 17;

function rounded(amount: bigint): bigint {
  const step = amount <= 100n ? 5n : amount <= 500n ? 10n : amount <= 1000n ? 25n : 50n;
  return ((2n * amount + step) / (2n * step)) * step;
}

/** `amount * (a / (a + d^(5/2)))^(3/2)`, rounded down exactly; see the server's `level_difference_math`. */
function falling(amount: bigint, a: bigint, outside: bigint): bigint {
  const k = outside ** 5n;
  const whole = a ** 3n + 3n * a * k;
  const rootPart = 3n * a * a + k;
  const limit = amount * amount * a ** 3n;
  const fits = (y: bigint): boolean => {
    const left = limit - y * y * whole;
    return left >= 0n && (y * y * rootPart) ** 2n * k <= left * left;
  };
  let y = rootFloor((limit << 64n) / ((whole << 64n) + rootPart * rootFloor(k << 128n, 2n)), 2n);
  while (!fits(y)) y -= 1n;
  return y;
}

/** The largest integer whose `degree`-th power is at most `number`. */
function rootFloor(number: bigint, degree: bigint): bigint {
  if (degree === 1n || number < 2n) return number;
  let guess = 1n << (BigInt(number.toString(2).length) / degree + 1n);
  for (;;) {
    const better = ((degree - 1n) * guess + number / guess ** (degree - 1n)) / degree;
    if (better >= guess) return guess;
    guess = better;
  }
}
