/** A network between a client and its server that holds, lets go and breaks when a test says so. */
import type { Socket, SocketClass } from "../line.js";

type Message = { data: string | ArrayBuffer };
type Close = { code: number; reason: string };

/** Give its `WebSocket` to `connect`. */
export class Network {
  /** The class of its sockets. */
  readonly WebSocket: SocketClass;
  private readonly sockets = new Set<HeldSocket>();
  private holding = false;

  constructor(real: SocketClass = (globalThis as unknown as { WebSocket: SocketClass }).WebSocket) {
    const network = this;
    this.WebSocket = class extends HeldSocket {
      constructor(url: string, protocols: string[]) {
        super(new real(url, protocols), () => network.holding, () => network.sockets.delete(this));
        network.sockets.add(this);
      }
    };
  }

  /** From now on nothing that the server says arrives; what the client says does. */
  hold(): void {
    this.holding = true;
  }

  /** What was held arrives, in order, and what comes from now on. */
  release(): void {
    this.holding = false;
    for (const socket of this.sockets) socket.release();
  }

  /** Every connection breaks; what was held is lost. */
  cut(): void {
    for (const socket of [...this.sockets]) socket.cut();
  }
}

class HeldSocket implements Socket {
  onopen: ((event: never) => void) | null = null;
  onmessage: ((event: never) => void) | null = null;
  onclose: ((event: never) => void) | null = null;
  private held: Message[] = [];

  constructor(
    private readonly real: Socket,
    private readonly isHeld: () => boolean,
    private readonly gone: () => void,
  ) {
    real.onopen = (event) => this.onopen?.(event);
    real.onmessage = (event: Message) => {
      this.held.push(event);
      this.release();
    };
    real.onclose = (event: Close) => this.end(event);
  }

  get binaryType(): string {
    return this.real.binaryType;
  }

  set binaryType(type: string) {
    this.real.binaryType = type;
  }

  get readyState(): number {
    return this.real.readyState;
  }

  send(content: string | Uint8Array<ArrayBuffer>): void {
    this.real.send(content);
  }

  close(code?: number): void {
    this.real.close(code);
  }

  release(): void {
    while (this.held.length && !this.isHeld()) this.onmessage?.(this.held.shift() as never);
  }

  cut(): void {
    this.real.onopen = this.real.onmessage = this.real.onclose = null;
    this.real.close();
    this.end({ code: 1006, reason: "" });
  }

  private end(event: Close): void {
    this.held = [];
    this.gone();
    this.onclose?.(event as never);
  }
}
