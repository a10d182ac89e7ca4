/** The page: one player, live; everything that is shown comes from confirmed rows. */
import { render } from "./vendor/preact.js";
import { Battle } from "./battle.js";
import { refusal } from "./clicks.js";
import { Developer } from "./developer.js";
import { happened, take } from "./happenings.js";
import { Banner, Header } from "./header.js";
import { begin, me } from "./player.js";
import { Plan } from "./plan_chart.js";
import { readHistory, takePaid } from "./plan.js";
import { Quests } from "./quests.js";
import { beginIfNew } from "./story.js";
import { html } from "./view.js";

function Page() {
  return html`<${Banner} /><${Header} />
    <main><${Quests} /><${Battle} /><${Plan} /></main>
    <${Happened} /><${Developer} />`;
}

function Happened() {
  const [newest, ...older] = happened.value;
  return html`<section class="happened" aria-label="What happened">
    <p class="refusal" role="alert">${refusal}</p>
    <p class="newest" role="status">${newest?.text ?? ""}</p>
    <ul>${older.map((one) => html`<li key=${one.key}>${one.text}</li>`)}</ul>
  </section>`;
}

function heard(told) {
  if (told.kind === "state") {
    void readHistory(told.why !== "first");
    return beginIfNew(me.rows);
  }
  take(told.events, me.rows);
  takePaid(told.events, me.version, me.rows);
}

const app = (document.getElementById("app"));
begin(heard).then(
  () => {
    app.replaceChildren();
    render(html`<${Page} />`, app);
  },
  (error) => {
    const advice = "The server did not give this page a player. Is it running? Start it with “make run”, then load this page again.";
    render(html`<p class="banner" role="alert">${advice} <span class="quiet">(${String(error)})</span></p>`, app);
  },
);
