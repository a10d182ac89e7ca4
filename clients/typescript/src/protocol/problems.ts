/** What goes wrong: a refusal of the server, the end for good, a broken promise. */
import type { ProblemCode, Retry } from "../rows.js";

/** What the server says when it refuses (RFC 9457). */
export interface ProblemDocument {
  readonly code: ProblemCode;
  readonly title?: string;
  readonly detail?: string;
  readonly status?: number;
  /** `same`: the same command, later; `new`: another one; `never`: nothing like it. */
  readonly retry?: Retry;
  readonly command_id?: string;
  readonly retry_after_ms?: number;
  readonly [member: string]: unknown;
}

/** The server refused a command. `code` is stable and listed under `/docs/errors`. */
export class Problem extends Error {
  override readonly name = "Problem";
  readonly code: ProblemCode;
  readonly retry: Retry;

  constructor(readonly document: ProblemDocument) {
    super(`${document.code}: ${document.detail ?? document.title ?? ""}`);
    this.code = document.code;
    this.retry = document.retry ?? "never";
  }
}

/** The client is closed for good; what had no answer may or may not have happened. */
export class Closed extends Error {
  override readonly name = "Closed";

  constructor(
    /** The WebSocket's close code, or 1000 after `close()`. */
    readonly code: number,
    reason: string,
  ) {
    super(`the connection ended for good: ${reason || "closed"} (${code})`);
  }
}

/** The server left out a version, which it must not; the client resumes by itself. */
export class Gap extends Error {}
