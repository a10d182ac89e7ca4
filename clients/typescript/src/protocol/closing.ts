/** What a client does after each way a connection can end. */
import { Closed } from "./problems.js";

const FOR_GOOD = [1002, 1003, 1007, 1009, 4400, 4403, 4409];
const AT_ONCE = [4408, 4413];
export const TOKEN_REFUSED = 4401;

/** What follows a connection: the next one after `waitMs`, perhaps with another token; or the end. */
export type Next = { readonly waitMs: number; readonly newToken?: boolean } | Closed;

/** Between 0 and 0.25 s × 2^tries, at most 15 s: random, so that clients do not come all at once. */
export const waitingMs = (tries: number): number => Math.random() * Math.min(15_000, 250 * 2 ** tries);

/** `tries` counts the connections in a row that were of no use; `movingMs` is what `moving` said. */
export function afterClose(code: number, reason: string, tries: number, movingMs: number | undefined): Next {
  if (FOR_GOOD.includes(code)) return new Closed(code, reason);
  if (code === TOKEN_REFUSED) return { waitMs: tries ? waitingMs(tries) : 0, newToken: true };
  if (movingMs !== undefined) return { waitMs: movingMs };
  if (AT_ONCE.includes(code) && !tries) return { waitMs: 0 };
  const told = /retry_after_ms=(\d{1,9})/.exec(reason);
  return { waitMs: Math.max(told ? Number(told[1]) : 0, waitingMs(tries)) };
}
