/** React: rows of a user that re-render only when what was selected changed. */
import { useCallback, useRef, useSyncExternalStore } from "react";
import type { Client } from "./client.js";
import type { Status } from "./connector.js";
import type { User } from "./user.js";

/** `select`'s rows of a user, and whether the first state has come. */
export function useUser<T>(user: User, select: (user: User) => T): { readonly rows: T; readonly ready: boolean } {
  const last = useRef<{ rows: T; ready: boolean } | undefined>(undefined);
  const snapshot = useCallback(() => {
    const next = { rows: select(user), ready: user.position !== undefined };
    const same = last.current && last.current.ready === next.ready && isSame(last.current.rows, next.rows);
    return same ? last.current! : (last.current = next);
  }, [user, select]);
  const subscribe = useCallback((changed: () => void) => user.subscribe(changed), [user]);
  return useSyncExternalStore(subscribe, snapshot, snapshot);
}

/** `connecting`, `live`, `waiting` or `closed`. */
export function useStatus(client: Client): Status {
  const subscribe = useCallback((changed: () => void) => client.onStatus(changed), [client]);
  const snapshot = (): Status => client.status;
  return useSyncExternalStore(subscribe, snapshot, snapshot);
}

/** Equal, or lists of the same rows: a row that did not change is the same object. */
function isSame(before: unknown, now: unknown): boolean {
  if (Object.is(before, now)) return true;
  if (!Array.isArray(before) || !Array.isArray(now) || before.length !== now.length) return false;
  return before.every((row, place) => Object.is(row, now[place]));
}
