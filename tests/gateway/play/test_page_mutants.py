"""Broken pages, each with one fault: a scenario that the page keeps finds it."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from playwright.async_api import BrowserContext, Route

from gateway.play.assets import FOLDER
from tests.gateway.play import scenarios_kit
from tests.gateway.play.page_kit import playground

pytestmark = [pytest.mark.campaign, pytest.mark.timeout(200)]


class Mutant(NamedTuple):
    """One file of the page with one text in place of another, and what finds it."""

    file: str
    text: str
    instead: str
    scenario: Callable[[BrowserContext, str], Awaitable[None]]


MUTANTS = {
    "draws_the_first_state_only": Mutant(
        "player.js",
        "rows.value = me.rows;",
        "if (!rows.value.player_progression) rows.value = me.rows;",
        scenarios_kit.windows_agree,
    ),
    "reads_one_page_of_the_history": Mutant(
        "plan.js", "after = next_after;", "after = undefined;", scenarios_kit.windows_agree
    ),
    "forgets_commands_at_a_reload": Mutant(
        "player.js",
        "outbox: indexedDbStore(kept.user_id),",
        "",
        scenarios_kit.a_cut_line_loses_nothing,
    ),
    "writes_a_style_into_the_page": Mutant(
        "main.js",
        "app.replaceChildren();",
        "app.replaceChildren(); document.body.insertAdjacentHTML('beforeend', '<p style=\"\">');",
        scenarios_kit.a_chapter_is_played_through,
    ),
    "leaves_the_keyboard_nowhere": Mutant(
        "focus.js", "requestAnimationFrame(look)", "0", scenarios_kit.the_keyboard_is_enough
    ),
    "hides_the_focus": Mutant(
        "style.css",
        "outline: 3px solid var(--accent);",
        "outline: none;",
        scenarios_kit.the_keyboard_is_enough,
    ),
    "is_pale": Mutant(
        "style.css", "--quiet: #5c6070;", "--quiet: #b5b8c4;", scenarios_kit.nobody_is_kept_out
    ),
    "is_too_wide": Mutant(
        "style.css",
        "#app { max-width: 76rem;",
        "#app { width: 90rem;",
        scenarios_kit.nobody_is_kept_out,
    ),
}


@pytest.mark.parametrize("name", MUTANTS)
async def test_a_broken_page_is_found(name: str) -> None:
    mutant = MUTANTS[name]
    content = (FOLDER / mutant.file).read_text(encoding="utf-8")
    assert content.count(mutant.text) == 1

    async def broken(route: Route) -> None:
        kind = {".js": "text/javascript", ".css": "text/css"}[Path(mutant.file).suffix]
        await route.fulfill(body=content.replace(mutant.text, mutant.instead), content_type=kind)

    async with playground() as (browser, url):
        bypass = mutant.scenario is scenarios_kit.nobody_is_kept_out
        context = await browser.new_context(bypass_csp=bypass)
        await context.route(f"**/play/{mutant.file}", broken)
        with pytest.raises((AssertionError, pytest.fail.Exception)):
            await mutant.scenario(context, url)


def test_every_mutant_stands_in_the_table() -> None:
    page = Path(__file__).parents[3] / "docs" / "mutants.md"
    text = page.read_text(encoding="utf-8")
    assert [name for name in MUTANTS if f"| `{name}` |" not in text] == []
