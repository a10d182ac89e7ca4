"""The published curves: every check value of the study, as a rules file and by name."""

import pytest

from domain.rules.compiled_rules import compile_rules
from domain.rules.curves.published import PUBLISHED
from domain.rules.load import preset_text, presets
from tests.domain import table_kit
from tests.domain.rules_kit import preset, small, small_text

CHECKS = """
preset            | cap | total XP that reaches a level
------------------|-----|------------------------------
mmo60             | 60  | 2:400 3:1300 10:27600 20:167200 40:1154400 60:4084700
exp99             | 99  | 2:83 10:1154 50:101333 92:6517253 99:13034431
cubic-fast        | 100 | 2:6 100:800000
cubic-medium      | 100 | 2:8 100:1000000
cubic-medslow     | 100 | 2:9 100:1059860
cubic-slow        | 100 | 2:10 100:1250000
cubic-erratic     | 100 | 50:125000 68:257834 98:583539 100:600000
cubic-fluctuating | 100 | 15:1957 36:46656 100:1640000
cubic-classic     | 200 | 2:100 8:4200 20:98800 100:15694800
cubic-stepped     | 65  | 2:1000 30:24389000 31:29700000 50:164708600 60:616137000
d20               | 20  | 2:300 3:900 4:2700 5:6500 10:64000 11:85000 12:100000 19:305000 20:355000
season-pass       | 51  | 2:1000 3:2500 4:4500 51:662500
power             | 100 | 2:1000 5:8000 10:27000 3:2828
default           | 60  | 10:27600 20:167200 40:1154400 60:4084700
"""


@pytest.mark.parametrize("row", table_kit.params(CHECKS))
def test_a_preset_gives_the_published_totals(row: dict[str, str]) -> None:
    rules = preset(row["preset"])
    assert rules.level_cap == int(row["cap"])
    for check in row["total XP that reaches a level"].split():
        level, total = map(int, check.split(":"))
        assert rules.levels[level - 1].cumulative_xp == total, f"level {level}"


def test_every_preset_is_checked_and_names_its_source() -> None:
    names = set(presets())
    assert names == {row["preset"] for row in table_kit.rows(CHECKS)}
    assert names == {*PUBLISHED, "default"}
    for name in names:
        assert preset(name).name == name
        assert preset(name).source


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_curve_by_name_is_the_curve_of_the_file(name: str) -> None:
    assert small(levels=f'preset = "{name}"').levels[1:] != ()
    by_name = [level.xp_to_next for level in small(levels=f'preset = "{name}"').levels]
    assert by_name == [level.xp_to_next for level in preset(name).levels]


def test_a_curve_by_name_may_end_earlier() -> None:
    rules = small(levels='preset = "mmo60"\nlevel_cap = 10')
    assert rules.level_cap == 10
    assert rules.levels[-1].cumulative_xp == 27_600
    assert rules.levels[-1].xp_to_next == 0


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_the_numbers_of_a_preset_are_a_table_of_the_same_meaning(name: str) -> None:
    rules = preset(name)
    head, _, rest = preset_text(name).partition("[levels]")
    costs = [level.xp_to_next for level in rules.levels[:-1]]
    _, _, tail = rest.partition("[strength]")
    levels = f"[levels]\nxp_to_next = {costs}\ncosts_may_fall = true\n"
    assert compile_rules(f"{head}{levels}[strength]{tail}").fingerprint == rules.fingerprint


FORMULAS = """
case                      | levels                                                                     | costs
--------------------------|----------------------------------------------------------------------------|------
a table of costs          | xp_to_next = [1, 2]                                                        | 1 2
a table of totals         | total_xp = [0, 10, 30]                                                     | 10 20
linear                    | kind = "linear"; level_cap = 4; first = 100; increase = 0                  | 100 100 100
a quartic                 | kind = "polynomial"; level_cap = 4; coefficients = [0, 0, 0, 0, 1]         | 16 65 175
an offset                 | kind = "polynomial"; level_cap = 4; coefficients = [0, 0, 1]; offset = 1   | 1 3 5
a square root of a cube   | kind = "power"; level_cap = 5; scale = 10; exponent = "3/2"                | 10 18 23 29
a whole exponent          | kind = "power"; level_cap = 4; scale = 2; exponent = 2                     | 2 6 10
doubling                  | kind = "exponential"; level_cap = 5; scale = 1; base = 2                   | 2 4 8 16
doubling every two levels | kind = "exponential"; level_cap = 5; scale = 10; base = 2; period = 2      | 14 20 28 40
a tenth more a level      | kind = "exponential"; level_cap = 4; scale = 100; base = "11/10"           | 110 121 133
"""  # noqa: E501


@pytest.mark.parametrize("row", table_kit.params(FORMULAS))
def test_a_formula_gives_whole_costs(row: dict[str, str]) -> None:
    rules = small(levels=row["levels"].replace("; ", "\n"))
    assert [level.xp_to_next for level in rules.levels] == [*map(int, row["costs"].split()), 0]


STRENGTHS = """
case          | strength                                                    | at levels 1 to 5
--------------|-------------------------------------------------------------|-----------------
linear        | base = 7; per_level = 3                                     | 7 10 13 16 19
a power       | kind = "power"; base = 5; scale = 10; exponent = "1/2"      | 5 15 19 22 25
a table       | kind = "table"; strengths = [4, 4, 9]                       | 4 4 9 9 9
"""


@pytest.mark.parametrize("row", table_kit.params(STRENGTHS))
def test_reference_strength_follows_its_curve(row: dict[str, str]) -> None:
    text = small_text().replace("base = 10\nper_level = 10", row["strength"].replace("; ", "\n"))
    strengths = [level.reference_strength for level in compile_rules(text).levels]
    assert strengths == [int(one) for one in row["at levels 1 to 5"].split()]
