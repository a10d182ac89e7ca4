/** Keeps the keyboard where it is when the button under it is done and goes. */
import { effect } from "./vendor/signals.js";

/** Look after every change of `drawn`. */
export function keepFocus(drawn) {
  let button;
  let panel;
  document.addEventListener("focusin", (event) => {
    button = event.target;
    panel = /** @type {Element} */ (button).closest("section, header");
  });
  const look = () => {
    if (!button || button.isConnected || document.activeElement !== document.body) return;
    const near = panel?.isConnected ? panel : document.querySelector("main");
    const next = near.querySelector("button, a") ?? document.querySelector("main button");
    next?.focus({ preventScroll: true });
  };
  effect(() => {
    void drawn.value;
    requestAnimationFrame(() => requestAnimationFrame(look));
  });
}
