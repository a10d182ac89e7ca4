// Turn-ins on Durable Objects: the Worker checks token and body, the user's object, alone with
// its own SQLite database, does the rest in one transaction.  Of a batch each user's object gets its
// own commands in one call.  Output gates are left as they are: the reply leaves once the write is
// confirmed.
//
// Not for: anything that an object could forget; it keeps nothing in memory but prepared words.

import { DurableObject } from "cloudflare:workers";

const REMEMBERED_MILLISECONDS = 300_000;
const ID = /^[A-Za-z0-9._:@-]{1,128}$/;
const STATUS = {
  quest_not_found: 404,
  quest_not_ready: 409,
  quest_already_turned_in: 409,
  command_id_reused: 409,
};
const BATCH_MAX = 1000;
const JSON_HEADERS = { headers: { "content-type": "application/json" } };
const SCHEMA = `
  CREATE TABLE player_progression (
    user_id TEXT PRIMARY KEY, version INTEGER, level INTEGER, current_level_xp INTEGER,
    total_xp INTEGER, xp_to_next_level INTEGER, pending_level_ups INTEGER,
    last_granted_source TEXT, created_at INTEGER, updated_at INTEGER) WITHOUT ROWID;
  CREATE TABLE chapter_progression (
    chapter_id TEXT PRIMARY KEY, chapter_progression_id TEXT, user_id TEXT, chapter_index INTEGER,
    total_chapters INTEGER, entry_pseudo_level_millis INTEGER, exit_pseudo_level_millis INTEGER,
    entry_level INTEGER, exit_level INTEGER, planned_total_xp INTEGER, planned_quest_xp INTEGER,
    planned_hostile_xp INTEGER, actual_quest_xp INTEGER, actual_hostile_xp INTEGER,
    expected_hostile_defeat_count INTEGER, actual_hostile_defeat_count INTEGER,
    level_at_entry INTEGER, level_at_exit INTEGER, pace_band TEXT,
    created_at INTEGER, updated_at INTEGER) WITHOUT ROWID;
  CREATE TABLE quest_record (
    quest_id TEXT PRIMARY KEY, user_id TEXT, chapter_id TEXT, status TEXT, objectives TEXT,
    reward TEXT, created_at INTEGER, updated_at INTEGER) WITHOUT ROWID;
  CREATE TABLE receipt (command_id TEXT PRIMARY KEY, quest_id TEXT, reply TEXT) WITHOUT ROWID;
`;

let parsedDataset;

function dataset(env) {
  parsedDataset ??= JSON.parse(env.DATASET_TEXT);
  return parsedDataset;
}

export class User extends DurableObject {
  constructor(ctx, env) {
    super(ctx, env);
    this.sql = ctx.storage.sql;
  }

  // Commands of this user in order; everything in here is one transaction.  Gives a code and the
  // reply's text for each.
  turnIn(userId, commands, minimal) {
    return this.ctx.storage.transactionSync(() => commands.map((command) => {
      const [code, reply] = this.#turnIn(userId, command.command_id, command.quest_id);
      return [code, minimal && code === "ok" ? brief(reply) : reply];
    }));
  }

  async fetch(request) {
    const { userId, commands, minimal } = await request.json();
    return Response.json(this.turnIn(userId, commands, minimal));
  }

  #turnIn(userId, commandId, questId) {
    const known = this.#one("SELECT quest_id, reply FROM receipt WHERE command_id = ?", commandId);
    if (known !== undefined) {
      if (known.quest_id !== questId) return ["command_id_reused", ""];
      return ["ok", known.reply.replace('"replayed":false', '"replayed":true')];
    }
    const quest = this.#one("SELECT * FROM quest_record WHERE quest_id = ?", questId);
    if (quest === undefined) return ["quest_not_found", ""];
    if (quest.status === "turned_in") return ["quest_already_turned_in", ""];
    if (quest.status !== "ready_to_turn_in") return ["quest_not_ready", ""];

    const now = Date.now() * 1000;
    quest.status = "turned_in";
    quest.updated_at = now;
    this.sql.exec("UPDATE quest_record SET status = 'turned_in', updated_at = ? WHERE quest_id = ?",
      now, questId);
    quest.objectives = JSON.parse(quest.objectives);
    quest.reward = JSON.parse(quest.reward);
    const amount = quest.reward.experience ?? 0;

    const player = this.#grant(userId, amount, now);
    const chapters = this.sql.exec(
      "UPDATE chapter_progression SET actual_quest_xp = actual_quest_xp + ?, level_at_exit = ?, " +
      "updated_at = ? WHERE chapter_id = ? RETURNING *",
      amount, player.level, now, quest.chapter_id).toArray();

