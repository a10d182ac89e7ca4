"""`questkeep rules`: what a designer types and what they read."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from designer.rules.charts import budgets, charts
from designer.rules.diff import changes
from designer.rules.penalty_charts import decay, level_difference, repeats, switched_off
from domain.rules.compiled_rules import compile_rules
from domain.rules.load import presets, rules_of
from domain.state.rows import Source
from tests.cli.cli_kit import run_in
from tests.designer.story_kit import RULES_FILE

DEFAULT = rules_of("default")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run_in(folder, "rules", *arguments)


TEN_WAYS = [
    ("base = 20", 'base = "20"', 'strength.base is "20", expected an integer: write it without'),
    ("base = 20", "base = 0", "strength.base is 0, expected at least 1: raise it"),
    ("minor = 1", "minor = 1\ntiny = 1", "quest_weights.tiny is no key here: remove it, or write"),
    ("level_offset = -1\n", "", "tiers.minion.level_offset is missing: add the line level_offset"),
    (
        "  400, 900,",
        "  900, 400,",
        "levels: level 2 costs 400 XP, expected at least the 900 of level",
    ),
    ("roll_min_permille = 850", "roll_min_permille = 1200", "combat: roll_min_permille is 1200"),
    ('kind = "even_levels"', 'kind = "steep"', 'pseudo_levels.kind is "steep", expected one of'),
    ("quest_permille = 700", "quest_permille = 1001", "bands.opening_fast.quest_permille is 1001"),
    ("far_under_permille = 500", "far_under_permille = 900", "deviation: far_under_permille is 9"),
    ('kills = { kind = "none" }', 'kills = { kind = "no" }', 'kills.kind is "no", expected one of'),
    ("[strength]", "[strength", "not TOML: "),
]


@pytest.mark.parametrize(("old", "new", "sentence"), TEN_WAYS, ids=[row[1] for row in TEN_WAYS])
def test_each_way_to_break_a_rules_file_gets_an_error_that_says_how_to_mend_it(
    folder: Path, old: str, new: str, sentence: str
) -> None:
    assert old in DEFAULT
    broken = DEFAULT.replace(old, new)
    (folder / "mine.toml").write_text(broken, encoding="utf-8")
    done = run(folder, "check", "mine.toml")
    assert (done.returncode, done.stdout) == (1, "")
    assert f"mine.toml: {sentence}" in done.stderr or f".{sentence}" in done.stderr
    assert "Traceback" not in done.stderr


def test_all_problems_of_a_file_are_told_at_once(folder: Path) -> None:
    text = DEFAULT.replace("base = 20", "base = 0").replace("minor = 1", "minor = 0")
    (folder / "mine.toml").write_text(text, encoding="utf-8")
    done = run(folder, "check", "mine.toml")
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "mine.toml: strength.base is 0, expected at least 1: raise it.",
        "mine.toml: quest_weights.minor is 0, expected at least 1: raise it.",
    ]


def test_a_good_file_is_good(folder: Path) -> None:
    done = run(folder, "check", str(RULES_FILE))
    fingerprint = compile_rules(RULES_FILE.read_text(encoding="utf-8")).fingerprint
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith(
        f"is good: twelve levels, level cap 12, fingerprint {fingerprint}.\n"
    )


@pytest.mark.parametrize("command", ["show", "check", "plot"])
def test_a_name_that_is_nothing_is_one_sentence_and_exit_2(folder: Path, command: str) -> None:
    done = run(folder, command, "mmo61")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "mmo61 is neither a file nor a preset; did you mean mmo60?\n"


def test_a_name_like_no_preset_is_told_which_there_are(folder: Path) -> None:
    done = run(folder, "show", "zzz")
    assert done.stderr.startswith("zzz is neither a file nor a preset; the presets are cubic-")
    assert len(done.stderr.splitlines()) == 1


def test_problems_can_be_read_by_programs(folder: Path) -> None:
    (folder / "mine.toml").write_text(DEFAULT.replace("base = 20", "base = 0"), encoding="utf-8")
    wrong, good = run(folder, "check", "mine.toml", "--json"), run(folder, "check", "d20", "--json")
    assert (wrong.returncode, good.returncode) == (1, 0)
    assert json.loads(wrong.stdout) == {
        "file": "mine.toml",
        "problems": ["mine.toml: strength.base is 0, expected at least 1: raise it."],
    }
    assert json.loads(good.stdout) == {"file": "d20", "problems": []}


def test_show_prints_every_part_of_the_rules(folder: Path) -> None:
    done = run(folder, "show", str(RULES_FILE))
    assert (done.returncode, done.stderr) == (0, "")
    for word in (
        "twelve levels",
        "11,550",
        "reference strength",
        "boss",
        "finale_dense",
        "gap_table",
        "decay, scope chapter",
        "bands meet at 50 %, 80 %, 125 %, 200 %",
        "XP to the next level",
        "Loot table lamplighter-chest",
        "item star-glass          1       5     5 %               0.1",
        "2 rolls an opening",
    ):
        assert word in done.stdout, word


def test_show_takes_the_rules_of_the_settings_when_nothing_is_named(folder: Path) -> None:
    (folder / "questkeep.toml").write_text(f'rules = "{RULES_FILE}"\n', encoding="utf-8")
    assert json.loads(run(folder, "show", "--json").stdout)["name"] == "twelve levels"


def test_show_can_be_read_by_programs(folder: Path) -> None:
    shown = json.loads(run(folder, "show", "exp99", "--json").stdout)
    assert shown["level_cap"] == len(shown["level_benchmarks"]) == 99
    assert shown["fingerprint"] == compile_rules(rules_of("exp99")).fingerprint
    assert set(shown["penalties"]) == {"level_difference", "repeat", "over_budget"}


def test_of_many_levels_a_choice_is_shown_and_all_on_request(folder: Path) -> None:
    some, every = run(folder, "show", "exp99"), run(folder, "show", "exp99", "--all")
    assert "of 99 levels; --all shows every one" in some.stdout
    assert re.search(r"^ *51 ", every.stdout, flags=re.MULTILINE)
    assert not re.search(r"^ *51 ", some.stdout, flags=re.MULTILINE)
    assert "--all" not in every.stdout


def test_plot_draws_every_curve_in_the_terminal(folder: Path) -> None:
    done = run(folder, "plot", str(RULES_FILE))
    assert (done.returncode, done.stderr) == (0, "")
    for chart in charts(compile_rules(RULES_FILE.read_text(encoding="utf-8"))):
        assert chart.title in done.stdout
    assert "Off in these rules: level difference (quests)." in done.stdout


@pytest.mark.parametrize("preset", presets())
def test_every_preset_can_be_shown_plotted_and_compared(folder: Path, preset: str) -> None:
    rules = compile_rules(rules_of(preset))
    assert all(line.xs and len(line.xs) == len(line.ys) for c in charts(rules) for line in c.lines)
    found = changes(rules, compile_rules(DEFAULT), rules_of(preset), DEFAULT)
    assert found.same is (rules.fingerprint == compile_rules(DEFAULT).fingerprint)


def test_diff_says_who_gains_and_who_loses_at_each_xp(folder: Path) -> None:
    (folder / "cheap.toml").write_text(
        DEFAULT.replace("  400, 900, 1400,", "  400, 600, 1700,"), encoding="utf-8"
    )
    done = run(folder, "diff", "default", "cheap.toml", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert found["players"] == [
        {"from_xp": 1000, "to_xp": 1299, "level_before": 2, "level_after": 3},
    ]
    assert [(one["level"], one["cost_before"], one["cost_after"]) for one in found["levels"]] == [
        (2, 900, 600),
        (3, 1400, 1700),
    ]
    assert [one["key"] for one in found["keys"]] == ["levels.xp_to_next"]
    text = run(folder, "diff", "default", "cheap.toml").stdout
    assert re.search(r"1,000 +1,299 +2 +3 +\+1", text)
    assert "a list of 59; 2 differ" in text
    assert "rebase_progression" in text
    back = run(folder, "diff", "cheap.toml", "default").stdout
    assert re.search(r"1,000 +1,299 +3 +2 +-1", back)
    assert "nobody loses any" in " ".join(back.split())


def test_diff_says_what_an_opening_of_each_loot_table_gives_before_and_after(folder: Path) -> None:
    table = '\n[loot.wolf]\nnothing = 50\ndrops = [{ item = "pelt", weight = 50 }]\n'
    richer = table.replace("50 }", "50, amount = [1, 4] }")
    for name, text in (("one", table), ("two", richer)):
        (folder / f"{name}.toml").write_text(DEFAULT + text, encoding="utf-8")
    found = json.loads(run(folder, "diff", "one.toml", "two.toml", "--json").stdout)
    pelt = {"table": "wolf", "kind": "item", "id": "pelt"}
    assert found["loot"] == [{**pelt, "before": 500, "after": 1250}]
    text = run(folder, "diff", "one.toml", "two.toml").stdout
    assert re.search(r"wolf +item pelt +0\.5 +1\.25", text)
    assert "a list of 1; 1 differ" in text
    gone = run(folder, "diff", "one.toml", "default").stdout
    assert "no such table" in gone


def test_diff_says_so_when_nothing_changes(folder: Path) -> None:
    (folder / "same.toml").write_text(DEFAULT.replace('"default"', '"mine"'), encoding="utf-8")
    done = run(folder, "diff", "default", "same.toml")
    assert "Both mean the same: nothing changes for anybody." in done.stdout
    assert "mine" in done.stdout


def test_diff_of_other_penalties_moves_nobody(folder: Path) -> None:
    text = run(folder, "diff", "default", "mmo60").stdout
    assert "penalties.repeat.kind" in text
    assert "At the same XP everybody stands at the same level." in text


def test_budgets_add_up_and_a_curve_too_short_for_ten_chapters_has_none() -> None:
    rules = compile_rules(RULES_FILE.read_text(encoding="utf-8"))
    chart = budgets(rules)
    assert chart is not None
    whole, quests, hostiles = (line.ys for line in chart.lines)
    assert sum(whole) == rules.levels[-1].cumulative_xp
    assert [one + other for one, other in zip(quests, hostiles, strict=True)] == list(whole)
    short = DEFAULT[DEFAULT.index("xp_to_next = [") : DEFAULT.index("[strength]")]
    assert budgets(compile_rules(DEFAULT.replace(short, "xp_to_next = [1, 2]\n"))) is None


def test_a_rule_that_treats_all_players_alike_is_one_line_over_all_gaps_there_are() -> None:
    rules = compile_rules(RULES_FILE.read_text(encoding="utf-8"))
    chart = level_difference(rules, Source.HOSTILE_NPC)
    assert chart is not None
    [line] = chart.lines
    assert line.xs == list(range(-9, 11))
    assert line.ys == [*[10] * 5, 30, 60, 85, 100, 100, 105, *[110] * 9]


def test_curves_of_rules_that_are_off_are_named_instead_of_drawn() -> None:
    rules = compile_rules(DEFAULT)
    assert repeats(rules) is decay(rules) is None
    assert len(switched_off(rules)) == 4


def test_the_curve_past_the_budget_falls_at_each_bracket() -> None:
    chart = decay(compile_rules(RULES_FILE.read_text(encoding="utf-8")))
    assert chart is not None
    [line] = chart.lines
    worth = dict(zip(line.xs, line.ys, strict=True))
    assert [round(worth[x]) for x in (-20, 0, 24, 25, 49, 50, 150)] == [
        100, 50, 50, 25, 25, 10, 10,
    ]  # fmt: skip
