"""The rules of play: combat, quests, chapters, progression and level-ups, rewards, loot."""
