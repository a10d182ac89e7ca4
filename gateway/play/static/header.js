/** Who plays, how far they are, and whether this window is live. */
import { ended, lost, me, playerId, progression, status, tryNow, unanswered, version } from "./player.js";
import { lineCut } from "./frames.js";
import { telling } from "./story.js";
import { play } from "./clicks.js";
import { Bar, counted, html, number } from "./view.js";

const COLOURS = ["Amber", "Azure", "Copper", "Frost", "Hazel", "Moss", "Russet", "Silver"];
const ANIMALS = ["Badger", "Crane", "Falcon", "Fox", "Heron", "Lynx", "Otter", "Raven"];

/** What is shown before the first state has come. */
const NEW = { level: 1, current_level_xp: 0, xp_to_next_level: 1, pending_level_ups: 0 };

/** What the player is called: their id gives it, so it is the same in every window. */
const nameOf = (id) => `${COLOURS[parseInt(id.at(-1), 16) % 8]} ${ANIMALS[parseInt(id.at(-2), 16) % 8]}`;

export function Header() {
  const id = playerId();
  const { level, current_level_xp, xp_to_next_level, pending_level_ups } = progression.value ?? NEW;
  const welcome = () => play("levels", "acknowledgeLevelUps()", () => me.acknowledgeLevelUps());
  // At the last level there is nothing to earn: the bar is full.
  const last = xp_to_next_level === 0;
  return html`<header class="top">
    <div class="who"><h1>${nameOf(id)}</h1><p class="quiet id">${id}</p></div>
    <div class="progress">
      <p class="level"><b>Level ${level}</b> <span class="quiet">${last ? "the last one" : `${number(current_level_xp)} / ${number(xp_to_next_level)} XP`}</span></p>
      <${Bar} label="Experience to the next level" value=${last ? 1 : current_level_xp} max=${last ? 1 : xp_to_next_level} kind="xp" />
    </div>
    ${pending_level_ups > 0 && html`<button class="badge" onClick=${welcome}>+${counted(pending_level_ups, "level")}<span class="unseen">: welcome them</span></button>`}
    <${Live} />
  </header>`;
}

function Live() {
  const unsent = unanswered.value + telling.value;
  const live = status.value === "live";
  const waiting = unsent > 0 ? `, ${number(unsent)} unsent` : "";
  const away = ended.value ? "Ended" : lineCut.value ? "Cut off" : lost.value ? "Reconnecting" : "Connecting";
  const text = live ? `Live${unsent > 0 ? ", saving" : ""}` : away + waiting;
  return html`<p class="live ${live ? "on" : "off"}"><span class="dot" aria-hidden="true"></span><span class="state">${text}</span> <span class="quiet version">version ${number(version.value)}</span></p>`;
}

/** What stands above everything while this window is not live. */
export function Banner() {
  if (ended.value) return html`<p class="banner" role="alert">${ended}</p>`;
  if (lineCut.value) {
    return html`<p class="banner" role="status">You cut the line. What you do waits here, and is sent when you switch it back.</p>`;
  }
  if (!lost.value) return null;
  return html`<p class="banner" role="status"><span>The server does not answer. What you do waits here and is sent once it is back; nothing is lost.</span>
    <button onClick=${tryNow}>Try now</button></p>`;
}
