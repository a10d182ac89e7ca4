/** One WebSocket: opened with the token as a subprotocol, written in lists, watched for silence. */
import type { Frame, Session } from "./protocol/session.js";

/** How frames become messages. */
export interface Format {
  /** `json` or `msgpack`. */
  readonly name: string;
  encode(content: unknown): string | Uint8Array<ArrayBuffer>;
  decode(content: string | ArrayBuffer): unknown;
}

export const json: Format = {
  name: "json",
  encode: (content) => JSON.stringify(content),
  decode: (content) => JSON.parse(content as string),
};

/** The part of the WebSocket standard that is used: browsers, Node 22, Deno, Bun, and the `ws` package have it. */
export interface Socket {
  binaryType: string;
  readonly readyState: number;
  onopen: ((event: never) => void) | null;
  onmessage: ((event: never) => void) | null;
  onclose: ((event: never) => void) | null;
  send(content: string | Uint8Array<ArrayBuffer>): void;
  close(code?: number): void;
}

export type SocketClass = new (url: string, protocols: string[]) => Socket;

const OPEN_MS = 10_000;
const WAKE_MS = 3_000;
const CUT = 1006;

export class Line {
  private readonly socket: Socket;
  private readonly waiting: Frame[] = [];
  private scheduled = false;
  private open = false;
  private timer: ReturnType<typeof setTimeout>;

  constructor(
    url: string,
    token: string,
    socketClass: SocketClass,
    private readonly format: Format,
    private readonly session: Session,
    private readonly take: (frames: Frame[]) => void,
    private readonly ended: (code: number, reason: string) => void,
  ) {
    this.socket = new socketClass(url, [`questkeep.v1.${format.name}`, `bearer.${token}`]);
    this.socket.binaryType = "arraybuffer";
    this.socket.onopen = () => this.opened();
    this.socket.onmessage = (event: { data: string | ArrayBuffer }) => this.heard(event.data);
    this.socket.onclose = (event: { code: number; reason: string }) => this.end(event.code, event.reason);
    this.timer = setTimeout(() => this.cut(), OPEN_MS);
  }

  /** Send frames, in order, with everything else of this turn of the event loop. */
  write(frames: readonly Frame[]): void {
    if (!this.open) return; // what matters is in the session, which says it once this is open
    this.waiting.push(...frames);
    if (this.scheduled || !this.waiting.length) return;
    this.scheduled = true;
    queueMicrotask(() => {
      this.scheduled = false;
      while (this.waiting.length) this.send(this.waiting.splice(0, this.session.limits.list));
    });
  }

  /** This machine slept, or changed its network: ask whether the line is alive, wait 3 s. */
  wake(): void {
    this.write([{ type: "tick" }]);
    this.expect(WAKE_MS);
  }

  /** Leave this line; the next one begins at once, whether or not the server says goodbye. */
  cut(): void {
    this.close();
    this.end(CUT, "");
  }

  close(): void {
    this.socket.close();
  }

  private opened(): void {
    this.open = true;
    this.expect(this.session.quietMs);
    this.write(this.session.opened());
  }

  private heard(content: string | ArrayBuffer): void {
    const frames = this.format.decode(content) as Frame | Frame[];
    this.take(Array.isArray(frames) ? frames : [frames]);
    this.expect(this.session.quietMs);
  }

  private send(frames: Frame[]): void {
    const content = this.format.encode(frames.length > 1 ? frames : frames[0]);
    if (content.length > this.session.limits.frame_bytes && frames.length > 1) {
      const half = frames.length >> 1;
      this.send(frames.slice(0, half));
      this.send(frames.slice(half));
    } else if (this.socket.readyState === 1) this.socket.send(content);
  }

  private expect(ms: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.cut(), ms);
  }

  private end(code: number, reason: string): void {
    clearTimeout(this.timer);
    this.socket.onopen = this.socket.onmessage = this.socket.onclose = null;
    this.open = false;
    this.ended(code, reason);
  }
}
