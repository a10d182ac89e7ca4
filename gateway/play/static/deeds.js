/** What there is to do: the chapter's quests, each with one big button, and a fight or a spar. */
import { battles, chapter, me, quests, startOver } from "./player.js";
import { battleCommand, chapterCommands, isLast, nextFight, signalCommand } from "./story.js";
import { busy, narrate, play } from "./clicks.js";
import { blows, happened } from "./happenings.js";
import { STORY, titleOf } from "./chapters.js";
import { Bar, html, number, words } from "./view.js";

const OPEN = new Set(["active", "ready_to_turn_in"]);
const MOVES = ["attack", "guard", "skill", "escape"];
const HINTS = { attack: "a plain blow", guard: "less both ways", skill: "more both ways", escape: "always works" };
const OUTCOMES = {
  victory: "You won.",
  defeat: "You lost. Nothing is taken from you: fight again.",
  escaped: "You got away.",
  spar_complete: "The spar is over. It pays nothing and costs nothing.",
};

export function Quests() {
  if (!chapter.value) return html`<section class="panel quests" aria-labelledby="quests"><h2 id="quests">Quests</h2><p class="quiet">The first chapter is being written …</p></section>`;
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
    <div class="actions"><${NextStep} quest=${quest} title=${title} /><button class="text" onClick=${leave} aria-label=${`Abandon “${title}”`}>Abandon</button></div>
  </li>`;
}

function Objective({ objective }) {
  const { kind, target, current, required } = objective;
  const label = `${kind === "defeat" ? "Defeat" : "Gather"}: ${words(target)}`;
  return html`<div class="objective"><span>${label}</span><span class="count">${current} of ${required}</span>
    <${Bar} label=${label} value=${current} max=${required} kind="step" /></div>`;
}

/** The one big button. */
function NextStep({ quest, title }) {
  const { quest_id, status, objectives } = quest;
  if (status === "ready_to_turn_in") {
    const turnIn = () => play(quest_id, `turnInQuest("${quest_id}")`, () => me.turnInQuest(quest_id));
    return html`<button class="big primary" aria-disabled=${busy.value.has(quest_id)} onClick=${turnIn} aria-label=${`Turn in “${title}”`}>Turn in</button>`;
  }
  const objective = objectives.find((one) => one.current < one.required);
  if (objective.kind === "defeat") {
    const ongoing = battles.value.find((battle) => battle.outcome === "ongoing");
    if (ongoing) return html`<a class="big button" href="#battle">To the ${ongoing.mode}</a>`;
    return html`<button class="big" aria-disabled=${busy.value.has("fight")} onClick=${() => narrate("fight", [battleCommand("fight")])}>Fight a ${words(objective.target)}</button>`;
  }
  const gather = () => narrate(quest_id, [signalCommand(quest, objective)]);
  return html`<button class="big" aria-disabled=${busy.value.has(quest_id)} onClick=${gather}>Gather ${words(objective.target)}</button>`;
}

function Onward({ index }) {
  if (isLast()) {
    return html`<div class="onward"><p>The story is told.</p><button class="big primary" onClick=${startOver}>Begin again as somebody else</button></div>`;
  }
  const go = async () => narrate("onward", await chapterCommands(index + 1));
  return html`<div class="onward"><p>All quests of this chapter are settled.</p><button class="big primary" onClick=${go}>On to chapter ${index + 1}</button></div>`;
}

/** A fight or a spar: two bars, the moves, and the last blows. */
export function Battle() {
  const last = battles.value.toSorted((a, b) => a.updated_at - b.updated_at).at(-1);
  const ongoing = battles.value.find((each) => each.outcome === "ongoing");
  const battle = ongoing ?? last;
  return html`<section class="panel battle" id="battle" tabindex="-1" aria-labelledby="battle-title">
    <h2 id="battle-title">${ongoing ? (battle.mode === "spar" ? "A spar" : "A fight") : "Fight"}</h2>
    ${battle ? html`<${Sides} battle=${battle} />` : html`<p class="quiet">A fight pays experience and counts for quests. A spar is practice.</p>`}
    ${ongoing ? html`<${Moves} battle=${battle} />` : html`<${Begin} />`}
    ${battle && html`<ol class="blows">${blows.value.filter((one) => one.battle === battle.battle_id).map((one) => html`<li key=${one.key}>${one.text}</li>`)}</ol>`}
    <${Earlier} />
  </section>`;
}

function Sides({ battle }) {
  const { player, hostile, outcome } = battle;
  return html`${outcome !== "ongoing" && html`<p class="outcome">${OUTCOMES[outcome]}</p>`}
    <${Side} name="You" fighter=${player} kind="own" />
    <${Side} name=${words(hostile.hostile_id)} fighter=${hostile} kind="other" />`;
}

function Side({ name, fighter, kind }) {
  return html`<div class="side"><span class="name">${name}</span><span class="level">level ${fighter.level}</span>
    <span class="count">${number(fighter.hp)} / ${number(fighter.hp_max)}</span>
    <${Bar} label=${`${name}: hit points`} value=${fighter.hp} max=${fighter.hp_max} kind=${kind} /></div>`;
}

function Moves({ battle }) {
  const id = battle.battle_id;
  const move = (action) => () => play(id, `fight("${id}").${action}()`, () => me.fight(id)[action]());
  return html`<div class="moves">${MOVES.map(
    (action) => html`<button key=${action} class=${action === "attack" ? "primary" : ""} onClick=${move(action)}>
      <span>${action}</span><small>${HINTS[action]}</small></button>`,
  )}</div>`;
}

/** What happened before; and what one might try, while nothing has. */
function Earlier() {
  const earlier = happened.value.slice(1);
  if (earlier.length) return html`<ul class="earlier" aria-label="What happened before">${earlier.map((one) => html`<li key=${one.key}>${one.text}</li>`)}</ul>`;
  return html`<div class="earlier"><h3>Try this</h3><ul>
    <li><a href="/play" target="_blank">Open a second window</a>: both move together.</li>
    <li>Leave a quest out, and see the plan.</li>
    <li>Kill the server while you play: open “For developers” below.</li></ul></div>`;
}

function Begin() {
  if (!chapter.value) return null;
  const begin = (mode) => () => narrate(mode, [battleCommand(mode)]);
  const { hostile, experience_reward } = nextFight();
  return html`<div class="begin">
    <button class="big" aria-disabled=${busy.value.has("fight")} onClick=${begin("fight")}><span>Fight</span><small>${words(hostile.hostile_id)}, ${number(experience_reward)} XP</small></button>
    <button class="big" aria-disabled=${busy.value.has("spar")} onClick=${begin("spar")}><span>Spar</span><small>practice, 0 XP</small></button></div>`;
}
