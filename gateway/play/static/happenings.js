/** What happened, in words: of each change one sentence, for whoever looks and whoever listens. */
import { signal } from "./vendor/signals.js";
import { number, words } from "./view.js";
import { titleOf } from "./chapters.js";

const KEPT = 5;
const BLOWS = 3;

/** The newest sentences, newest first. */
export const happened = signal([]);
/** The last blows of the battle, newest last. */
export const blows = signal([]);

let count = 0;

const ENDS = {
  victory: "Won",
  defeat: "Lost, and nothing else is",
  escaped: "You got away",
  spar_complete: "The spar is over; a spar pays nothing and costs nothing",
};

/** Take the events of one change. */
export function take(events, rows) {
  const parts = events.map((event) => sentenceOf(event, rows)).filter(Boolean);
  if (parts.length) happened.value = [{ key: ++count, text: `${parts.join(". ")}.` }, ...happened.peek()].slice(0, KEPT);
  for (const event of events) if (event.type === "combat_turn_resolved") strike(event);
}

function sentenceOf(event, rows) {
  switch (event.type) {
    case "quest_turned_in":
      return `“${questTitle(event.quest_id, rows)}” is done`;
    case "quest_abandoned":
      return `“${questTitle(event.quest_id, rows)}” is left out`;
    case "quest_ready":
      return `“${questTitle(event.quest_id, rows)}” can be turned in`;
    case "battle_started":
      return `You face a ${words(event.hostile_id)}`;
    case "battle_ended":
      return ENDS[event.outcome] ?? event.outcome;
    case "experience_granted":
      return `+${number(event.amount)} XP${event.amount < event.planned ? ` of ${number(event.planned)}` : ""}`;
    case "level_reached":
      return `Level ${event.level} reached`;
    case "level_ups_acknowledged":
      return "New levels welcomed";
    case "chapter_planned":
      return `Chapter ${rows.chapter_progression?.[event.chapter_id]?.chapter_index ?? ""} begins`;
    default:
      return "";
  }
}

function strike(event) {
  const dealt = event.damage_dealt ? `You hit for ${event.damage_dealt}` : `You ${event.action}`;
  const taken = event.damage_taken ? `, it hits for ${event.damage_taken}` : "";
  const blow = { battle: event.battle_id, key: `${event.battle_id} ${event.turn}`, text: `${event.turn}. ${dealt}${taken}` };
  blows.value = [...blows.peek(), blow].slice(-BLOWS);
}

function questTitle(questId, rows) {
  const chapterId = rows.quest_record?.[questId]?.chapter_id;
  return titleOf(questId, rows.chapter_progression?.[chapterId]?.chapter_index);
}
