/** Every frame of the live connection, in and out, and a switch that cuts it. */
import { signal } from "./vendor/signals.js";

const KEPT = 200;
const DRAW_MS = 50;

/** The newest frames, newest first. */
export const frames = signal([]);
/** Whether this window is kept from the server. */
export const lineCut = signal(false);
let waiting = [];
let count = 0;

/** A WebSocket whose frames are seen here; none at all while the line is cut. */
export function WatchedSocket(url, protocols) {
  if (lineCut.peek()) return new NoSocket();
  const socket = new WebSocket(url, protocols);
  const send = socket.send.bind(socket);
  socket.send = (content) => {
    see(String(content), true);
    send(content);
  };
  socket.addEventListener("message", (event) => see(event.data, false));
  return socket;
}

class NoSocket {
  readyState = 3;
  binaryType = "";
  onopen = null;
  onmessage = null;
  onclose = null;

  constructor() {
    setTimeout(() => this.onclose?.({ code: 1006, reason: "" }));
  }

  send() {}

  close() {}
}

function see(text, out) {
  const content = JSON.parse(text);
  const list = Array.isArray(content) ? content : [content];
  const bytes = list.length === 1 ? text.length : 0;
  for (const frame of list) {
    waiting.push({ number: ++count, out, at: Date.now(), bytes: bytes || JSON.stringify(frame).length, frame });
  }
  if (waiting.length === list.length) setTimeout(draw, DRAW_MS);
}

function draw() {
  frames.value = [...waiting.reverse(), ...frames.peek()].slice(0, KEPT);
  waiting = [];
}
