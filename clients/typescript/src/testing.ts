/** For tests in Node: a whole server of one's own that keeps nothing, and a network that waits. */
import { spawn, type ChildProcess } from "node:child_process";
import { createHmac, randomBytes } from "node:crypto";
import { createInterface } from "node:readline";
import { connect, type Client, type Options } from "./client.js";
import { Problem } from "./protocol/problems.js";
import type { Command } from "./user.js";

export { Network } from "./testing/network.js";

export interface ServerOptions {
  /** How Questkeep is started: `["questkeep"]`, or the path of one in a virtual environment. */
  readonly command?: readonly string[];
  /** More flags of `questkeep serve`, such as `["--rules", "rules.toml"]`. */
  readonly flags?: readonly string[];
}

type ClientOptions = Omit<Options, "getToken" | "service">;

const READY = /^Questkeep is ready at (\S+)/;
const TOKEN_SECONDS = 3600;
const SEEDER = "testing";

/** A server on a free port of loopback, with `memory://` and no Ray; resolves when it is ready. Stop it at the end. */
export async function startServer({ command = ["questkeep"], flags = [] }: ServerOptions = {}): Promise<TestServer> {
  const secret = randomBytes(32).toString("hex");
  const [program, ...before] = command;
  if (program === undefined) throw new TypeError('command is empty, expected ["questkeep"]');
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith("QUESTKEEP_"));
  const child = spawn(program, [...before, "serve", "--placement", "local", "--store", "memory://", "--port", "0", ...flags], {
    env: { ...Object.fromEntries(own), QUESTKEEP_JWT_SECRET: secret },
    stdio: ["ignore", "pipe", "pipe"],
  });
  return new TestServer(await readyUrl(child), secret, child);
}

export class TestServer {
  private readonly clients: Client[] = [];
  private readonly endWithUs: () => void;

  constructor(
    readonly url: string,
    private readonly secret: string,
    private readonly child: ChildProcess,
  ) {
    this.endWithUs = () => child.kill();
    process.once("exit", this.endWithUs);
  }

  /** A token for an hour, as `getToken` gives one. */
  token(sub: string, role: "player" | "service" | "operator" = "player"): string {
    const now = Math.floor(Date.now() / 1000);
    const claims = { sub, role, aud: "questkeep", iat: now, exp: now + TOKEN_SECONDS };
    const content = [{ alg: "HS256", typ: "JWT" }, claims].map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".");
    return `${content}.${createHmac("sha256", this.secret).update(content).digest("base64url")}`;
  }

  /** A player's client; closed by `stop`. */
  player(userId: string, options: ClientOptions = {}): Client {
    return this.opened({ ...options, getToken: () => this.token(userId) });
  }

  /** A service's client; closed by `stop`. */
  service(name: string, options: ClientOptions = {}): Client {
    return this.opened({ ...options, getToken: () => this.token(name, "service"), service: true });
  }

  /** Send a service's commands of one user, in order; throws the first `Problem`. */
  async seed(userId: string, commands: readonly Command[]): Promise<void> {
    const named = commands.map((command, place) => ({ command_id: `${SEEDER}-${randomBytes(8).toString("hex")}-${place}`, ...command }));
    const response = await fetch(`${this.url}/v1/users/${userId}/commands`, {
      method: "POST",
      headers: { "Content-Type": "application/json", Authorization: `Bearer ${this.token(SEEDER, "service")}` },
      body: JSON.stringify(named),
    });
    const answer: unknown = await response.json();
    for (const end of Array.isArray(answer) ? answer : [answer]) if ("code" in end) throw new Problem(end);
  }

  /** Close every client and end the server. */
  async stop(): Promise<void> {
    for (const client of this.clients) client.close();
    process.off("exit", this.endWithUs);
    await ended(this.child);
  }

  private opened(options: Options): Client {
    const client = connect(this.url, options);
    this.clients.push(client);
    return client;
  }
}

/** What it printed as its address; rejects with what it wrote to stderr if it ends before. */
function readyUrl(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let log = "";
    child.stderr!.on("data", (part) => (log = (log + String(part)).slice(-4000)));
    child.on("error", (error) => reject(new Error(`${child.spawnfile} cannot be started: ${error.message}`)));
    child.on("exit", (code) => reject(new Error(`the server ended (${code}): ${log}`)));
    createInterface({ input: child.stdout! }).on("line", (line) => {
      const url = READY.exec(line)?.[1];
      if (url) resolve(url);
    });
  });
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve();
    child.once("exit", () => resolve());
    child.kill();
  });
}
