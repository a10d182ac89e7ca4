"""Stories and rules for tests of the simulation: small, and the worked examples.

Not for: rules by themselves (`tests.domain.rules_kit`).
"""

from functools import cache
from pathlib import Path

from designer.simulation.report import Report, report_of
from designer.simulation.run import Result, Task, play
from designer.simulation.story_file import read_story
from domain.rules.load import rules_of

EXAMPLES = Path(__file__).parents[2] / "examples"
STORIES = sorted((EXAMPLES / "stories").glob("*.toml"))
RULES_FILE = EXAMPLES / "rules" / "twelve_levels.toml"

SMALL_STORY = """
name = "small"
[[chapters]]
chapter_id = "a"
quests = ["major"]
side_quests = 2
hostiles = { minion = 3, boss = 1 }
different_hostiles = 1
[[chapters]]
chapter_id = "b"
weight = 2
quests = 1
hostiles = { standard = 4 }
[[players]]
name = "careful"
share = 2
[[players]]
name = "wild"
skill_permille = [300, 700]
side_quests_permille = [0, 500]
fights_permille = [500, 1000]
extra_fights_permille = [0, 2000]
minutes_per_day = [1, 60]
"""


def task_of(story: Path, players: int, seed: int = 7) -> Task:
    """A worked example, with few players."""
    text = story.read_text(encoding="utf-8")
    return Task(text, rules_of(read_story(text).rules, story.parent), players, seed)


def small_task(players: int = 40, seed: int = 7, story: str = SMALL_STORY) -> Task:
    """The small story under rules in which everything shapes experience."""
    return Task(story, RULES_FILE.read_text(encoding="utf-8"), players, seed)


@cache
def reported(task: Task, processes: int = 1) -> tuple[Result, Report]:
    """The result and its report; the same task is played once."""
    result = play(task, processes)
    return result, report_of(task, task.compile(), result)
