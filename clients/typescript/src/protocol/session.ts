/** The protocol over any number of connections: frames in, frames out; no sockets, no clocks. */
import { positionText } from "./mirror.js";
import { Outbox, type Pending } from "./outbox.js";
import type { Closed } from "./problems.js";
import { View, type Predict } from "./view.js";

/** One object of the live protocol; members are named as on the wire. */
export interface Frame {
  readonly type: string;
  readonly [member: string]: unknown;
}

/** What is told of one user: the whole state, the change of one version, another prediction, or the end. */
export type Told =
  | { readonly kind: "state"; readonly why: string }
  | { readonly kind: "changes"; readonly commandId: string; readonly events: readonly Frame[] }
  | { readonly kind: "predicted" }
  | { readonly kind: "closed"; readonly closed: Closed };

const PING_MS = 20_000;
const QUIET_AFTER_PING_MS = 10_000;

export class Session {
  readonly watched = new Map<string, View>();
  limits = { frame_bytes: 65_536, list: 100 };
  quietMs = PING_MS + QUIET_AFTER_PING_MS;
  movingMs: number | undefined;
  tokenWanted = false;
  /** The fingerprint of the rules in force, and how commands are predicted under them. */
  rules: string | undefined;
  predict: Predict | undefined;
  /** Commands to be sent again later, each with the server's `retry_after_ms`. */
  retries: [Pending, number][] = [];

  /** `only` is the user whose line this is; undefined is a service's, where nothing is watched until asked. */
  constructor(
    readonly only: string | undefined,
    readonly outbox: Outbox,
    private readonly filters: Readonly<Record<string, string>> = {},
  ) {
    if (only !== undefined) this.watched.set(only, this.view(only));
  }

  /** Path and query of the next connection. */
  path(): string {
    const query = new URLSearchParams(this.filters);
    const position = this.only === undefined ? undefined : this.watched.get(this.only)!.mirror.position;
    if (position) query.set("after", positionText(position));
    const path = this.only === undefined ? "/v1/live" : `/v1/users/${this.only}/live`;
    return query.size ? `${path}?${query}` : path;
  }

  /** What goes out first on a new connection: watches, then every unanswered command. */
  opened(): Frame[] {
    this.movingMs = undefined;
    const watches = this.only === undefined ? [...this.watched.keys()].map((user) => this.watchFrame(user)) : [];
    return [...watches, ...[...this.outbox].flatMap((pending) => this.ready(pending))];
  }

  /** Show a user from now on; the frames that ask for it. */
  watch(userId: string): [View, Frame[]] {
    const known = this.watched.get(userId);
    if (known) return [known, []];
    const watched = this.view(userId);
    this.watched.set(userId, watched);
    return [watched, [this.watchFrame(userId)]];
  }

  unwatch(userId: string): Frame[] {
    if (this.only !== undefined || !this.watched.delete(userId)) return [];
    return [{ type: "unwatch", users: [{ user_id: userId }] }];
  }

  /** Take a command into the outbox; a shown user's waits for their first position, its `since`. */
  send(pending: Pending): Frame[] {
    this.outbox.add(pending);
    const frames = this.ready(pending);
    this.watched.get(pending.userId)?.predicted();
    return frames;
  }

  /** Predict in another way from now on; undefined: not at all. */
  predictWith(predict: Predict | undefined): void {
    this.predict = predict;
    for (const view of this.watched.values()) if (view.mirror.position) view.tell({ kind: "predicted" });
  }

  /** Take one frame; the frames that answer it. Throws `Gap`: close, and open another connection. */
  received(frame: Frame): Frame[] {
    switch (frame.type) {
      case "welcome":
        this.limits = { ...this.limits, ...(frame.limits as object) };
        this.quietMs = ((frame.ping_ms as number | undefined) ?? PING_MS) + QUIET_AFTER_PING_MS;
        this.ruled(frame.rules);
        break;
      case "rules":
        this.ruled(frame.fingerprint);
        break;
      case "state":
        return this.state(frame);
      case "changes":
        this.changes(frame);
        break;
      case "reply":
        this.reply(frame);
        break;
      case "problem":
        this.problem(frame);
        break;
      case "token_expiring":
        this.tokenWanted = true;
        break;
      case "moving":
        this.movingMs = frame.reconnect_in_ms as number;
    }
    return [];
  }

  /** Nothing will come any more: whoever waits is told. */
  end(closed: Closed): void {
    for (const pending of [...this.outbox]) pending.answered(closed);
    for (const view of this.watched.values()) view.tell({ kind: "closed", closed });
  }

  private view(userId: string): View {
    return new View(userId, this.outbox, this);
  }

  private ruled(fingerprint: unknown): void {
    if (fingerprint === this.rules) return;
    this.rules = fingerprint as string;
    if (this.predict) this.predictWith(undefined);
  }

  private of(frame: Frame): View | undefined {
    return this.watched.get(this.only ?? (frame.user_id as string));
  }

  private watchFrame(userId: string): Frame {
    const position = this.watched.get(userId)!.mirror.position;
    const user = position ? { user_id: userId, after: positionText(position) } : { user_id: userId };
    return { type: "watch", users: [user] };
  }

  private ready(pending: Pending): Frame[] {
    const watched = this.watched.get(pending.userId);
    if (watched && !pending.tries && pending.frame.since === undefined) {
      if (!watched.mirror.position) return [];
      (pending.frame as { since?: string }).since = positionText(watched.mirror.position);
    }
    if (!pending.tries++) this.outbox.keep(pending);
    return [pending.frame];
  }

  private state(frame: Frame): Frame[] {
    const watched = this.of(frame);
    if (!watched) return [];
    watched.mirror.replace(frame);
    const own = [...this.outbox].filter((one) => one.userId === watched.mirror.userId);
    for (const pending of own) if (pending.tries) this.outbox.settle(pending); // the state may have what it did
    watched.tell({ kind: "state", why: frame.why as string });
    return own.filter((pending) => !pending.tries).flatMap((pending) => this.ready(pending));
  }

  private changes(frame: Frame): void {
    const watched = this.of(frame);
    if (!watched) return;
    if (frame.changes) this.apply(watched, frame);
    else watched.mirror.skip((frame.from ?? frame.version) as number, frame.version as number);
  }

  private reply(frame: Frame): void {
    const watched = this.of(frame);
    const position = watched?.mirror.position;
    const changed = position && (frame.version !== position.version || !isEmpty(frame.changes));
    if (watched && changed && !frame.replayed) this.apply(watched, frame);
    this.answered(frame);
  }

  private problem(frame: Frame): void {
    const pending = this.outbox.get(frame.command_id as string | undefined);
    if (pending && frame.retry === "same") this.retries.push([pending, (frame.retry_after_ms as number) ?? 0]);
    else this.answered(frame);
  }

  private answered(frame: Frame): void {
    const pending = this.outbox.take(frame.command_id as string | undefined);
    if (pending && !pending.settled) this.watched.get(pending.userId)?.predicted();
    pending?.answered(frame);
  }

  /** The change takes the place of its prediction in one step. */
  private apply(view: View, frame: Frame): void {
    view.mirror.apply(frame.version as number, (frame.changes ?? {}) as Record<string, unknown>);
    const commandId = frame.command_id as string;
    this.outbox.settle(this.outbox.get(commandId));
    view.tell({ kind: "changes", commandId, events: (frame.events ?? []) as Frame[] });
  }
}

const isEmpty = (changes: unknown): boolean => !changes || Object.keys(changes as object).length === 0;
