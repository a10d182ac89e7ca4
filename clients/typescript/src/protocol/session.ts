/** The protocol over any number of connections: frames in, frames out; no sockets, no clocks. */
import { Mirror, positionText } from "./mirror.js";
import { Outbox, type Pending } from "./outbox.js";
import type { Closed } from "./problems.js";

/** One object of the live protocol; members are named as on the wire. */
export interface Frame {
  readonly type: string;
  readonly [member: string]: unknown;
}

/** What is told of one user: the whole state, the change of one version, or the end. */
export type Told =
  | { readonly kind: "state"; readonly why: string }
  | { readonly kind: "changes"; readonly commandId: string; readonly events: readonly Frame[] }
  | { readonly kind: "closed"; readonly closed: Closed };

export interface Watched {
  readonly mirror: Mirror;
  readonly listeners: Set<(told: Told) => void>;
}

const PING_MS = 20_000;
const QUIET_AFTER_PING_MS = 10_000;

export class Session {
  readonly watched = new Map<string, Watched>();
  limits = { frame_bytes: 65_536, list: 100 };
  quietMs = PING_MS + QUIET_AFTER_PING_MS;
  movingMs: number | undefined;
  tokenWanted = false;
  /** Commands to be sent again later, each with the server's `retry_after_ms`. */
  retries: [Pending, number][] = [];

  /** `only` is the user whose line this is; undefined is a service's, where nothing is watched until asked. */
  constructor(
    readonly only: string | undefined,
    readonly outbox: Outbox,
    private readonly filters: Readonly<Record<string, string>> = {},
  ) {
    if (only !== undefined) this.watched.set(only, watchedUser(only));
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
  watch(userId: string): [Watched, Frame[]] {
    const known = this.watched.get(userId);
    if (known) return [known, []];
    const watched = watchedUser(userId);
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
    return this.ready(pending);
  }

  /** Take one frame; the frames that answer it. Throws `Gap`: close, and open another connection. */
  received(frame: Frame): Frame[] {
    switch (frame.type) {
      case "welcome":
        this.limits = { ...this.limits, ...(frame.limits as object) };
        this.quietMs = ((frame.ping_ms as number | undefined) ?? PING_MS) + QUIET_AFTER_PING_MS;
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
    for (const { listeners } of this.watched.values()) tell(listeners, { kind: "closed", closed });
  }

  private of(frame: Frame): Watched | undefined {
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
    tell(watched.listeners, { kind: "state", why: frame.why as string });
    const held = [...this.outbox].filter((one) => one.userId === watched.mirror.userId && !one.tries);
    return held.flatMap((pending) => this.ready(pending));
  }

  private changes(frame: Frame): void {
    const watched = this.of(frame);
    if (!watched) return;
    if (frame.changes) apply(watched, frame);
    else watched.mirror.skip((frame.from ?? frame.version) as number, frame.version as number);
  }

  private reply(frame: Frame): void {
    const watched = this.of(frame);
    const position = watched?.mirror.position;
    const changed = position && (frame.version !== position.version || !isEmpty(frame.changes));
    if (watched && changed && !frame.replayed) apply(watched, frame);
    this.outbox.take(frame.command_id as string)?.answered(frame);
  }

  private problem(frame: Frame): void {
    const pending = this.outbox.get(frame.command_id as string | undefined);
    if (pending && frame.retry === "same") this.retries.push([pending, (frame.retry_after_ms as number) ?? 0]);
    else this.outbox.take(frame.command_id as string | undefined)?.answered(frame);
  }
}

function apply(watched: Watched, frame: Frame): void {
  watched.mirror.apply(frame.version as number, (frame.changes ?? {}) as Record<string, unknown>);
  const events = (frame.events ?? []) as Frame[];
  tell(watched.listeners, { kind: "changes", commandId: frame.command_id as string, events });
}

function tell(listeners: Set<(told: Told) => void>, told: Told): void {
  for (const listener of [...listeners]) listener(told);
}

const watchedUser = (userId: string): Watched => ({ mirror: new Mirror(userId), listeners: new Set() });

const isEmpty = (changes: unknown): boolean => !changes || Object.keys(changes as object).length === 0;
