/** The chapter's quests: each with one big button for what comes next. */
import { battles, chapter, me, quests } from "./player.js";
import { isLast, openChapter, signalCommand, battleCommand } from "./story.js";
import { busy, narrate, play } from "./clicks.js";
import { STORY, titleOf } from "./chapters.js";
import { Bar, html, number, words } from "./view.js";
import { startOver } from "./player.js";

export function Quests() {
  if (!chapter.value) return html`<section class="panel quests" aria-labelledby="quests"><h2 id="quests">Quests</h2></section>`;
  const { chapter_id, chapter_index } = chapter.value;
  const own = quests.value.filter((quest) => quest.chapter_id === chapter_id);
  const open = own.filter((quest) => OPEN.has(quest.status));
  return html`<section class="panel quests" aria-labelledby="quests">
    <p class="eyebrow">Chapter ${chapter_index} of ${STORY.length}</p>
    <h2 id="quests">${STORY[chapter_index - 1]?.title ?? chapter_id}</h2>
    <ul class="cards">${own.map((quest) => html`<${Quest} key=${quest.quest_id} quest=${quest} />`)}</ul>
    ${own.length > 0 && !open.length && html`<${Onward} index=${chapter_index} />`}
  </section>`;
}

const OPEN = new Set(["active", "ready_to_turn_in"]);

function Quest({ quest }) {
  const title = titleOf(quest.quest_id, chapter.value.chapter_index);
  const settled = !OPEN.has(quest.status);
  if (settled) {
    const mark = quest.status === "turned_in" ? "Done" : "Left out";
    return html`<li class="card settled ${quest.status}"><h3>${title}</h3><span class="mark">${mark}</span></li>`;
  }
  const leave = () => play(`leave ${quest.quest_id}`, `abandonQuest("${quest.quest_id}")`, () => me.abandonQuest(quest.quest_id));
  return html`<li class="card">
    <div class="card-head"><h3>${title}</h3><span class="reward">${number(quest.reward.experience ?? 0)} XP</span></div>
    ${quest.objectives.map((one) => html`<${Objective} key=${one.target} objective=${one} />`)}
    <div class="actions"><${NextStep} quest=${quest} /><button class="text" onClick=${leave} aria-label=${`Leave out “${title}”`}>Leave out</button></div>
  </li>`;
}

function Objective({ objective }) {
  const { kind, target, current, required } = objective;
  const label = `${kind === "defeat" ? "Defeat" : "Gather"}: ${words(target)}`;
  return html`<div class="objective"><span>${label}</span><span class="count">${current} of ${required}</span>
    <${Bar} label=${label} value=${current} max=${required} kind="step" /></div>`;
}

/** The one big button. */
function NextStep({ quest }) {
  const { quest_id, status, objectives } = quest;
  if (status === "ready_to_turn_in") {
    const turnIn = () => play(quest_id, `turnInQuest("${quest_id}")`, () => me.turnInQuest(quest_id));
    return html`<button class="big primary" aria-disabled=${busy.value.has(quest_id)} onClick=${turnIn}>Turn in</button>`;
  }
  const objective = objectives.find((one) => one.current < one.required);
  if (objective.kind === "defeat") {
    const fighting = battles.value.some((battle) => battle.outcome === "ongoing");
    if (fighting) return html`<a class="big button" href="#battle">To the fight</a>`;
    return html`<button class="big" aria-disabled=${busy.value.has("fight")} onClick=${() => narrate("fight", [battleCommand("fight")])}>Fight a ${words(objective.target)}</button>`;
  }
  const gather = () => narrate(quest_id, [signalCommand(quest, objective)]);
  return html`<button class="big" aria-disabled=${busy.value.has(quest_id)} onClick=${gather}>Gather ${words(objective.target)}</button>`;
}

function Onward({ index }) {
  if (isLast()) {
    return html`<div class="onward"><p>The story is told.</p><button class="big primary" onClick=${startOver}>Begin again as somebody else</button></div>`;
  }
  const go = () => openChapter(index + 1);
  return html`<div class="onward"><p>All quests of this chapter are settled.</p><button class="big primary" onClick=${go}>On to chapter ${index + 1}</button></div>`;
}
