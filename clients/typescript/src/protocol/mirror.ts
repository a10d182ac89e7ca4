/** The confirmed rows of one user, at one position. Rows stand as they came and are never edited. */
import { Gap } from "./problems.js";
import type { Frame } from "./session.js";

/** Lists of rows, and the member that names a row of each. */
const KEYS: Readonly<Record<string, string>> = {
  chapter_progression: "chapter_id",
  quest_record: "quest_id",
  battle_state: "battle_id",
  defeat_counts: "scope",
};
const MAPS = ["inventory", "wallet", "affinity"];

export interface Position {
  readonly era: string;
  readonly version: number;
}

/** Rows by the name of their table: lists as maps by id. */
export type Rows = Readonly<Record<string, unknown>>;

export const positionText = (position: Position): string => `${position.era}.${position.version}`;

export class Mirror {
  position: Position | undefined;
  rows: Rows = {};

  constructor(readonly userId: string) {}

  /** Take a `state`: everything known before is forgotten. */
  replace(state: Frame): void {
    this.position = { era: state.era as string, version: state.version as number };
    const rows: Record<string, unknown> = {};
    for (const [name, value] of Object.entries(state)) {
      if (isRow(name)) rows[name] = name in KEYS ? byId(name, value) : value;
    }
    this.rows = rows;
  }

  /** Take the change of one version; throws `Gap` if it is not the next one. */
  apply(version: number, changes: Readonly<Record<string, unknown>>): void {
    this.position = this.raised(version, version);
    this.rows = withChanges(this.rows, changes);
  }

  /** Take versions `first` to `version`, of which the filter shows nothing; throws `Gap`. */
  skip(first: number, version: number): void {
    this.position = this.raised(first, version);
  }

  private raised(first: number, version: number): Position {
    if (!this.position || first !== this.position.version + 1) {
      throw new Gap(`${this.userId}: version ${first} came after ${this.position?.version ?? "nothing"}`);
    }
    return { era: this.position.era, version };
  }
}

/** `before` with the rows in it that changed; nothing in it is edited. */
export function withChanges(before: Rows, changes: Readonly<Record<string, unknown>>): Rows {
  const rows: Record<string, unknown> = { ...before };
  for (const [name, value] of Object.entries(changes)) {
    if (name in KEYS) rows[name] = { ...(rows[name] as object | undefined), ...byId(name, value) };
    else if (MAPS.includes(name)) rows[name] = counted({ ...(rows[name] as object | undefined), ...(value as object) });
    else if (isRow(name)) rows[name] = value;
  }
  return rows;
}

const isRow = (name: string): boolean => name in KEYS || MAPS.includes(name) || name === "player_progression";

function byId(name: string, rows: unknown): Record<string, unknown> {
  const key = KEYS[name]!;
  return Object.fromEntries((rows as Record<string, unknown>[]).map((row) => [row[key] as string, row]));
}

/** Amounts by name; what fell to 0 is gone. */
const counted = (amounts: object): object =>
  Object.fromEntries(Object.entries(amounts).filter(([, amount]) => amount !== 0));
