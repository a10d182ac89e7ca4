/** What every part of the page draws with. */
import htm from "./vendor/htm.js";
import { h } from "./vendor/preact.js";

export const html = htm.bind(h);

const NUMBER = new Intl.NumberFormat("en");

export const number = (amount) => NUMBER.format(amount);

export const counted = (count, thing) => `${number(count)} ${thing}${count === 1 ? "" : "s"}`;

/** `grey-wolf` as people write it. */
export const words = (id) => id.replaceAll("-", " ");

/** A bar that says its value to people who do not see it. */
export function Bar({ label, value, max, kind }) {
  const share = max > 0 ? Math.min(1, value / max) : 1;
  // The width is set as a property: the policy of this page allows no style attributes.
  const width = (fill) => fill && (fill.style.width = `${share * 100}%`);
  return html`<div class="bar ${kind}" role="meter" aria-label=${label} aria-valuemin="0" aria-valuemax=${max}
    aria-valuenow=${value} aria-valuetext=${`${number(value)} of ${number(max)}`}><div class="fill" ref=${width}></div></div>`;
}
