/** The page: one player, live; everything that is shown comes from confirmed rows. */
import { render } from "./vendor/preact.js";
import { Battle, Quests } from "./deeds.js";
import { refusal } from "./clicks.js";
import { Developer } from "./developer.js";
import { happened, take } from "./happenings.js";
import { Banner, Header } from "./header.js";
import { keepFocus } from "./focus.js";
import { begin, me, rows, startOver } from "./player.js";
import { Plan, readHistory, takePaid } from "./plan.js";
import { beginIfNew } from "./story.js";
import { html } from "./view.js";

function Page() {
  return html`<${Banner} /><${Header} />
    <div class="happened"><p class="refusal" role="alert">${refusal}</p><p class="newest" role="status">${happened.value[0]?.text ?? ""}</p></div>
    <main><${Quests} /><${Battle} /><${Plan} /></main>
    <${Developer} />
    <footer><a href="/play" target="_blank">Open a second window</a><a href="/docs">API</a><a href="/docs/errors">Refusals</a><a href="/play/vendor/LICENSES.txt">Licences</a>
      <button class="text" onClick=${startOver}>Play as somebody else</button></footer>`;
}

function heard(told) {
  if (told.kind === "state") {
    void readHistory(told.why !== "first");
    return void beginIfNew(me.rows);
  }
  take(told.events, me.rows);
  takePaid(told.events, me.version, me.rows);
}

const app = document.getElementById("app");
begin(heard).then(
  () => {
    app.replaceChildren();
    render(html`<${Page} />`, app);
    keepFocus(rows);
  },
  (error) => {
    const advice = "The server did not give this page a player. Is it running? Start it with “make run”, then load this page again.";
    render(html`<p class="banner" role="alert">${advice} <span class="quiet">(${String(error)})</span></p>`, app);
  },
);
