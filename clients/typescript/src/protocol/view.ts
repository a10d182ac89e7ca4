/** What is shown of one user: the confirmed rows, and what unanswered commands will do laid over them. */
import { Mirror, withChanges, type Rows } from "./mirror.js";
import type { Outbox } from "./outbox.js";
import type { Frame, Told } from "./session.js";

/** The rows that a command will change, as they will be; undefined where nothing is known of it. */
export type Predict = (rows: Rows, command: Frame) => Readonly<Record<string, unknown>> | undefined;

/** How to predict under the rules of this fingerprint; undefined where nobody can. */
export type Predictions = (url: string, token: string, fingerprint: string) => Promise<Predict | undefined>;

export class View {
  readonly mirror: Mirror;
  readonly listeners = new Set<(told: Told) => void>();
  private folded: { readonly key: readonly unknown[]; readonly rows: Rows } | undefined;

  constructor(
    userId: string,
    private readonly outbox: Outbox,
    private readonly predictor: { readonly predict: Predict | undefined },
  ) {
    this.mirror = new Mirror(userId);
  }

  /** The same object until something changes. */
  get rows(): Rows {
    const { rows: confirmed, position } = this.mirror;
    const { predict } = this.predictor;
    if (!predict || !position) return confirmed;
    const key = [confirmed, this.outbox.revision, predict];
    if (!this.folded || key.some((part, place) => part !== this.folded!.key[place])) {
      this.folded = { key, rows: this.fold(confirmed, predict) };
    }
    return this.folded.rows;
  }

  tell(told: Told): void {
    for (const listener of [...this.listeners]) listener(told);
  }

  /** Other rows are shown, though none was confirmed. */
  predicted(): void {
    if (this.predictor.predict && this.mirror.position) this.tell({ kind: "predicted" });
  }

  private fold(confirmed: Rows, predict: Predict): Rows {
    let rows = confirmed;
    for (const { userId, frame, settled } of this.outbox) {
      const changes = userId === this.mirror.userId && !settled ? predict(rows, frame) : undefined;
      if (changes) rows = withChanges(rows, changes);
    }
    return rows;
  }
}
