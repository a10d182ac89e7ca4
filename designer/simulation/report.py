"""The report: what a simulated story comes to, in numbers that people and programs can read.

The same story, rules, players and seed give the same report, byte for byte, on every machine.

Not for: drawing (`plot`, `tables`) or wording.
"""

from collections.abc import Iterable

from msgspec import Struct

from designer.simulation.attribution import CAUSES
from designer.simulation.run import Result, Task
from designer.simulation.script import ChapterScript, CompiledStory
from designer.simulation.totals import BANDS, ChapterTotals, KindTotals, percentile
from domain.rules.deviation import DeviationBand

UNDER = (DeviationBand.FAR_UNDER, DeviationBand.UNDER)
OVER = (DeviationBand.OVER, DeviationBand.FAR_OVER)
CAUSE_PERMILLE_MIN = 10
"""A cause below a hundredth of the plan is not called the main one."""


class Spread(Struct, frozen=True):
    """Where the players are: a tenth of them not above `p10`, half not above `median`, ..."""

    p10: int
    p25: int
    median: int
    p75: int
    p90: int


class CauseShare(Struct, frozen=True):
    """A cause and what it made of a chapter's planned XP, in thousandths, on average."""

    cause: str
    permille: int


class ChapterReport(Struct, frozen=True):
    """One chapter: plan, outcome, and why.

    `bands` are thousandths of the players; `causes` thousandths of the planned XP, the average of
    all players.  `main_cause_under` is what cost those who are under or far under the most,
    `main_cause_over` what gave those who are over or far over the most; None for nobody, or when no
    cause stands out.
    """

    chapter_id: str
    planned_xp: int
    actual_xp: Spread
    planned_exit_millis: int
    exit_millis: Spread
    bands: dict[str, int]
    causes: dict[str, int]
    main_cause_under: CauseShare | None
    main_cause_over: CauseShare | None


class Moment(Struct, frozen=True):
    """Every player's pseudo level, in thousandths, after so many minutes of play.

    `finished` is thousandths of the players who are through; `medians` one for each kind.
    """

    minutes: int
    levels: Spread
    medians: dict[str, int]
    finished: int


class KindReport(Struct, frozen=True):
    """One kind of player: how their whole stories went (thousandths by band), and how long."""

    name: str
    players: int
    bands: dict[str, int]
    minutes: Spread


class GoodsReport(Struct, frozen=True):
    """What the players hold of one thing in the end: how many of them any, in thousandths, and how
    much, those counted who have none."""

    kind: str
    id: str
    players: int
    held: Spread


class Report(Struct, frozen=True):
    """All of it.  Pseudo levels are in thousandths, shares in thousandths, XP whole."""

    story: str
    rules: str
    fingerprint: str
    players: int
    seed: int
    turns: int
    granted_xp: int
    chapters: list[ChapterReport]
    over_time: list[Moment]
    kinds: list[KindReport]
    goods: list[GoodsReport]


def report_of(task: Task, compiled: CompiledStory, result: Result) -> Report:
    """The report on a run's result."""
    totals = result.totals
    chapters = zip(compiled.chapters, totals.chapters, strict=True)
    named = list(zip((kind.name for kind in compiled.story.players), totals.kinds, strict=True))
    return Report(
        story=compiled.story.name,
        rules=compiled.rules.name,
        fingerprint=compiled.rules.fingerprint,
        players=task.players,
        seed=task.seed,
        turns=totals.turns,
        granted_xp=totals.granted_xp,
        chapters=[_chapter(script, part) for script, part in chapters],
        over_time=_over_time(named, result.step_seconds, task.players),
        kinds=[_kind(name, part) for name, part in named if part.players],
        goods=[_goods(thing, totals.goods[thing], task.players) for thing in sorted(totals.goods)],
    )


def _chapter(script: ChapterScript, totals: ChapterTotals) -> ChapterReport:
    plan = script.plan
    causes = _causes(plan.planned_total_xp, totals, BANDS)
    return ChapterReport(
        chapter_id=plan.chapter_id,
        planned_xp=plan.planned_total_xp,
        actual_xp=_spread(totals.actual_xp),
        planned_exit_millis=plan.exit_pseudo_level_millis,
        exit_millis=_spread(totals.pseudo_levels),
        bands=_bands(totals.players),
        causes=causes,
        main_cause_under=_main(_causes(plan.planned_total_xp, totals, UNDER), -1),
        main_cause_over=_main(_causes(plan.planned_total_xp, totals, OVER), 1),
    )


def _causes(planned: int, totals: ChapterTotals, bands: Iterable[DeviationBand]) -> dict[str, int]:
    """What each cause made of the plan, on average over the players of these bands."""
    places = [BANDS.index(band) for band in bands]
    players = sum(totals.players[place] for place in places)
    sums = [sum(totals.causes[place][cause] for place in places) for cause in range(len(CAUSES))]
    planned_of_all = players * planned
    return {
        name: _permille(xp, planned_of_all) if planned_of_all else 0
        for name, xp in zip(CAUSES, sums, strict=True)
    }


def _main(causes: dict[str, int], sign: int) -> CauseShare | None:
    """The largest cause of this sign."""
    name, permille = max(causes.items(), key=lambda cause: sign * cause[1])
    return CauseShare(name, permille) if sign * permille >= CAUSE_PERMILLE_MIN else None


def _over_time(
    kinds: list[tuple[str, KindTotals]], step_seconds: int, players: int
) -> list[Moment]:
    """From the start to the first moment at which everybody is through."""
    moments = []
    finished = sorted(second for _, kind in kinds for second in kind.finished_seconds)
    for sample in range(len(kinds[0][1].levels_at)):
        seconds = sample * step_seconds
        levels = sorted(level for _, kind in kinds for level in kind.levels_at[sample])
        done = sum(second <= seconds for second in finished)
        medians = {
            name: percentile(kind.levels_at[sample], 500) for name, kind in kinds if kind.players
        }
        moments.append(Moment(seconds // 60, _spread(levels), medians, _permille(done, players)))
        if done == players:
            break
    return moments


def _kind(name: str, totals: KindTotals) -> KindReport:
    minutes = [seconds // 60 for seconds in totals.finished_seconds]
    return KindReport(name, totals.players, _bands(totals.bands), _spread(minutes))


def _goods(thing: tuple[str, str], amounts: list[int], players: int) -> GoodsReport:
    everybody = sorted([*amounts, *(0 for _ in range(players - len(amounts)))])
    return GoodsReport(*thing, _permille(len(amounts), players), _spread(everybody))


def _spread(ordered: list[int]) -> Spread:
    return Spread(*(percentile(ordered, permille) for permille in (100, 250, 500, 750, 900)))


def _bands(counts: list[int]) -> dict[str, int]:
    players = sum(counts)
    return {str(band): _permille(count, players) for band, count in zip(BANDS, counts, strict=True)}


def _permille(part: int, whole: int) -> int:
    """Thousandths, to the nearest; a half goes away from 0."""
    nearest = (2000 * abs(part) + whole) // (2 * whole)
    return nearest if part >= 0 else -nearest
