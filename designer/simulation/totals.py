"""Totals: aggregates of many playthroughs, kept so that parts of them merge in any order.

Numbers that percentiles are taken of are kept one by one; everything else is a sum.  Totals merged
in any order are equal once their lists are sorted, which the runner does at the end: so the result
is the same for any number of processes.

Not for: percentages and words (`report`).
"""

from collections.abc import Sequence

from msgspec import Struct

from designer.simulation.attribution import CAUSES
from designer.simulation.player import ChapterOutcome, Playthrough
from designer.simulation.script import CompiledStory
from domain.rules.deviation import DeviationBand

BANDS = tuple(DeviationBand)
_PLACE = {band: place for place, band in enumerate(BANDS)}
SAMPLES = 60
"""Points in time at which every player's level is taken."""


class ChapterTotals(Struct):
    """One chapter: every player's XP and pseudo level at its end, and sums by band.

    `causes[band][cause]` adds up XP over the players of that band.
    """

    actual_xp: list[int]
    pseudo_levels: list[int]
    players: list[int]
    causes: list[list[int]]

    @classmethod
    def empty(cls) -> "ChapterTotals":
        """Nobody yet."""
        return cls([], [], [0 for _ in BANDS], [[0 for _ in CAUSES] for _ in BANDS])

    def count(self, chapter: ChapterOutcome) -> None:
        """One player more."""
        place = _PLACE[chapter.band]
        self.actual_xp.append(chapter.actual_xp)
        self.pseudo_levels.append(chapter.pseudo_level_millis)
        self.players[place] += 1
        sums = self.causes[place]
        for index, xp in enumerate(chapter.causes):
            sums[index] += xp

    def merge(self, other: "ChapterTotals") -> None:
        """The players of `other`, too."""
        self.actual_xp.extend(other.actual_xp)
        self.pseudo_levels.extend(other.pseudo_levels)
        self.players = _added(self.players, other.players)
        self.causes = [
            _added(mine, its) for mine, its in zip(self.causes, other.causes, strict=True)
        ]


class KindTotals(Struct):
    """One kind of player: how their stories went, and the level of each at each point in time."""

    players: int
    bands: list[int]
    finished_seconds: list[int]
    levels_at: list[list[int]]

    @classmethod
    def empty(cls) -> "KindTotals":
        """Nobody yet."""
        return cls(0, [0 for _ in BANDS], [], [[] for _ in range(SAMPLES + 1)])

    def count(self, playthrough: Playthrough, step_seconds: int) -> None:
        """One player more; whoever is through keeps the level they ended with."""
        self.players += 1
        self.bands[_PLACE[playthrough.story_band]] += 1
        self.finished_seconds.append(playthrough.timeline[-1][0])
        timeline, place, level = playthrough.timeline, 0, 1000
        for sample, levels in enumerate(self.levels_at):
            while place < len(timeline) and timeline[place][0] <= sample * step_seconds:
                level = timeline[place][1]
                place += 1
            levels.append(level)

    def merge(self, other: "KindTotals") -> None:
        """The players of `other`, too."""
        self.players += other.players
        self.bands = _added(self.bands, other.bands)
        self.finished_seconds.extend(other.finished_seconds)
        for mine, its in zip(self.levels_at, other.levels_at, strict=True):
            mine.extend(its)


class Totals(Struct):
    """All playthroughs.  `granted_xp` adds up the histories, `total_xp` the players' rows.

    `goods` holds, by kind and id, how much each player has who has any.
    """

    turns: int
    granted_xp: int
    total_xp: int
    chapters: list[ChapterTotals]
    kinds: list[KindTotals]
    goods: dict[tuple[str, str], list[int]]

    @classmethod
    def empty(cls, compiled: CompiledStory) -> "Totals":
        """Nobody yet."""
        return cls(
            turns=0,
            granted_xp=0,
            total_xp=0,
            chapters=[ChapterTotals.empty() for _ in compiled.chapters],
            kinds=[KindTotals.empty() for _ in compiled.story.players],
            goods={},
        )

    def count(self, kind: int, playthrough: Playthrough, step_seconds: int) -> None:
        """One player more, of the kind at this place in the story file."""
        self.turns += playthrough.turns
        self.granted_xp += playthrough.granted_xp
        self.total_xp += playthrough.total_xp
        for totals, chapter in zip(self.chapters, playthrough.chapters, strict=True):
            totals.count(chapter)
        self.kinds[kind].count(playthrough, step_seconds)
        for thing, held in playthrough.goods.items():
            self.goods.setdefault(thing, []).append(held)

    def merge(self, other: "Totals") -> None:
        """The players of `other`, too."""
        self.turns += other.turns
        self.granted_xp += other.granted_xp
        self.total_xp += other.total_xp
        for mine, its in zip(self.chapters, other.chapters, strict=True):
            mine.merge(its)
        for ours, theirs in zip(self.kinds, other.kinds, strict=True):
            ours.merge(theirs)
        for thing, amounts in other.goods.items():
            self.goods.setdefault(thing, []).extend(amounts)


def percentile(ordered: Sequence[int], permille: int) -> int:
    """The number that `permille` thousandths of `ordered` (rising, not empty) are not above."""
    place = -(-len(ordered) * permille // 1000) - 1
    return ordered[min(max(place, 0), len(ordered) - 1)]


def _added(ours: list[int], theirs: list[int]) -> list[int]:
    return [our + their for our, their in zip(ours, theirs, strict=True)]
