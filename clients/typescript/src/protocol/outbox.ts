/** Commands without an answer, in the order in which they were first sent; kept until each has one. */
import type { Closed } from "./problems.js";
import type { Frame } from "./session.js";

/** Takes the `reply` or `problem` that ended a command, or the end of the client. */
export type Answered = (end: Frame | Closed) => void;

export interface Pending {
  readonly userId: string;
  /** What goes over the line, each time alike. */
  readonly frame: Frame;
  readonly answered: Answered;
  tries: number;
  /** Whether the confirmed rows have what it does, or may have it: then it is predicted no more. */
  settled?: boolean;
}

/** Keeps unanswered commands over a reload. */
export interface Store {
  /** The frames that were kept, in order. */
  load(): Promise<readonly Frame[]>;
  put(frame: Frame): void;
  remove(commandId: string): void;
}

export class Outbox {
  /** Another number whenever other commands are to be predicted. */
  revision = 0;
  private readonly pending = new Map<string, Pending>();

  constructor(private readonly store?: Store) {}

  get size(): number {
    return this.pending.size;
  }

  [Symbol.iterator](): Iterator<Pending> {
    return this.pending.values();
  }

  /** Throws if a command of this id waits already. */
  add(pending: Pending): void {
    const id = pending.frame.command_id as string;
    if (this.pending.has(id)) throw new Error(`command ${id} was sent already and has no answer yet`);
    this.pending.set(id, pending);
    this.revision++;
  }

  /** The frame is final (it has its `since`): keep it over a reload. */
  keep(pending: Pending): void {
    this.store?.put(pending.frame);
  }

  get(commandId: string | undefined): Pending | undefined {
    return commandId === undefined ? undefined : this.pending.get(commandId);
  }

  settle(pending: Pending | undefined): void {
    if (!pending) return;
    pending.settled = true;
    this.revision++;
  }

  take(commandId: string | undefined): Pending | undefined {
    const pending = this.get(commandId);
    if (pending) {
      this.pending.delete(commandId!);
      this.revision++;
      this.store?.remove(commandId!);
    }
    return pending;
  }
}
