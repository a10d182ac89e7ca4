"""A simulated story: the real rules, the same outcome everywhere, and every XP accounted for."""

from itertools import accumulate
from pathlib import Path

import pytest

from designer.simulation.attribution import CAUSES, Attribution
from designer.simulation.player import Player, Playthrough
from designer.simulation.run import Task, kind_of, play
from designer.simulation.story_file import InvalidStory, read_story
from designer.simulation.totals import percentile
from domain.game.progression import progression_of
from domain.state.history import HistoryEntry
from tests.designer.story_kit import SMALL_STORY, STORIES, reported, small_task, task_of

KINDS = 2


def players_of(task: Task, count: int) -> list[Player]:
    compiled = task.compile()
    kinds = compiled.story.players
    return [Player(compiled, kinds[n % KINDS], n, task.seed, forget=False) for n in range(count)]


@pytest.mark.slow
def test_the_outcome_is_the_same_for_any_number_of_processes() -> None:
    task = task_of(STORIES[0], 80)
    one, two = (reported(task, processes) for processes in (1, 2))
    assert one[0].totals == two[0].totals
    assert one[1] == two[1]


def test_another_seed_is_another_outcome() -> None:
    assert reported(small_task(seed=1))[1] != reported(small_task(seed=2))[1]


def test_what_the_histories_say_is_what_the_players_have() -> None:
    totals = play(task_of(STORIES[0], 40), 1).totals
    assert totals.granted_xp == totals.total_xp > 0


def test_every_players_history_adds_up_and_explains_itself() -> None:
    for player in players_of(small_task(), 20):
        playthrough = player.play()
        history = player.state.history
        assert [entry.sequence for entry in history] == list(range(1, len(history) + 1))
        assert (
            sum(entry.amount for entry in history) == playthrough.total_xp == playthrough.granted_xp
        )
        assert (
            playthrough.total_xp
            == progression_of(player.state, small_task().compile().rules).total_xp
        )
        assert playthrough.total_xp == sum(chapter.actual_xp for chapter in playthrough.chapters)
        _factors_lead_from_planned_to_amount(history)


def _factors_lead_from_planned_to_amount(history: tuple[HistoryEntry, ...]) -> None:
    for entry in history:
        worth = entry.planned
        for factor in entry.factors:
            assert factor.before == worth
            worth = factor.after
        assert worth == entry.amount


def test_plan_and_causes_add_up_to_what_was_paid_in_every_chapter() -> None:
    task = small_task()
    plans = [script.plan for script in task.compile().chapters]
    for player in players_of(task, 20):
        for plan, chapter in zip(plans, player.play().chapters, strict=True):
            assert plan.planned_total_xp + sum(chapter.causes) == chapter.actual_xp


def test_forgetting_what_is_over_changes_nothing_about_the_way() -> None:
    compiled = small_task().compile()

    def playthroughs(forget: bool) -> list[Playthrough]:
        kinds = compiled.story.players
        return [Player(compiled, kinds[n % 2], n, 7, forget=forget).play() for n in range(20)]

    assert playthroughs(forget=True) == playthroughs(forget=False)


def test_each_rule_and_each_habit_is_told_apart() -> None:
    _, report = reported(small_task(200))
    first, second = report.chapters
    assert first.causes["repeat"] < 0, "one hostile, met again and again"
    assert first.causes["side_quests"] < 0 == second.causes["side_quests"]
    for cause in ("lost_fights", "avoided_fights", "over_budget"):
        assert second.causes[cause] < 0
    assert second.causes["extra_fights"] > 0


def test_who_does_everything_and_wins_is_on_pace() -> None:
    careful = SMALL_STORY.replace("share = 2", "share = 2\nskill_permille = 1000")
    _, report = reported(small_task(30, story=careful))
    kinds = {kind.name: kind for kind in report.kinds}
    assert kinds["careful"].bands["on_pace"] == 1000
    assert kinds["wild"].bands["on_pace"] < 1000


def test_every_kind_gets_its_share_of_the_players() -> None:
    compiled = small_task().compile()
    kinds = [kind_of(number, compiled, 10) for number in range(10)]
    assert kinds == [0] * 7 + [1] * 3


def test_levels_never_fall_over_time_and_everybody_gets_through() -> None:
    _, report = reported(task_of(STORIES[0], 100))
    medians = [moment.levels.median for moment in report.over_time]
    assert medians == sorted(medians)
    assert medians[0] == 1000
    finished = [moment.finished for moment in report.over_time]
    assert finished == sorted(finished)
    assert finished[-1] == 1000


@pytest.mark.parametrize("story", STORIES, ids=lambda path: path.stem)
def test_the_worked_examples_run(story: Path) -> None:
    _, report = reported(task_of(story, 12))
    assert report.turns > 1000
    assert {kind.name for kind in report.kinds} >= {"completionist", "rusher", "grinder"}
    for chapter in report.chapters:
        assert 995 <= sum(chapter.bands.values()) <= 1005