    const { version, ...progression } = player;
    const reply = JSON.stringify({
      command_id: commandId,
      version,
      replayed: false,
      changes: {
        player_progression: progression,
        chapter_progression: chapters,
        quest_record: [quest],
      },
    });
    this.sql.exec("INSERT INTO receipt VALUES (?, ?, ?)", commandId, questId, reply);
    return ["ok", reply];
  }

  #grant(userId, amount, now) {
    const costs = dataset(this.env).xp_to_next;
    const row = this.#one("SELECT * FROM player_progression WHERE user_id = ?", userId) ?? {
      user_id: userId, version: 0, level: 1, current_level_xp: 0, total_xp: 0,
      xp_to_next_level: costs[0], pending_level_ups: 0, last_granted_source: null,
      created_at: now, updated_at: now,
    };
    const fromLevel = row.level;
    row.version += 1;
    if (amount > 0) {
      row.total_xp += amount;
      row.current_level_xp += amount;
      while (row.xp_to_next_level > 0 && row.current_level_xp >= row.xp_to_next_level) {
        row.current_level_xp -= row.xp_to_next_level;
        row.level += 1;
        row.xp_to_next_level = costs[row.level - 1] ?? 0;
      }
      row.pending_level_ups += row.level - fromLevel;
      row.last_granted_source = "quest";
      row.updated_at = now;
    }
    this.sql.exec(
      "INSERT INTO player_progression VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE " +
      "SET version = excluded.version, level = excluded.level, " +
      "current_level_xp = excluded.current_level_xp, total_xp = excluded.total_xp, " +
      "xp_to_next_level = excluded.xp_to_next_level, " +
      "pending_level_ups = excluded.pending_level_ups, " +
      "last_granted_source = excluded.last_granted_source, updated_at = excluded.updated_at",
      row.user_id, row.version, row.level, row.current_level_xp, row.total_xp,
      row.xp_to_next_level, row.pending_level_ups, row.last_granted_source, row.created_at,
      row.updated_at);
    return row;
  }

  // For the harness: this user's rows at the start.
  seed(userId) {
    const { last_quest: lastQuest, chapter_id: chapterId, chapter, experience, xp_to_next: costs } =
      dataset(this.env);
    const now = Date.now() * 1000;
    const reward = JSON.stringify({ experience, items: {}, currency: {}, affinity: {} });
    const plan = {
      ...chapter, chapter_id: chapterId, chapter_progression_id: `${userId}/${chapterId}`,
      user_id: userId, actual_quest_xp: 0, actual_hostile_xp: 0, actual_hostile_defeat_count: 0,
      level_at_entry: 1, level_at_exit: null, created_at: now, updated_at: now,
    };
    const columns = Object.keys(plan);
    this.ctx.storage.transactionSync(() => {
      this.sql.exec(SCHEMA);
      this.sql.exec("INSERT INTO player_progression VALUES (?, 0, 1, 0, 0, ?, 0, NULL, ?, ?)",
        userId, costs[0], now, now);
      this.sql.exec(
        `INSERT INTO chapter_progression (${columns}) VALUES (${columns.map(() => "?")})`,
        ...Object.values(plan));
      this.sql.exec(
        "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ?) " +
        "INSERT INTO quest_record SELECT printf('quest-%06d', i), ?, ?, 'ready_to_turn_in', " +
        "'[]', ?, ?, ? FROM n", lastQuest, userId, chapterId, reward, now, now);
    });
  }

  // For the harness: what is stored now.
  stored(userId) {
    return {
      user_id: userId,
      ...this.#one("SELECT level, total_xp FROM player_progression"),
      ...this.#one("SELECT actual_quest_xp AS ledger_xp FROM chapter_progression"),
      ...this.#one("SELECT count(*) AS turned_in FROM quest_record WHERE status = 'turned_in'"),
      ...this.#one("SELECT count(*) AS receipts FROM receipt"),
    };
  }

  #one(statement, ...values) {
    return this.sql.exec(statement, ...values).toArray()[0];
  }
}

export default {
  async fetch(request, env) {
    const path = new URL(request.url).pathname.split("/");
    if (path[1] === "bench") return bench(path[2], env);
    if (request.method === "POST" && path[2] === "commands") return batch(request, env);
    if (request.method !== "POST" || path[2] !== "users" || path[4] !== "commands") {
      return problem(404, "not_found");
    }
    const userId = decodeURIComponent(path[3]);
    const who = await caller(request.headers.get("authorization"), dataset(env).secret);
    if (who === null) return problem(401, "unauthenticated");
    if (who.subject !== userId && !who.service) return problem(403, "not_your_user");
    const command = await request.json().catch(() => null);
    if (!isTurnIn(command, 3)) return problem(422, "invalid_field");
    const [[code, reply]] = await turnIn(env, userId, [command], false);
    return code === "ok" ? new Response(reply, JSON_HEADERS) : problem(STATUS[code], code);
  },
};

