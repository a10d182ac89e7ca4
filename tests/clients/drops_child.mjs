// Predictions over a line that breaks anywhere: node drops_child.mjs DIST SEED DROPS [unsettled] < {"rules": {...}}
//
// The server's rules are those of the client, and nobody else plays. So what is shown may only change
// with a click, whatever is lost, repeated or late; and every command takes effect once.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

const [dist, seed, drops] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];
const { Session } = await import(`${dist}/protocol/session.js`);
const { Outbox } = await import(`${dist}/protocol/outbox.js`);
const { Mirror } = await import(`${dist}/protocol/mirror.js`);
const { decide } = await import(`${dist}/predict/decide.js`);
const { rules } = JSON.parse(readFileSync(0, "utf8"));

// A broken variant: a change does not take the place of its prediction.
if (process.argv[5] === "unsettled") Outbox.prototype.settle = () => undefined;

const STEPS = 60;
const QUESTS = ["q-1", "q-2", "q-3"];
const ACTIONS = ["attack", "skill", "guard"];

/** Numbers below `most`, the same for the same seed (mulberry32). */
function dice(state) {
  return (most) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % most;
  };
}

const own = { user_id: "alice", created_at: 1, updated_at: 1 };
const fighter = { level: 1, strength: 20, attack: 20, defense: 20, hp_max: 120, hp: 120 };
const first = {
  type: "state",
  era: "e1",
  version: 1,
  why: "first",
  quest_record: QUESTS.map((quest_id) => ({
    ...own,
    quest_id,
    chapter_id: null,
    status: quest_id === "q-3" ? "active" : "ready_to_turn_in",
    objectives: quest_id === "q-3" ? [{ kind: "defeat", target: "wolf", required: 1, current: 0 }] : [],
    reward: { experience: 150, currency: { gold: 5 }, loot: { wolf: 1 } },
  })),
  battle_state: [
    {
      ...own,
      battle_id: "b-1",
      chapter_id: null,
      mode: "fight",
      hostile: { hostile_id: "wolf", tier: "minion", pseudo_level_millis: 1000, ...fighter },
      player: { ...fighter, hp: 500 },
      turn: 0,
      outcome: "ongoing",
      experience_reward: 10,
      reward: {},
    },
  ],
};

/** The server's side: rows, what it told of each version, and the reply to each command. */
class Server {
  mirror = new Mirror("alice");
  told = [];
  receipts = new Map();

  constructor() {
    this.mirror.replace(first);
  }

  answer({ since, ...command }) {
    const known = this.receipts.get(command.command_id);
    if (known) return { ...known, replayed: true };
    const { version } = this.mirror.position;
    const decision = decide(this.mirror.rows, command, 7, rules);
    if (decision.code) return { type: "problem", code: decision.code, retry: "new", command_id: command.command_id };
    const reply = { type: "reply", command_id: command.command_id, version, replayed: false, ...decision };
    if (!Object.keys(decision.changes).length) return reply;
    reply.version = version + 1;
    this.mirror.apply(reply.version, decision.changes);
    this.receipts.set(command.command_id, reply);
    this.told.push({ ...reply, type: "changes" });
    return reply;
  }
}

const timeless = (rows) => JSON.parse(JSON.stringify(rows, (name, value) => (/^(cre|upd)ated_at$/.test(name) ? 0 : value)));

function round(number) {
  const roll = dice(seed * 100_003 + number);
  const server = new Server();
  const session = new Session("me", new Outbox());
  const view = session.watched.get("me");
  session.received({ type: "welcome", rules: rules.fingerprint });
  session.predictWith((rows, { since, ...command }) => decide(rows, command, 9, rules)?.changes);
  session.received(first);
  let [up, down, sent, cuts] = [[], [], 0, 0];
  const answers = [];
  let shown = timeless(view.rows);
  view.listeners.add(() => assert.deepEqual(timeless(view.rows), shown));

  const click = () => {
    const kind = roll(4);
    const fields =
      kind === 0
        ? { type: "turn_in_quest", quest_id: QUESTS[roll(3)] }
        : kind === 1
          ? { type: "acknowledge_level_ups" }
          : { type: "resolve_combat_action", battle_id: "b-1", action: ACTIONS[roll(3)] };
    const frame = { ...fields, command_id: `c-${sent + 1}` };
    const decision = decide(view.rows, frame, 9, rules);
    // What does nothing leaves no receipt, and may do something when it is sent again.
    if (!Object.keys(decision.changes ?? {}).length) return;
    sent += 1;
    const folded = new Mirror("alice");
    folded.replace(first);
    [folded.position, folded.rows] = [{ era: "e1", version: 1 }, view.rows];
    folded.apply(2, decision.changes);
    shown = timeless(folded.rows);
    up.push(...session.send({ userId: "me", frame, answered: () => answers.push(frame.command_id), tries: 0 }));
  };
  const toServer = () => up.length && down.push(server.answer(JSON.parse(JSON.stringify(up.shift()))));
  const toClient = () => down.length && up.push(...session.received(down.shift()));
  const cut = () => {
    cuts += 1;
    const { version } = view.mirror.position;
    down = [{ type: "welcome", rules: rules.fingerprint }, ...server.told.filter((told) => told.version > version)];
    up = [...session.opened()];
  };
  for (let step = 0; step < STEPS; step++) {
    [click, toServer, toServer, toClient, toClient, cut][roll(6)]();
    assert.deepEqual(timeless(view.rows), shown);
  }
  while (up.length || down.length) {
    toServer();
    toClient();
  }
  assert.deepEqual(timeless(view.rows), shown);
  assert.deepEqual(view.mirror.rows, server.mirror.rows);
  assert.deepEqual([session.outbox.size, answers.length, new Set(answers).size], [0, sent, sent]);
  return cuts;
}

let cuts = 0;
let rounds = 0;
while (cuts < drops) cuts += round(rounds++);
console.log(JSON.stringify({ cuts, rounds }));
