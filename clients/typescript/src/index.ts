/** Client of the Questkeep game state server: live users, and commands that take effect once. */
export { Client, connect, type Options } from "./client.js";
export type { Status } from "./connector.js";
export { indexedDbStore } from "./indexeddb.js";
export { json, type Format, type Socket, type SocketClass } from "./line.js";
export { type Position, type Rows } from "./mirror.js";
export type { Store } from "./outbox.js";
export { Closed, Problem, type ProblemDocument } from "./problems.js";
export type * from "./rows.js";
export type { Frame, Told } from "./session.js";
export { User, type Action, type Command } from "./user.js";
