/** This chapter's plan, and what happened: one step for each quest and each fight that is settled. */
import { computed, signal } from "./vendor/signals.js";
import { chapter, quests, read } from "./player.js";
import { FIGHTS } from "./chapters.js";
import { counted } from "./view.js";

const PAGE = 1000;
const QUESTS = 3;
const ON_PLAN = 0.005;

/** What was paid, by the version that paid it. */
const paid = signal(new Map());

/** Read what was paid before this window was opened; `anew` forgets what is known. */
export async function readHistory(anew) {
  if (anew) paid.value = new Map();
  const { history } = await read(`/v1/users/me/history?limit=${PAGE}`).catch(() => ({ history: [] }));
  const known = history.map((one) => [one.version, { ...one, chapter: one.chapter_id }]);
  paid.value = new Map([...known, ...paid.peek()]);
}

/** Take the events of one change. */
export function takePaid(events, version, rows) {
  const grant = events.find((event) => event.type === "experience_granted" && event.chapter_id);
  if (!grant) return;
  const at = rows.player_progression.updated_at;
  const one = { at, chapter: grant.chapter_id, cause: grant.source, planned: grant.planned, amount: grant.amount };
  paid.value = new Map([...paid.peek(), [version, one]]);
}

/** The chapter's steps, in order. */
export const steps = computed(() => {
  const id = chapter.value?.chapter_id;
  const done = [...paid.value.values()].filter((one) => one.chapter === id).map((one) => ({ ...one, left: false }));
  const left = quests.value
    .filter((quest) => quest.chapter_id === id && quest.status === "abandoned")
    .map((quest) => ({ at: quest.updated_at, planned: quest.reward.experience ?? 0, amount: 0, left: true }));
  return [...done, ...left].sort((a, b) => a.at - b.at);
});

/** How many steps the plan has. */
export const planned = QUESTS + FIGHTS;

/** The two lines: steps, XP as planned, XP as it came (none where nothing came yet). */
export const lines = computed(() => {
  const total = chapter.value?.planned_total_xp ?? 0;
  const x = [0];
  const plan = [0];
  const came = [0];
  for (const step of steps.value) {
    x.push(x.length);
    plan.push(Math.min(total, (plan.at(-1)) + step.planned));
    came.push((came.at(-1)) + step.amount);
  }
  const open = planned - steps.value.length;
  const rest = (total - (plan.at(-1))) / open;
  for (let more = 0; more < open; more++) {
    x.push(x.length);
    plan.push((plan.at(-1)) + rest);
    came.push(null);
  }
  return { x, plan, came };
});

/** How it stands, in a sentence: `12 % under plan: 1 quest left out`. */
export const verdict = computed(() => {
  const at = steps.value.length;
  if (!at) return "Nothing has happened yet. The plan is drawn; your line follows it.";
  const { plan, came } = lines.value;
  const off = ((came[at]) - plan[at]) / plan[at];
  const reasons = reasonsOf(steps.value).join(", ");
  const why = reasons ? `: ${reasons}` : "";
  if (Math.abs(off) < ON_PLAN) return `On plan${why}.`;
  return `${Math.max(1, Math.round(Math.abs(off) * 100))} % ${off < 0 ? "under" : "over"} plan${why}.`;
});

function reasonsOf(done) {
  const left = done.filter((step) => step.left).length;
  const less = done.filter((step) => !step.left && step.amount < step.planned).length;
  const more = Math.max(0, done.length - planned);
  return [
    left ? `${counted(left, "quest")} left out` : "",
    less ? `${counted(less, "reward")} worth less at this level` : "",
    more ? `${counted(more, "fight")} more than planned` : "",
  ].filter(Boolean);
}
