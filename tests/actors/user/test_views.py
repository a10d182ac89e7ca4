"""Lists of everything are made row by row as they are encoded, whatever their number."""

import pytest

from actors.messages import Media, Read, Reply, View
from actors.user import views
from actors.user.views import rows_of
from domain.rules.compiled_rules import compile_rules
from persistence.codec.slices import ListOf
from tests.actors.host_kit import RULES_TEXT, Rig, ask, body, command, look

PLAN = {
    "chapter_index": 1,
    "total_chapters": 1,
    "entry_pseudo_level_millis": 1000,
    "exit_pseudo_level_millis": 2000,
    "entry_level": 1,
    "exit_level": 2,
    "planned_total_xp": 1000,
    "planned_quest_xp": 1000,
    "planned_hostile_xp": 0,
    "expected_hostile_defeat_count": 0,
    "pace_band": "steady",
}
CHAPTERS = [f"c{number}" for number in range(50)]


async def test_no_chapter_is_rated_before_it_is_encoded(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig()
    plan = "upsert_chapter_progression"
    await ask(rig.host, *(command("u", name, plan, chapter_id=name, **PLAN) for name in CHAPTERS))
    actor = rig.host.activations.awake["u"].actor
    assert actor is not None
    rated: list[str] = []
    rate = views.rate
    monkeypatch.setattr(
        views,
        "rate",
        lambda chapter, rules: rated.append(chapter.chapter_id) or rate(chapter, rules),
    )
    read = Read("u", View.CHAPTERS, "", Media.JSON)
    rows = rows_of(actor.durable, compile_rules(RULES_TEXT), read)
    assert not isinstance(rows, Reply)
    listed = rows["chapter_progression"]
    assert isinstance(listed, ListOf)
    assert (listed.length, rated) == (50, [])
    assert [row["chapter_id"] for row in listed.items] == rated == CHAPTERS
    (reply,) = await ask(rig.host, look("u", View.CHAPTERS))
    assert [row["chapter_id"] for row in body(reply)["chapter_progression"]] == CHAPTERS
