/** Stays connected: opens a line, and the next when it ends, until the server says for good. */
import { afterClose, TOKEN_REFUSED, waitingMs } from "./protocol/closing.js";
import { Line, type Format, type SocketClass } from "./line.js";
import { Closed, Gap } from "./protocol/problems.js";
import type { Frame, Session } from "./protocol/session.js";
import type { Predictions } from "./protocol/view.js";

export type Status = "connecting" | "live" | "waiting" | "closed";

export class Connector {
  status: Status = "connecting";
  closed: Closed | undefined;
  readonly statusListeners = new Set<(status: Status) => void>();
  private line: Line | undefined;
  private token: string | undefined;
  private tries = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly url: string,
    private readonly getToken: () => string | Promise<string>,
    private readonly socketClass: SocketClass,
    private readonly format: Format,
    private readonly session: Session,
    private readonly predictions?: Predictions,
  ) {}

  start(): void {
    void this.connect(false);
  }

  /** Send now if there is a line; `Session.opened` repeats what matters on the next. */
  write(frames: readonly Frame[]): void {
    this.line?.write(frames);
  }

  /** Ask whether the line is alive; or try at once if the client is only waiting. */
  wake(): void {
    if (this.line) this.line.wake();
    else if (this.status === "waiting") this.again(0);
  }

  cut(): void {
    this.line?.cut();
  }

  finish(closed: Closed): void {
    if (this.closed) return;
    this.closed = closed;
    clearTimeout(this.timer);
    this.line?.close();
    this.line = undefined;
    this.session.end(closed);
    this.become("closed");
  }

  private async connect(newToken: boolean): Promise<void> {
    this.become("connecting");
    if (newToken || this.token === undefined) {
      try {
        if (!(await this.takeToken())) return this.finish(new Closed(TOKEN_REFUSED, "this token was refused, and there is no other"));
      } catch {
        return this.again(waitingMs(this.tries++), true);
      }
    }
    if (this.closed) return;
    const url = "ws" + this.url.slice(4) + this.session.path();
    const ended = (code: number, reason: string): void => this.ended(code, reason);
    this.line = new Line(url, this.token!, this.socketClass, this.format, this.session, (frames) => this.take(frames), ended);
  }

  /** Ask for a token; whether it is another one than before. */
  private async takeToken(): Promise<boolean> {
    const before = this.token;
    this.token = await this.getToken();
    return this.token !== before;
  }

  private take(frames: Frame[]): void {
    try {
      for (const frame of frames) {
        this.write(this.session.received(frame));
        if (frame.type === "welcome") {
          this.tries = 0;
          this.become("live");
        }
        if (frame.type === "welcome" || frame.type === "rules") void this.learn();
      }
    } catch (error) {
      if (!(error instanceof Gap)) throw error;
      this.cut();
    }
    for (const [pending, ms] of this.session.retries.splice(0)) {
      const send = (): void => {
        if (this.session.outbox.get(pending.frame.command_id as string) === pending) this.write([pending.frame]);
      };
      setTimeout(send, ms + waitingMs(pending.tries++));
    }
    if (this.session.tokenWanted) {
      this.session.tokenWanted = false;
      void this.renewInPlace();
    }
  }

  private async renewInPlace(): Promise<void> {
    if (await this.takeToken().catch(() => false)) this.write([{ type: "token", token: this.token }]);
  }

  /** Find out how to predict under the rules in force; without it nothing is predicted. */
  private async learn(): Promise<void> {
    const { rules, predict } = this.session;
    if (!this.predictions || predict || rules === undefined) return;
    const learnt = await this.predictions(this.url, this.token!, rules).catch(() => undefined);
    if (learnt && this.session.rules === rules) this.session.predictWith(learnt);
  }

  private ended(code: number, reason: string): void {
    this.line = undefined;
    if (this.closed) return;
    const next = afterClose(code, reason, this.tries++, this.session.movingMs);
    if (next instanceof Closed) this.finish(next);
    else this.again(next.waitMs, next.newToken);
  }

  private again(ms: number, newToken = false): void {
    this.become("waiting");
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.connect(newToken), ms);
  }

  private become(status: Status): void {
    if (status === this.status) return;
    this.status = status;
    for (const listener of [...this.statusListeners]) listener(status);
  }
}
