/** `connect`: a client that stays connected, resumes, and repeats what has no answer. */
import { Connector, type Status } from "./connector.js";
import { commandId } from "./protocol/ids.js";
import { json, type Format, type SocketClass } from "./line.js";
import { Outbox, type Store } from "./protocol/outbox.js";
import { Closed, Problem, type ProblemDocument } from "./protocol/problems.js";
import type { Reply } from "./rows.js";
import { Session, type Frame } from "./protocol/session.js";
import type { Predictions } from "./protocol/view.js";
import { User, type Command } from "./user.js";

export interface Options {
  /** Asked before the first connection, before a token expires, and after one was refused. */
  readonly getToken: () => string | Promise<string>;
  /** Whether the token is a service's, which reaches many users. */
  readonly service?: boolean;
  /** `msgpack` of `@questkeep/client/msgpack`; JSON otherwise. */
  readonly format?: Format;
  /** `none` leaves settled quests and battles out of the state. */
  readonly settled?: "all" | "none";
  /** Where unanswered commands survive a reload; see `indexedDbStore`. */
  readonly outbox?: Store;
  /** `predict` of `@questkeep/client/predict`: rows show what a command does before it is answered. */
  readonly predict?: Predictions;
  /** The WebSocket class, where there is no global one (Node before 22: the `ws` package has it). */
  readonly WebSocket?: SocketClass;
}

const ME = "me";

export class Client {
  private readonly session: Session;
  private readonly connector: Connector;
  private readonly users = new Map<string, User>();
  private readonly unlisten: () => void;

  constructor(url: string, options: Options) {
    if (!/^https?:\/\/[^/]/.test(url)) throw new TypeError(`${JSON.stringify(url)} is no address: expected https://HOST`);
    const socketClass = options.WebSocket ?? (globalThis as { WebSocket?: unknown }).WebSocket;
    if (!socketClass) throw new TypeError("there is no WebSocket here: pass one as `WebSocket`");
    const filters = options.settled ? { settled: options.settled } : {};
    this.session = new Session(options.service ? undefined : ME, new Outbox(options.outbox), filters);
    const { getToken, format = json } = options;
    this.connector = new Connector(url.replace(/\/+$/, ""), getToken, socketClass as SocketClass, format, this.session, options.predict);
    this.unlisten = onWaking(() => this.wake());
    void this.restore(options.outbox).then(() => this.connector.start());
  }

  /** `connecting`, `live`, `waiting` (for the next try) or `closed`. */
  get status(): Status {
    return this.connector.status;
  }

  /** How many commands wait for their answer. */
  get pending(): number {
    return this.session.outbox.size;
  }

  /** Be told whenever the status changes; returns how to stop. */
  onStatus(listener: (status: Status) => void): () => void {
    this.connector.statusListeners.add(listener);
    return () => void this.connector.statusListeners.delete(listener);
  }

  /** A user, who is watched from now on; the same object for the same id. */
  user(id: string = ME): User {
    if (this.session.only !== undefined && id !== ME) throw new TypeError(`a player's client has only "me", not "${id}"`);
    let user = this.users.get(id);
    if (!user) {
      const [watched, frames] = this.session.watch(id);
      this.connector.write(frames);
      user = new User(id, watched, (userId, command) => this.sendTo(userId, command));
      this.users.set(id, user);
    }
    return user;
  }

  /** Watch a user no longer. */
  unwatch(id: string): void {
    this.users.delete(id);
    this.connector.write(this.session.unwatch(id));
  }

  /** Send many users' commands, pipelined; each one's reply or problem, in their order. */
  send(commands: readonly ({ readonly user_id: string } & Command)[]): Promise<(Reply | Problem)[]> {
    return Promise.all(
      commands.map(({ user_id, ...command }) =>
        this.sendTo(user_id, command as Command).catch((error: unknown) => {
          if (error instanceof Problem) return error;
          throw error;
        }),
      ),
    );
  }

  /** Say that this machine slept or changed its network; browsers are listened to for that anyway. */
  wake(): void {
    this.connector.wake();
  }

  /** Break the connection, as a bad network would; the client resumes. For tests and demos. */
  cut(): void {
    this.connector.cut();
  }

  /** Leave; whoever waits for an answer is told `Closed`. */
  close(): void {
    this.unlisten();
    this.connector.finish(new Closed(1000, "closed by this client"));
  }

  private sendTo(userId: string, command: Command): Promise<Reply> {
    return new Promise((resolve, reject) => {
      if (this.connector.closed) return reject(this.connector.closed);
      const named = this.session.only === undefined ? { user_id: userId } : {};
      const frame: Frame = { ...command, ...named, command_id: commandId() };
      const answered = (end: Frame | Closed): void => {
        if (end instanceof Closed) reject(end);
        else if (end.type === "problem") reject(new Problem(end as unknown as ProblemDocument));
        else resolve(end as unknown as Reply);
      };
      this.connector.write(this.session.send({ userId, frame, answered, tries: 0 }));
    });
  }

  /** Take up what an earlier page left without an answer. */
  private async restore(store: Store | undefined): Promise<void> {
    const frames = (await store?.load().catch(() => [])) ?? [];
    for (const frame of frames) {
      const userId = (frame.user_id as string | undefined) ?? ME;
      this.session.outbox.add({ userId, frame, answered: () => undefined, tries: 1 });
    }
  }
}

/** A client of the server at `url`; usable at once, it connects by itself. */
export const connect = (url: string, options: Options): Client => new Client(url, options);

function onWaking(wake: () => void): () => void {
  if (typeof document === "undefined") return () => undefined;
  const seen = (): void => {
    if (document.visibilityState === "visible") wake();
  };
  document.addEventListener("visibilitychange", seen);
  addEventListener("online", wake);
  addEventListener("pageshow", wake);
  return () => {
    document.removeEventListener("visibilitychange", seen);
    removeEventListener("online", wake);
    removeEventListener("pageshow", wake);
  };
}
