/** One user: commands by name, rows as they are shown, and each event once. */
import type { BattleState, ChapterProgression, Event, EventOf, PlayerProgression, QuestRecord, Reply } from "./rows.js";
import { positionText, type Rows } from "./protocol/mirror.js";
import type { Told } from "./protocol/session.js";
import type { View } from "./protocol/view.js";

/** A command without its id: `{ type: "turn_in_quest", quest_id: "q-1" }`. */
export interface Command {
  readonly type: string;
  readonly [field: string]: unknown;
}

export type Action = "attack" | "guard" | "skill" | "escape" | "yield";
type Send = (userId: string, command: Command) => Promise<Reply>;

export class User {
  /** Resolves when the first state has come; rejects with `Closed`. */
  readonly ready: Promise<void>;

  constructor(
    readonly id: string,
    private readonly watched: View,
    private readonly sendCommand: Send,
  ) {
    this.ready = new Promise((resolve, reject) => {
      if (watched.mirror.position) return resolve();
      const off = this.subscribe((told) => {
        off();
        if (told.kind === "closed") reject(told.closed);
        else resolve();
      });
    });
    this.ready.catch(() => undefined);
  }

  /** Every table as it is shown: confirmed, and what unanswered commands will do if `predict` was given. */
  get rows(): Rows {
    return this.watched.rows;
  }

  /** Every table as it is confirmed; another object whenever something changed. */
  get confirmed(): Rows {
    return this.watched.mirror.rows;
  }

  /** `ERA.VERSION`; undefined before the first state. */
  get position(): string | undefined {
    const position = this.watched.mirror.position;
    return position && positionText(position);
  }

  get version(): number {
    return this.watched.mirror.position?.version ?? 0;
  }

  get progression(): PlayerProgression | undefined {
    return this.rows.player_progression as PlayerProgression | undefined;
  }

  get chapters(): readonly ChapterProgression[] {
    return this.table<ChapterProgression>("chapter_progression");
  }

  /** All quests, and those that are `active` or `ready` to turn in. */
  get quests(): { readonly all: readonly QuestRecord[]; readonly active: readonly QuestRecord[]; readonly ready: readonly QuestRecord[] } {
    const all = this.table<QuestRecord>("quest_record");
    const of = (status: string): readonly QuestRecord[] => all.filter((quest) => quest.status === status);
    return { all, active: of("active"), ready: of("ready_to_turn_in") };
  }

  get battles(): readonly BattleState[] {
    return this.table<BattleState>("battle_state");
  }

  get inventory(): Readonly<Record<string, number>> {
    return (this.rows.inventory ?? {}) as Record<string, number>;
  }

  get wallet(): Readonly<Record<string, number>> {
    return (this.rows.wallet ?? {}) as Record<string, number>;
  }

  get affinity(): Readonly<Record<string, number>> {
    return (this.rows.affinity ?? {}) as Record<string, number>;
  }

  /** Be told of each event of a type, once, over reconnects too; returns how to stop. */
  on<T extends Event["type"]>(type: T, listener: (event: EventOf<T>) => void): () => void {
    return this.subscribe((told) => {
      if (told.kind !== "changes") return;
      for (const event of told.events) if (event.type === type) listener(event as unknown as EventOf<T>);
    });
  }

  /** Be told of every state, change and prediction, in order; returns how to stop. */
  subscribe(listener: (told: Told) => void): () => void {
    const own = (told: Told): void => listener(told);
    this.watched.listeners.add(own);
    return () => void this.watched.listeners.delete(own);
  }

  /** Send any command; resolves when it is durable, rejects with `Problem` when it is refused. */
  send(command: Command): Promise<Reply> {
    return this.sendCommand(this.id, command);
  }

  turnInQuest(quest_id: string): Promise<Reply> {
    return this.send({ type: "turn_in_quest", quest_id });
  }

  abandonQuest(quest_id: string): Promise<Reply> {
    return this.send({ type: "abandon_quest", quest_id });
  }

  acknowledgeLevelUps(): Promise<Reply> {
    return this.send({ type: "acknowledge_level_ups" });
  }

  /** One battle: `user.fight("b-1").attack()`. */
  fight(battle_id: string): Readonly<Record<Action, () => Promise<Reply>>> {
    const act = (action: Action) => () => this.send({ type: "resolve_combat_action", battle_id, action });
    return { attack: act("attack"), guard: act("guard"), skill: act("skill"), escape: act("escape"), yield: act("yield") };
  }

  private table<T>(name: string): readonly T[] {
    return Object.values((this.rows[name] ?? {}) as Record<string, T>);
  }
}
