/** This chapter's plan as a thin line, and what happened as a thick one: a step for each quest and each fight. */
import { useEffect, useRef } from "./vendor/preact-hooks.js";
import { computed, effect, signal } from "./vendor/signals.js";
import { ask, chapter, quests } from "./player.js";
import { FIGHTS } from "./chapters.js";
import { counted, html, number } from "./view.js";

const QUESTS = 3;
const ON_PLAN = 0.005;
const DARK = matchMedia("(prefers-color-scheme: dark)");

/** What was paid, by the version that paid it. */
const paid = signal(new Map());

/** Read what was paid before this window was opened; `anew` forgets what is known. */
export async function readHistory(anew) {
  if (anew) paid.value = new Map();
  const known = new Map();
  for (let after = 0; after !== undefined; ) {
    const { history, next_after } = await ask(`/v1/users/me/history?after=${after}`);
    for (const one of history) known.set(one.version, { ...one, chapter: one.chapter_id });
    after = next_after;
  }
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
const steps = computed(() => {
  const id = chapter.value?.chapter_id;
  const done = [...paid.value.values()].filter((one) => one.chapter === id).map((one) => ({ ...one, left: false }));
  const left = quests.value
    .filter((quest) => quest.chapter_id === id && quest.status === "abandoned")
    .map((quest) => ({ at: quest.updated_at, planned: quest.reward.experience ?? 0, amount: 0, left: true }));
  return [...done, ...left].sort((a, b) => a.at - b.at);
});

/** How many steps the plan has. */
const planned = QUESTS + FIGHTS;

/** The two lines: steps, XP as planned, XP as it came (none where nothing came yet). */
const lines = computed(() => {
  const total = chapter.value?.planned_total_xp ?? 0;
  const x = [0];
  const plan = [0];
  const came = [0];
  for (const step of steps.value) {
    x.push(x.length);
    plan.push(Math.min(total, plan.at(-1) + step.planned));
    came.push(came.at(-1) + step.amount);
  }
  const open = planned - steps.value.length;
  const rest = (total - plan.at(-1)) / open;
  for (let more = 0; more < open; more++) {
    x.push(x.length);
    plan.push(plan.at(-1) + rest);
    came.push(null);
  }
  return { x, plan, came };
});

/** How it stands, in a sentence: `12 % under plan: 1 quest left out`. */
const verdict = computed(() => {
  const at = steps.value.length;
  if (!at) return "Nothing has happened yet.";
  const { plan, came } = lines.value;
  const off = (came[at] - plan[at]) / plan[at];
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
    more ? `${counted(more, "step")} more than planned` : "",
  ].filter(Boolean);
}

export function Plan() {
  if (!chapter.value) return html`<section class="panel plan" aria-labelledby="plan"><h2 id="plan">Plan and outcome</h2></section>`;
  const { planned_total_xp, actual_quest_xp, actual_hostile_xp } = chapter.value;
  return html`<section class="panel plan" aria-labelledby="plan">
    <h2 id="plan">Plan and outcome</h2>
    <p class="verdict">${verdict}</p>
    <${Chart} />
    <ul class="legend">
      <li class="planned"><span>Planned</span> <b>${number(planned_total_xp)} XP</b></li>
      <li class="earned"><span>Earned</span> <b>${number(actual_quest_xp + actual_hostile_xp)} XP</b></li>
      <li class="steps"><span>Steps</span> <b>${number(steps.value.length)} of ${planned}</b></li>
    </ul>
  </section>`;
}

function Chart() {
  const box = useRef(null);
  useEffect(() => draw(box.current), []);
  return html`<div class="chart" role="img" ref=${box} aria-label=${`Experience over the steps of this chapter, planned and earned. ${verdict.value}`}></div>`;
}

function draw(box) {
  let chart;
  const make = () => {
    chart?.destroy();
    chart = new globalThis.uPlot(options(box), data(), box);
  };
  make();
  const resized = new ResizeObserver(() => chart.setSize(sizeOf(box)));
  resized.observe(box);
  DARK.addEventListener("change", make);
  const stop = effect(() => chart.setData(data()));
  return () => {
    stop();
    resized.disconnect();
    DARK.removeEventListener("change", make);
    chart.destroy();
  };
}

const sizeOf = (box) => ({ width: box.clientWidth, height: box.clientHeight });

const data = () => [lines.value.x, lines.value.plan, lines.value.came];

function options(box) {
  const style = getComputedStyle(box);
  const colour = (name) => style.getPropertyValue(name).trim();
  const axis = {
    stroke: colour("--quiet"),
    font: `12px ${style.fontFamily}`,
    grid: { stroke: colour("--line"), width: 1 },
    gap: 8,
    ticks: { show: false },
  };
  const whole = (_, marks) => marks.map((one) => (Number.isInteger(one) ? number(one) : ""));
  return {
    ...sizeOf(box),
    legend: { show: false },
    cursor: { show: false },
    scales: { x: { time: false } },
    axes: [
      { ...axis, values: whole, grid: { show: false }, size: 32, space: 24, incrs: [1, 2, 5, 10, 20, 50, 100] },
      { ...axis, values: whole, size: 56, space: 44 },
    ],
    series: [
      {},
      { stroke: colour("--quiet"), width: 1.5, dash: [4, 4], points: { show: false } },
      { stroke: colour("--xp"), fill: colour("--xp-soft"), width: 3, points: { show: true, size: 9, fill: colour("--panel"), stroke: colour("--xp"), width: 3 } },
    ],
  };
}