// Commands of many users: each user's in order, users beside each other.
async function batch(request, env) {
  const who = await caller(request.headers.get("authorization"), dataset(env).secret);
  if (who === null) return problem(401, "unauthenticated");
  if (!who.service) return problem(403, "not_allowed");
  const commands = await request.json().catch(() => null);
  const good = Array.isArray(commands) && commands.length <= BATCH_MAX &&
    commands.every((command) => isTurnIn(command, 4) && isId(command.user_id));
  if (!good) return problem(422, "invalid_field");
  const minimal = request.headers.get("prefer") === "return=minimal";
  const places = new Map();
  commands.forEach(({ user_id: userId }, place) => {
    if (!places.has(userId)) places.set(userId, []);
    places.get(userId).push(place);
  });
  const texts = new Array(commands.length);
  await Promise.all(Array.from(places, async ([userId, mine]) => {
    const answers = await turnIn(env, userId, mine.map((place) => commands[place]), minimal);
    answers.forEach((answer, n) => { texts[mine[n]] = addressed(userId, answer); });
  }));
  return new Response(`[${texts.join(",")}]`, JSON_HEADERS);
}

async function turnIn(env, userId, commands, minimal) {
  const user = env.USERS.get(env.USERS.idFromName(userId));
  if (env.CALL !== "fetch") return user.turnIn(userId, commands, minimal);
  const body = JSON.stringify({ userId, commands, minimal });
  return (await user.fetch("http://user/", { method: "POST", body })).json();
}

function addressed(userId, [code, reply]) {
  if (code === "ok") return `{"user_id":"${userId}",${reply.slice(1)}`;
  return JSON.stringify({ user_id: userId, status: STATUS[code], code });
}

// A reply without its changes, which come last.
function brief(reply) {
  return `${reply.slice(0, reply.indexOf(',"changes":'))}}`;
}

function problem(status, code) {
  const headers = { "content-type": "application/problem+json" };
  return new Response(JSON.stringify({ type: "about:blank", status, code }), { status, headers });
}

function isTurnIn(command, members) {
  return command !== null && typeof command === "object" && command.type === "turn_in_quest" &&
    Object.keys(command).length === members && isId(command.command_id) && isId(command.quest_id);
}

function isId(text) {
  return typeof text === "string" && ID.test(text);
}

// Tokens: HS256, verified once, then remembered for five minutes at most.

const verified = new Map();
let key;

async function caller(authorization, secret) {
  const known = verified.get(authorization);
  if (known !== undefined && known.until > Date.now()) return known;
  const token = /^bearer ([\w-]+)\.([\w-]+)\.([\w-]+)$/i.exec(authorization ?? "");
  if (token === null) return null;
  const bytes = new TextEncoder();
  key ??= crypto.subtle.importKey(
    "raw", bytes.encode(secret), { name: "HMAC", hash: "SHA-256" }, false, ["verify"]);
  let header, claims;
  try {
    header = JSON.parse(new TextDecoder().decode(base64(token[1])));
    claims = JSON.parse(new TextDecoder().decode(base64(token[2])));
  } catch {
    return null;
  }
  const signed = bytes.encode(`${token[1]}.${token[2]}`);
  const good = header.alg === "HS256" && claims.aud === "questkeep" &&
    Number.isInteger(claims.iat) && claims.exp * 1000 > Date.now() &&
    typeof claims.sub === "string" &&
    await crypto.subtle.verify("HMAC", await key, base64(token[3]), signed);
  if (!good) return null;
  if (verified.size >= 10_000) verified.clear();
  const until = Math.min(claims.exp * 1000, Date.now() + REMEMBERED_MILLISECONDS);
  const who = { subject: claims.sub, service: claims.role === "service", until };
  verified.set(authorization, who);
  return who;
}

function base64(text) {
  const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(plain, (letter) => letter.charCodeAt(0));
}

// For the harness, not part of the comparison.
async function bench(what, env) {
  if (what === "ready") return new Response("");
  const rows = [];
  for (let first = 0; first < dataset(env).users; first += 50) {
    const some = [];
    for (let number = first; number < Math.min(first + 50, dataset(env).users); number += 1) {
      const userId = `user-${String(number).padStart(4, "0")}`;
      some.push(env.USERS.get(env.USERS.idFromName(userId))[what](userId));
    }
    rows.push(...await Promise.all(some));
  }
  return Response.json(what === "stored" ? rows : null);
}
