/** Client of the Questkeep game state server: live users, and commands that take effect once. */
export { Client, connect, type Options } from "./client.js";
export type { Status } from "./connector.js";
export { indexedDbStore } from "./indexeddb.js";
export { json, type Format, type Socket, type SocketClass } from "./line.js";
export { type Position, type Rows } from "./protocol/mirror.js";
export type { Store } from "./protocol/outbox.js";
export { Closed, Problem, type ProblemDocument } from "./protocol/problems.js";
export type * from "./rows.js";
export type { Frame, Told } from "./protocol/session.js";
export type { Predict, Predictions } from "./protocol/view.js";
export { User, type Action, type Command } from "./user.js";
