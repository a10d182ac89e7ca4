/** Unanswered commands in IndexedDB, so that a queue survives a reload. */
import type { Store } from "./protocol/outbox.js";
import type { Frame } from "./protocol/session.js";

const TABLE = "commands";

/** A store of this origin, one for each `name`: name it after the player. */
export function indexedDbStore(name: string): Store {
  const opened = open(`questkeep-${name}`);
  const write = (work: (table: IDBObjectStore) => void): void => {
    void opened.then((database) => work(database.transaction(TABLE, "readwrite").objectStore(TABLE)));
  };
  return {
    load: async () => {
      const table = (await opened).transaction(TABLE).objectStore(TABLE);
      return done(table.getAll()) as Promise<Frame[]>;
    },
    put: (frame) => write((table) => table.put(frame)),
    remove: (commandId) => write((table) => table.delete(commandId)),
  };
}

function open(name: string): Promise<IDBDatabase> {
  const request = indexedDB.open(name, 1);
  // Keys are UUIDv7: their order is that of sending.
  request.onupgradeneeded = () => request.result.createObjectStore(TABLE, { keyPath: "command_id" });
  return done(request);
}

function done<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
