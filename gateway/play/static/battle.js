/** A fight or a spar: two bars, the moves, and the last blows. */
import { battles, me } from "./player.js";
import { battleCommand } from "./story.js";
import { busy, narrate, play } from "./clicks.js";
import { blows } from "./happenings.js";
import { Bar, html, number, words } from "./view.js";

const MOVES = (["attack", "guard", "skill", "escape"]);
const HINTS = { attack: "a plain blow", guard: "hit less, take less", skill: "hit hard, take more", escape: "always works" };
const OUTCOMES = {
  victory: "You won.",
  defeat: "You lost. Nothing is taken from you: fight again.",
  escaped: "You got away.",
  spar_complete: "The spar is over. It pays nothing and costs nothing.",
};

export function Battle() {
  const battle = battles.value.toSorted((a, b) => a.updated_at - b.updated_at).at(-1);
  const ongoing = battle?.outcome === "ongoing";
  return html`<section class="panel battle" id="battle" tabindex="-1" aria-labelledby="battle-title">
    <h2 id="battle-title">${ongoing ? (battle.mode === "spar" ? "A spar" : "A fight") : "Fight"}</h2>
    ${battle ? html`<${Sides} battle=${battle} />` : html`<p class="quiet">A fight pays experience and counts for quests. A spar is practice.</p>`}
    ${ongoing ? html`<${Moves} battle=${battle} />` : html`<${Begin} />`}
    ${battle && html`<ol class="blows">${blows.value.filter((one) => one.battle === battle.battle_id).map((one) => html`<li key=${one.key}>${one.text}</li>`)}</ol>`}
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

function Begin() {
  const begin = (mode) => () => narrate(mode, [battleCommand(mode)]);
  return html`<div class="begin"><button class="big" aria-disabled=${busy.value.has("fight")} onClick=${begin("fight")}>Fight</button>
    <button class="big" aria-disabled=${busy.value.has("spar")} onClick=${begin("spar")}>Spar</button></div>`;
}