def off_pace(name: str, chapter_id: str) -> tuple[int, str | None]:
    """Thousandths of the players who are under or far under, and the main cause."""
    story = next(path for path in STORIES if path.stem == name)
    chapters = {one.chapter_id: one for one in reported(task_of(story, 100))[1].chapters}
    chapter = chapters[chapter_id]
    cause = chapter.main_cause_under
    return chapter.bands["far_under"] + chapter.bands["under"], cause and cause.cause


@pytest.mark.parametrize(
    ("chapter_id", "cause"),
    [("border", "side_quests"), ("salt-mine", "repeat"), ("siege", "lost_fights")],
)
def test_the_badly_paced_story_shows_its_mistakes_and_the_mended_one_is_better(
    chapter_id: str, cause: str
) -> None:
    share, found = off_pace("badly_paced", chapter_id)
    assert (share > 500, found) == (True, cause)
    assert off_pace("badly_paced_mended", chapter_id)[0] < 350


def test_a_percentile_is_a_number_that_is_there() -> None:
    numbers = [3, 5, 9, 12]
    assert [percentile(numbers, one) for one in (0, 250, 251, 500, 1000)] == [3, 3, 5, 5, 12]


def test_causes_are_told_in_one_order() -> None:
    assert list(Attribution().amounts) == list(CAUSES)


def test_the_steps_of_a_chapter_hold_all_its_quests_and_hostiles_with_the_boss_last() -> None:
    script = small_task().compile().chapters[0]
    kinds = [type(step).__name__ for step in script.steps]
    assert kinds.count("QuestStep") == 3
    tiers = [step.tier for step in script.steps if hasattr(step, "tier")]
    assert tiers == ["minion", "minion", "minion", "boss"]
    assert [step.tier for step in script.rematches] == ["minion"]
    assert list(accumulate(script.plan.quest_xp))[-1] == script.plan.planned_quest_xp


BROKEN = [
    ('name = "small"', "name = 5", "name is 5, expected a text: put it in quotes"),
    ('chapter_id = "b"', 'chapter_id = "a"', 'chapters (entry 2).chapter_id is "a", which entry 1'),
    ('chapter_id = "b"', 'chapter_id = "a/b"', 'chapters (entry 2).chapter_id: it is "a/b"'),
    ("side_quests = 2", "side_quests = -2", "chapters (entry 1).side_quests: it is -2, expected a"),
    ('["major"]', '["huge"]', 'chapters (entry 1).quests: it is ["huge"], expected a number'),
    ("boss = 1", "dragon = 1", "chapters (entry 1).hostiles.dragon is no key here"),
    ("weight = 2", 'pace_band = "slow"', 'pace_band is "slow", expected "opening_fast"'),
    ("[300, 700]", "[700, 300]", "skill_permille: it is [700, 300], expected thousandths from 0"),
    ("[300, 700]", "1001", "skill_permille: it is 1001, expected thousandths from 0 to 1000"),
    ('name = "wild"', 'name = "careful"', 'players (entry 2).name is "careful", which entry 1 has'),
    ("share = 2", "share = 0", "players (entry 1).share is 0, expected at least 1: raise it"),
    ("quests = 1\nhostiles = { standard = 4 }", "", "chapters (entry 2) has no quests and no host"),
    ("[300, 700]", "[[3], 7]", "skill_permille: it is a list of 2, expected thousandths"),
    (SMALL_STORY, 'name = "x"', "chapters is missing: add a section [[chapters]] for each chapter"),
    (SMALL_STORY, "name = ", "not TOML: "),
]


@pytest.mark.parametrize(("old", "new", "sentence"), BROKEN)
def test_a_broken_story_is_told_key_by_key(old: str, new: str, sentence: str) -> None:
    with pytest.raises(InvalidStory) as caught:
        read_story(SMALL_STORY.replace(old, new, 1))
    assert any(sentence in problem for problem in caught.value.problems), caught.value.problems


def test_a_story_the_compiler_refuses_is_told_with_its_reasons() -> None:
    poor = SMALL_STORY.replace("weight = 2", "weight = 1000000")
    with pytest.raises(InvalidStory, match="raise their weight, or raise what levels cost"):
        small_task(story=poor).compile()


def test_a_story_whose_quests_pay_with_loot_that_there_is_not_is_told_which_there_is() -> None:
    story = SMALL_STORY.replace("weight = 2", 'weight = 2\nquest_loot = "chest"')
    with pytest.raises(InvalidStory) as caught:
        small_task(story=story).compile()
    assert caught.value.problems == [
        'chapters (entry 2).quest_loot is "chest", expected one of the rules\' tables '
        '("scraps", "lamplighter-chest"): choose one of them, or remove it'
    ]
