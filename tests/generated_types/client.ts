// What a first program does with the generated types; it compiles strictly, or the types are wrong.
import type { components, operations, paths } from "./api";

type Schemas = components["schemas"];

// A command needs nothing but its own members: what has a default may be left out.
const offer: Schemas["OfferQuest"] = {
  type: "offer_quest",
  command_id: "c-1",
  quest_id: "q-1",
  reward: { experience: 100 },
};
const commands: Schemas["Command"][] = [offer, { type: "acknowledge_level_ups", command_id: "c-2" }];

// @ts-expect-error: no command is without its type
const untyped: Schemas["Command"] = { command_id: "c-3" };

const batch: Schemas["UserCommand"][] = commands.map((command) => ({ user_id: "alice", ...command }));

export function questsChanged(reply: Schemas["Reply"]): number {
  // @ts-expect-error: rows that did not change are absent
  reply.changes.quest_record.length;
  return reply.changes.quest_record?.length ?? 0;
}

// Unions are told apart by their tag, and every event is one of them.
export function describe(event: Schemas["Event"]): string {
  switch (event.type) {
    case "experience_granted":
      return `${event.amount} of ${event.planned} from ${event.source}`;
    case "level_reached":
      return `level ${event.level}`;
    default:
      return event.type;
  }
}

export function problemOf(outcome: Schemas["CommandOutcome"]): Schemas["Problem"]["retry"] | null {
  return "code" in outcome ? outcome.retry : null;
}

type User = operations["getUser"]["responses"]["200"]["content"]["application/json"];
export const version = (user: User): number => user.version;
export type Reads = paths["/v1/users/{user_id}/quests"]["get"];
export { batch, commands, untyped };
