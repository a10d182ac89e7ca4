/** Predictions: rows show at once what a player's command will do, and are corrected by its answer. */
import { decide, type Rules, type State } from "./predict/decide.js";
import type { Predictions } from "./protocol/view.js";

/** For `connect(url, { getToken, predict })`. Under rules that it cannot get, nothing is predicted. */
export const predict: Predictions = async (url, token, fingerprint) => {
  const response = await fetch(`${url}/v1/rules`, { headers: { Authorization: `Bearer ${token}` } });
  const rules = (await response.json()) as Rules;
  if (rules.fingerprint !== fingerprint) return undefined;
  return (rows, command) => {
    const decision = decide(rows as State, command, madeAt(command.command_id as string), rules);
    return decision && "changes" in decision ? (decision.changes as Readonly<Record<string, unknown>>) : undefined;
  };
};

/** Microseconds: a UUIDv7 begins with the milliseconds in which it was made. */
const madeAt = (commandId: string): number => 1000 * parseInt(commandId.slice(0, 8) + commandId.slice(9, 13), 16);
