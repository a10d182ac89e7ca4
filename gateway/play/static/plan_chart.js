/** The plan as a thin line and what happened as a thick one, drawn as it happens. */
import { useEffect, useRef } from "./vendor/preact-hooks.js";
import { effect } from "./vendor/signals.js";
import { chapter } from "./player.js";
import { lines, planned, steps, verdict } from "./plan.js";
import { html, number } from "./view.js";

const HEIGHT = 230;
const DARK = matchMedia("(prefers-color-scheme: dark)");

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
      <li class="steps"><span>Steps</span> <b>${steps.value.length} of ${planned}</b></li>
    </ul>
  </section>`;
}

function Chart() {
  const box = useRef(null);
  useEffect(() => draw((box.current)), []);
  return html`<div class="chart" role="img" ref=${box} aria-label=${`Experience over the steps of this chapter, planned and earned. ${verdict.value}`}></div>`;
}

function draw(box) {
  /** */
  let chart;
  const make = () => {
    chart?.destroy();
    chart = new globalThis.uPlot(options(box), data(), box);
  };
  make();
  const resized = new ResizeObserver(() => chart.setSize({ width: box.clientWidth, height: HEIGHT }));
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

const data = () => [lines.value.x, lines.value.plan, lines.value.came];

function options(box) {
  const style = getComputedStyle(box);
  const colour = (name) => style.getPropertyValue(name).trim();
  const axis = {
    stroke: colour("--quiet"),
    font: `12px ${style.fontFamily}`,
    grid: { stroke: colour("--line"), width: 1 },
    ticks: { show: false },
  };
  const whole = (_, marks) => marks.map((one) => (Number.isInteger(one) ? number(one) : ""));
  return {
    width: box.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    cursor: { show: false },
    scales: { x: { time: false } },
    axes: [
      { ...axis, values: whole, grid: { show: false }, size: 28, incrs: [1, 2, 5, 10, 20, 50, 100] },
      { ...axis, values: whole, size: 56 },
    ],
    series: [
      {},
      { stroke: colour("--quiet"), width: 1.5, dash: [4, 4], points: { show: false } },
      { stroke: colour("--xp"), width: 3, points: { show: true, size: 9, fill: colour("--panel"), stroke: colour("--xp"), width: 3 } },
    ],
  };
}
