/** What the conformance kit tells a client to do, done (docs/conformance.md). */
import { connect, type Client } from "./client.js";
import { json } from "./line.js";
import { msgpack } from "./msgpack.js";
import { Problem } from "./protocol/problems.js";
import type { User } from "./user.js";

export interface Told {
  readonly do: string;
  readonly [member: string]: unknown;
}

let client: Client;
let token = "";
const users = new Map<string, User>();
let format = json;
let say: (saw: string, members: object) => void;

const isService = (): boolean => JSON.parse(atob(token.split(".")[1]!.replace(/-/g, "+").replace(/_/g, "/"))).role === "service";

function watch(id: string): User {
  const known = users.get(id);
  if (known) return known;
  const user = client.user(id);
  users.set(id, user);
  user.subscribe((told) => {
    const named = { user_id: id, position: user.position };
    if (told.kind === "state") say("change", { ...named, why: told.why });
    if (told.kind === "changes") say("change", { ...named, events: told.events });
  });
  return user;
}

async function send(told: Told): Promise<void> {
  const { key, command, user_id } = told as unknown as { key: string; command: { type: string }; user_id?: string };
  try {
    const sent = user_id === undefined ? client.user().send(command) : client.send([{ ...command, user_id }]).then(([one]) => one);
    const end = await sent;
    if (end instanceof Problem) throw end;
    say("answer", { key, reply: end });
  } catch (error) {
    if (error instanceof Problem) say("answer", { key, problem: error.document });
  }
}

/** Do what the kit says; what is seen goes to `tell`, a line at a time. */
export function take(told: Told): void {
  const id = (told.user_id as string | undefined) ?? "me";
  switch (told.do) {
    case "connect":
      token = told.token as string;
      client = connect(told.url as string, { getToken: () => token, service: isService(), format });
      client.onStatus((status) => say("status", { status }));
      if (!isService()) watch("me");
      break;
    case "token":
      token = told.token as string;
      break;
    case "send":
      void send(told);
      break;
    case "watch":
      watch(id);
      break;
    case "unwatch":
      users.delete(id);
      client.unwatch(id);
      break;
    case "rows":
      say("rows", { position: watch(id).position ?? null, rows: watch(id).confirmed });
      break;
    case "status":
      say("status", { status: client.status });
      break;
    case "wake":
      client.wake();
      break;
    case "close":
      client.close();
  }
}

/** Print lines with `print`; speak the format of that name. */
export function begin(print: (line: string) => void, formatName: string): void {
  format = formatName === "msgpack" ? msgpack : json;
  say = (saw, members) => print(JSON.stringify({ saw, ...members }));
}
