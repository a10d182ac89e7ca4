// The entry for tests, tried: node testing_child.mjs DIST QUESTKEEP
import assert from "node:assert/strict";

const [dist, questkeep] = process.argv.slice(2);
const { Network, startServer } = await import(`${dist}/testing.js`);
const { predict } = await import(`${dist}/predict.js`);

const server = await startServer({ command: [questkeep] });
try {
  await server.seed("alice", [{ type: "offer_quest", quest_id: "q-1", reward: { experience: 150, currency: { gold: 5 } } }]);
  await assert.rejects(server.seed("alice", [{ type: "turn_in_quest", quest_id: "none" }]), { code: "quest_not_found" });

  const network = new Network();
  const client = server.player("alice", { predict, WebSocket: network.WebSocket });
  const me = client.user();
  const told = (kind) => new Promise((resolve) => me.subscribe((one) => one.kind === kind && resolve(one)));
  await told("predicted"); // the rules are known
  const timeless = ({ player_progression, wallet }) => [player_progression.total_xp, player_progression.level, wallet.gold];

  network.hold();
  const answer = me.turnInQuest("q-1");
  const shown = timeless(me.rows);
  assert.deepEqual([shown[0], shown[2], me.quests.ready.length], [150, 5, 0]);
  assert.deepEqual([me.confirmed.wallet, client.pending], [{}, 1]);
  network.release();
  assert.equal((await answer).replayed, false);
  assert.deepEqual(timeless(me.confirmed), shown);
  assert.equal(me.confirmed.player_progression.level, me.progression.level);
  console.log("predicted and confirmed");

  network.hold();
  const lost = me.acknowledgeLevelUps().catch((error) => error);
  await server.service("game").send([{ user_id: "alice", type: "grant_player_progression_experience", amount: 10 }]);
  network.cut();
  network.release();
  await lost;
  while (me.progression.total_xp !== 160) await told("changes");
  console.log("cut and resumed");
} finally {
  await server.stop();
}
await assert.rejects(startServer({ command: ["no-such-program"] }), /no-such-program cannot be started/);
await assert.rejects(startServer({ command: [questkeep], flags: ["--port", "none"] }), /the server ended \(2\).*port/s);
console.log("ended");
process.exit(0);
