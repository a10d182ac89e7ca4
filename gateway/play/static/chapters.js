/** The story that the page tells: three chapters, each with three quests and three fights. */
export const STORY = [
  {
    title: "The road through Emberfall",
    hunted: "grey-wolf",
    leader: "pack-leader",
    gathered: "moonwort",
    hunt: "Clear the road of wolves",
    gather: "Moonwort for the healer",
    side: "A letter for the miller",
    band: "opening_fast",
  },
  {
    title: "Low water at Tidegate",
    hunted: "shore-crab",
    leader: "reef-golem",
    gathered: "sea-glass",
    hunt: "Make the causeway safe",
    gather: "Glass for the lighthouse",
    side: "A toast with the harbour master",
    band: "steady",
  },
  {
    title: "Under Nightspire",
    hunted: "ash-hound",
    leader: "night-drake",
    gathered: "star-shard",
    hunt: "Break the ash pack",
    gather: "Shards for the lens",
    side: "A candle for those before you",
    band: "finale_dense",
  },
];

const LEVELS_A_CHAPTER = 2;
export const FIGHTS = 3;
const QUEST_SHARE = 0.6;
const SHARES = { hunt: 0.5, gather: 0.3, side: 0.2 };
const HUNTED = 2;
const GATHERED = 3;

/** The plan of a chapter as the command that writes it; the XP are what its levels cost. */
export function planOf(index, levels) {
  const entry = Math.min(1 + (index - 1) * LEVELS_A_CHAPTER, levels.length - 1);
  const exit = Math.min(entry + LEVELS_A_CHAPTER, levels.length);
  const total = levels[exit - 1].cumulative_xp - levels[entry - 1].cumulative_xp;
  const questXp = Math.round(total * QUEST_SHARE);
  return {
    type: "upsert_chapter_progression",
    chapter_id: chapterId(index),
    chapter_index: index,
    total_chapters: STORY.length,
    entry_pseudo_level_millis: entry * 1000,
    exit_pseudo_level_millis: exit * 1000,
    entry_level: entry,
    exit_level: exit,
    planned_total_xp: total,
    planned_quest_xp: questXp,
    planned_hostile_xp: total - questXp,
    expected_hostile_defeat_count: FIGHTS,
    pace_band: STORY[index - 1].band,
  };
}

/** The commands that offer a chapter's quests. */
export function offersOf(index, questXp) {
  const { hunted, gathered } = STORY[index - 1];
  const hunt = Math.round(questXp * SHARES.hunt);
  const gather = Math.round(questXp * SHARES.gather);
  const offer = (name, experience, more) => ({
    type: "offer_quest",
    quest_id: `${chapterId(index)}-${name}`,
    chapter_id: chapterId(index),
    reward: { experience, currency: { gold: 10 * index } },
    ...more,
  });
  return [
    offer("gather", gather, { objectives: [{ kind: "collect", target: gathered, required: GATHERED }] }),
    offer("hunt", hunt, { objectives: [{ kind: "defeat", target: hunted, required: HUNTED }] }),
    offer("side", questXp - hunt - gather, {}),
  ];
}

/** Who is met in a chapter's next fight, after so many of the planned ones. */
export function hostileOf(index, fought) {
  // A service may have written chapters that this story does not have.
  const { hunted, leader } = STORY[index - 1] ?? STORY[0];
  return fought === FIGHTS - 1 ? { hostile_id: leader, tier: "standard" } : { hostile_id: hunted, tier: "minion" };
}

/** What a quest is called. */
export function titleOf(questId, index) {
  const chapter = STORY[index - 1];
  const name = questId.split("-").at(-1);
  return chapter && (name === "hunt" || name === "gather" || name === "side") ? chapter[name] : questId;
}

const chapterId = (index) => `chapter-${index}`;
