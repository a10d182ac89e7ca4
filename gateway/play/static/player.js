/** Who plays: a player of this server, made at the first visit and kept in this browser. */
import { batch, computed, signal } from "./vendor/signals.js";
import { connect, indexedDbStore } from "./vendor/questkeep-client.js";
import { lineCut, WatchedSocket } from "./frames.js";

const KEPT = "questkeep-player";
const DRAW_MS = 16;
const TOKEN_REFUSED = 4401;
const DISPLACED = 4409;
/** Answers to which the same may be sent again: too much at once, going down, not known yet. */
const LATER = new Set([429, 502, 503, 504]);
const AGAIN_MS = 500;

/** `connecting`, `live`, `waiting` or `closed`. */
export const status = signal("connecting");
/** Whether the server was lost and has not come back. */
export const lost = signal(false);
/** `ERA.VERSION`; empty before the first state. */
export const position = signal("");
/** Every table, as it is confirmed. */
export const rows = signal(/** @type {any} */ ({}));
/** How many commands of this window have no answer yet. */
export const unanswered = signal(0);
/** Why this window ended for good; empty while it goes on. */
export const ended = signal("");

export const version = computed(() => Number(position.value.split(".")[1] ?? 0));
export const progression = computed(() => rows.value.player_progression);
const chapters = computed(() => table("chapter_progression").sort((a, b) => a.chapter_index - b.chapter_index));
export const chapter = computed(() => chapters.value.at(-1));
export const quests = computed(() => table("quest_record"));
export const battles = computed(() => table("battle_state"));

let kept;
let client;
/** The player's own commands: `me.turnInQuest(…)`. */
export let me;

/** Whose page this is. */
export const playerId = () => kept.user_id;

/** Connect; `told` is called with every state and every change, in order. */
export async function begin(told) {
  kept = await keptPlayer();
  client = connect(location.origin, {
    getToken: () => kept.token,
    outbox: indexedDbStore(kept.user_id),
    WebSocket: /** @type {any} */ (WatchedSocket),
  });
  client.onStatus((now) => {
    status.value = now;
    if (now === "live" || now === "waiting") lost.value = now === "waiting";
    show();
  });
  me = client.user();
  me.subscribe((one) => {
    if (one.kind === "closed") return close(one.closed);
    told(one);
    show();
  });
}

/** Ask over HTTP until there is an answer: a read, or with a `body` a POST. A refusal is an answer, too. */
export async function ask(path, body) {
  const headers = { authorization: `Bearer ${kept.token}`, "content-type": "application/json" };
  const request = body ? { method: "POST", headers, body: JSON.stringify(body) } : { headers };
  for (;;) {
    const response = lineCut.value ? undefined : await fetch(path, request).catch(() => undefined);
    if (response && !LATER.has(response.status)) return response.json();
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
  }
}

/** Cut this window's line, or mend it. */
export function cutLine(cut) {
  lineCut.value = cut;
  if (cut) client.cut();
  else client.wake();
}

/** Try now what would be tried in some seconds. */
export const tryNow = () => client.wake();

/** Begin anew as somebody else; the other windows follow when they are loaded again. */
export function startOver() {
  localStorage.removeItem(KEPT);
  location.reload();
}

/** Draw what changed, all of it at once, soon: a thousand changes a second are drawn sixty times. */
export function show() {
  if (shown) return;
  shown = setTimeout(() => {
    shown = undefined;
    batch(() => {
      rows.value = me.rows;
      position.value = me.position ?? "";
      unanswered.value = client.pending;
    });
  }, DRAW_MS);
}

let shown;

const table = (name) => Object.values(rows.value[name] ?? {});

/** One of two windows that open together makes the player, and the other waits for it. */
const keptPlayer = () => navigator.locks.request(KEPT, findOrMake);

async function findOrMake() {
  const text = localStorage.getItem(KEPT);
  if (text) return JSON.parse(text);
  const response = await fetch("/play/players", { method: "POST" });
  if (!response.ok) throw new Error(`/play/players: ${response.status}`);
  const player = await response.text();
  localStorage.setItem(KEPT, player);
  return JSON.parse(player);
}

function close({ code }) {
  if (code === TOKEN_REFUSED) return startOver(); // another server's player, or a very old one
  ended.value =
    code === DISPLACED
      ? "Eight newer windows show this player, and no server line is left for this one. Close one of them, then load this page again."
      : `The server ended this window's line (${code}). Load the page again; if that does not help, the server's log says why.`;
}
