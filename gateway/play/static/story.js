/** What a game's own service would do: plan chapters, offer quests, open battles.
 *
 * Its commands go over HTTP under ids that say what they are for, so that two windows which send
 * the same one do it once, and whatever has no answer is sent again.
 */
import { signal } from "./vendor/signals.js";
import { ask, battles, chapter, playerId, show } from "./player.js";
import { FIGHTS, hostileOf, offersOf, planOf, STORY } from "./chapters.js";

/** How many of the story's commands have no answer yet. */
export const telling = signal(0);

let rules;

/** Begin the story unless it has begun, as far as the confirmed rows say. */
export async function beginIfNew(confirmed) {
  if (!Object.keys(confirmed.chapter_progression ?? {}).length) await tell(await chapterCommands(1));
}

/** What writes the plan of a chapter and offers its quests. */
export async function chapterCommands(index) {
  rules ??= await ask("/v1/rules");
  const plan = planOf(index, rules.level_benchmarks);
  const named = offersOf(index, plan.planned_quest_xp).map((offer) => ({ command_id: offer.quest_id, ...offer }));
  return [{ command_id: plan.chapter_id, ...plan }, ...named];
}

/** What opens the next battle of this chapter. */
export function battleCommand(mode) {
  const { chapter_id } = chapter.value;
  const before = battles.value.filter((battle) => battle.battle_id.startsWith(`${chapter_id}-${mode}-`)).length;
  const id = `${chapter_id}-${mode}-${before + 1}`;
  const command = { command_id: id, type: "start_battle", battle_id: id, mode };
  if (mode === "spar") return { ...command, hostile: { hostile_id: "old-master", tier: "standard" } };
  return { ...command, chapter_id, ...nextFight() };
}

/** Who is met next, and what a victory pays. */
export function nextFight() {
  const { chapter_index, planned_hostile_xp, actual_hostile_defeat_count } = chapter.value;
  const before = actual_hostile_defeat_count % FIGHTS;
  const share = (fights) => Math.floor((planned_hostile_xp * fights) / FIGHTS);
  return { hostile: hostileOf(chapter_index, before), experience_reward: share(before + 1) - share(before) };
}

/** What moves a quest one step. */
export const signalCommand = (quest, objective) => ({
  command_id: `${quest.quest_id}-${objective.target}-${objective.current + 1}`,
  type: "record_signal",
  kind: objective.kind,
  target: objective.target,
  count: 1,
});

/** Whether there is another chapter after this one. */
export const isLast = () => chapter.value.chapter_index >= STORY.length;

/** Send commands, in order, until they are answered; the first refusal is thrown. */
export async function tell(commands) {
  telling.value++;
  try {
    const outcomes = [await ask("/play/story", commands)].flat();
    const refused = outcomes.find((one) => "code" in one && !ALREADY.has(one.code));
    if (refused) throw Object.assign(new Error(refused.detail), { document: refused });
  } finally {
    telling.value--;
    show();
  }
}

/** What another window did before. */
const ALREADY = new Set(["quest_exists", "battle_exists", "command_id_reused"]);

/** The same as a game's service would write it. */
export function asTypeScript(commands) {
  const lines = commands.map(({ command_id, ...command }) => `  ${literal({ user_id: playerId(), ...command })},`);
  return `await service.send([\n${lines.join("\n")}\n]);`;
}

function literal(value) {
  if (Array.isArray(value)) return `[${value.map(literal).join(", ")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  return `{ ${Object.entries(value).map(([name, one]) => `${name}: ${literal(one)}`).join(", ")} }`;
}
