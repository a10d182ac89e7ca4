// What is shown while commands have no answer: node view_child.mjs DIST < {"rules": {...}}; no sockets.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

const dist = process.argv[2];
const { Session } = await import(`${dist}/protocol/session.js`);
const { Outbox } = await import(`${dist}/protocol/outbox.js`);
const { decide } = await import(`${dist}/predict/decide.js`);
const { rules } = JSON.parse(readFileSync(0, "utf8"));

const LATER = 9;
const quest = (id) => ({
  quest_id: id,
  user_id: "alice",
  chapter_id: null,
  status: "ready_to_turn_in",
  objectives: [],
  reward: { experience: 150, currency: { gold: 5 } },
  created_at: 1,
  updated_at: 1,
});
const fighter = { level: 1, strength: 20, attack: 20, defense: 20, hp_max: 200, hp: 200 };
const battle = {
  battle_id: "b-1",
  user_id: "alice",
  chapter_id: null,
  mode: "fight",
  hostile: { hostile_id: "wolf", tier: "minion", pseudo_level_millis: 1000, ...fighter },
  player: fighter,
  turn: 0,
  outcome: "ongoing",
  experience_reward: 10,
  created_at: 1,
  updated_at: 1,
  reward: {},
};

/** A player at version 1 with two quests and a battle, who sends; and what was shown each time. */
function player() {
  const session = new Session("me", new Outbox());
  const predict = (rows, { since, ...command }) => decide(rows, command, LATER, rules)?.changes;
  session.received({ type: "welcome", rules: rules.fingerprint });
  session.predictWith(predict);
  const state = { type: "state", era: "e1", version: 1, why: "first", quest_record: [quest("q-1"), quest("q-2")], battle_state: [battle] };
  session.received(state);
  const view = session.watched.get("me");
  const seen = [];
  const look = () => {
    const { player_progression: progression, quest_record, battle_state, wallet } = view.rows;
    const quests = Object.values(quest_record).map(({ status }) => status === "turned_in");
    return [progression?.total_xp ?? 0, wallet?.gold ?? 0, ...quests, battle_state["b-1"].turn];
  };
  view.listeners.add(({ kind }) => seen.push([kind, ...look()]));
  let number = 0;
  const send = (type, fields) => {
    const frame = { type, command_id: `c-${++number}`, ...fields };
    const ends = [];
    session.send({ userId: "me", frame, answered: (end) => ends.push([end.type, ...look()]), tries: 0 });
    return { ...frame, ends };
  };
  /** What the server answers: its rules are those of the client. */
  const answer = (command, version) => {
    const { changes, events } = decide(view.mirror.rows, command, LATER + 1, rules);
    return { type: "reply", command_id: command.command_id, version, replayed: false, changes, events };
  };
  return { session, view, seen, look, send, answer, state };
}

const cases = {
  "a command is shown at once, and its reply moves nothing": () => {
    const { session, seen, look, send, answer } = player();
    const command = send("turn_in_quest", { quest_id: "q-1" });
    assert.deepEqual(look(), [150, 5, true, false, 0]);
    session.received(answer(command, 2));
    assert.deepEqual(seen.map(([kind]) => kind), ["predicted", "changes"]);
    assert.deepEqual(seen[0].slice(1), seen[1].slice(1));
    assert.deepEqual(command.ends, [["reply", 150, 5, true, false, 0]]);
  },
  "what is refused is taken back before the refusal is told": () => {
    const { session, look, send, seen } = player();
    const command = send("turn_in_quest", { quest_id: "q-1" });
    session.received({ type: "problem", code: "limit_reached", retry: "new", command_id: command.command_id });
    assert.deepEqual(look(), [0, 0, false, false, 0]);
    assert.deepEqual(command.ends, [["problem", 0, 0, false, false, 0]]);
    assert.deepEqual(seen.at(-1), ["predicted", 0, 0, false, false, 0]);
  },
  "predictions build on each other, also over a change of somebody else's": () => {
    const { session, look, send, answer } = player();
    const [first, second] = [send("turn_in_quest", { quest_id: "q-1" }), send("turn_in_quest", { quest_id: "q-2" })];
    assert.deepEqual(look(), [300, 10, true, true, 0]);
    session.received({ type: "changes", version: 2, command_id: "of-a-service", changes: { wallet: { gold: 100 } }, events: [] });
    assert.deepEqual(look(), [300, 110, true, true, 0]);
    session.received(answer(first, 3));
    assert.deepEqual(look(), [300, 110, true, true, 0]);
    session.received(answer(second, 4));
    assert.deepEqual(look(), [300, 110, true, true, 0]);
  },
  "a reply that was lost is not shown twice": () => {
    const { session, look, send, answer } = player();
    const command = send("resolve_combat_action", { battle_id: "b-1", action: "attack" });
    assert.equal(look().at(-1), 1);
    const reply = answer(command, 2);
    session.opened(); // after a cut: it is sent again
    session.received({ ...reply, type: "changes" });
    assert.equal(look().at(-1), 1);
    session.received({ ...reply, replayed: true });
    assert.equal(look().at(-1), 1);
    assert.equal(command.ends.length, 1);
  },
  "a state that may have the command already is shown as it is": () => {
    const { session, look, send, state } = player();
    send("resolve_combat_action", { battle_id: "b-1", action: "attack" });
    session.received({ ...state, version: 300, why: "too_old", battle_state: [{ ...battle, turn: 1 }] });
    assert.equal(look().at(-1), 1);
  },
  "a reply after a gap keeps its command": () => {
    const { session, look, send, answer } = player();
    const command = send("resolve_combat_action", { battle_id: "b-1", action: "attack" });
    assert.throws(() => session.received(answer(command, 3)));
    assert.equal(session.outbox.size, 1);
    assert.equal(look().at(-1), 1);
  },
  "under other rules nothing is predicted until they are known": () => {
    const { session, look, send, view, seen } = player();
    send("turn_in_quest", { quest_id: "q-1" });
    session.received({ type: "rules", fingerprint: "another" });
    assert.deepEqual(look(), [0, 0, false, false, 0]);
    assert.equal(seen.at(-1)[0], "predicted");
    assert.equal(view.rows, view.mirror.rows);
  },
  "rows that nothing changed stay the same object": () => {
    const { view, send } = player();
    const before = view.rows;
    assert.equal(view.rows, before);
    send("turn_in_quest", { quest_id: "q-1" });
    assert.notEqual(view.rows, before);
    assert.equal(view.rows, view.rows);
    assert.equal(view.rows.quest_record["q-2"], before.quest_record["q-2"]);
  },
};

for (const [name, play] of Object.entries(cases)) {
  play();
  console.log(name);
}
