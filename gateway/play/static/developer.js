/** The drawer for developers: the last click in TypeScript, a cut, every frame. */
import { signal } from "./vendor/signals.js";
import { frames, lineCut } from "./frames.js";
import { lastClick } from "./clicks.js";
import { cutLine } from "./player.js";
import { counted, html, number } from "./view.js";

const open = signal(false);
const KILL = `kill -9 $(lsof -ti tcp:${location.port || "80"} -sTCP:LISTEN)   # then: make run`;
const START = `import { connect } from "@questkeep/client";

const me = connect("${location.origin}", { getToken }).user();
await me.ready;`;

export function Developer() {
  const toggled = (event) => (open.value = event.currentTarget.open);
  return html`<details class="developer" onToggle=${toggled}>
    <summary><span>For developers</span> <span class="quiet">the code of your last click, the line, every frame</span></summary>
    ${open.value && html`<div class="drawer"><div class="tools"><${Code} /><${Line} /></div><${Frames} /></div>`}
  </details>`;
}

function Code() {
  return html`<section aria-labelledby="code"><h2 id="code">Your last click in TypeScript</h2>
    <pre tabindex="0" aria-labelledby="code">${lastClick.value || START}</pre></section>`;
}

function Line() {
  const cut = () => cutLine(!lineCut.value);
  return html`<section aria-labelledby="line"><h2 id="line">Break something</h2>
    <button class="switch" role="switch" aria-checked=${lineCut.value} onClick=${cut}>Cut the line</button>
    <p class="quiet">Or kill the server, from a terminal. This page catches up by itself.</p>
    <pre tabindex="0" aria-label="Kill the server">${KILL}</pre></section>`;
}

function Frames() {
  return html`<section class="frames" aria-labelledby="frames"><h2 id="frames">Frames</h2>
    <p class="quiet">${counted(frames.value.length, "frame")}, the newest first</p>
    <ol tabindex="0" aria-labelledby="frames">${frames.value.map((one) => html`<${Frame} key=${one.number} seen=${one} />`)}</ol></section>`;
}

function Frame({ seen }) {
  const { out, frame, bytes } = seen;
  const version = frame.version === undefined ? "" : `v${frame.version}`;
  return html`<li><details><summary><span class="way">${out ? "out" : "in"}</span> <b>${frame.type ?? "command"}</b>
    <span>${version}</span><span class="quiet">${number(bytes)} B</span></summary><pre>${JSON.stringify(frame, null, 2)}</pre></details></li>`;
}
