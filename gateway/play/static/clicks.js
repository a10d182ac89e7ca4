/** A click: what it does, the same in TypeScript, and what to do if it is refused. */
import { signal } from "./vendor/signals.js";
import { show } from "./player.js";
import { asTypeScript, tell } from "./story.js";

/** The TypeScript of the last click. */
export const lastClick = signal("");
/** Why the last click did nothing, and what to do; empty if it did something. */
export const refusal = signal("");
/** The buttons whose answer is awaited, by their key. */
export const busy = signal(new Set());

const ADVICE = {
  same: "Wait a moment and press the button again.",
  new: "The page shows how things are now: press what it offers.",
  never: "It will not work a second time either; the list of refusals says why.",
};

/** A command of the player; `key` names the button, `call` is the client's method. */
export const play = (key, call, send) => run(key, `await me.${call};`, send);

/** Commands of the story. */
export const narrate = (key, commands) => run(key, asTypeScript(commands), () => tell(commands));

async function run(key, text, work) {
  if (busy.peek().has(key)) return;
  lastClick.value = text;
  refusal.value = "";
  busy.value = new Set([...busy.peek(), key]);
  try {
    const answer = work();
    show();
    await answer;
  } catch (error) {
    refusal.value = adviceOn(error.document ?? { detail: String(error) });
  } finally {
    busy.value = new Set([...busy.peek()].filter((one) => one !== key));
    show();
  }
}

function adviceOn({ detail, title, retry = "never" }) {
  const advice = ADVICE[retry] ?? ADVICE.never;
  return `${(detail ?? title ?? "Refused").replace(/\.$/, "")}. ${advice}`;
}
