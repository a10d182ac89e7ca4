/** Names for the API's generated types: rows, events and replies as they are on the wire. */
import type { components } from "./api.js";

type Schemas = components["schemas"];

export type PlayerProgression = Readonly<Schemas["PlayerProgression"]>;
export type ChapterProgression = Readonly<Schemas["ChapterProgression"]>;
export type QuestRecord = Readonly<Schemas["QuestRecord"]>;
export type BattleState = Readonly<Schemas["BattleState"]>;
export type Reply = Readonly<Schemas["Reply"]>;
/** Every code that a refusal can have; a newer server may have more. */
export type ProblemCode = Schemas["Problem"]["code"];
export type Retry = Schemas["Problem"]["retry"];
export type Event = Readonly<Schemas["Event"]>;
export type EventOf<T extends Event["type"]> = Extract<Event, { readonly type: T }>;
