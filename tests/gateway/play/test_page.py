"""The page in a browser: playing, looks, keys, two windows, a line that is cut."""

from typing import Any

import pytest

from tests.gateway.play import scenarios_kit
from tests.gateway.play.page_kit import Window, playground

pytestmark = pytest.mark.slow

LOOKS: dict[str, dict[str, Any]] = {
    "light": {"viewport": {"width": 1280, "height": 800}, "color_scheme": "light"},
    "dark": {"viewport": {"width": 1280, "height": 800}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2},
    # What a window of 1280 x 800 has room for at 200 %.
    "zoomed": {"viewport": {"width": 640, "height": 400}, "device_scale_factor": 2},
}


async def test_a_first_visit_is_a_game_and_a_chapter_can_be_played_through() -> None:
    async with playground() as (browser, url):
        await scenarios_kit.a_chapter_is_played_through(await browser.new_context(), url)


async def test_everybody_can_use_it_light_dark_small_and_zoomed() -> None:
    async with playground() as (browser, url):
        for look in LOOKS.values():
            context = await browser.new_context(bypass_csp=True, **look)
            await scenarios_kit.nobody_is_kept_out(context, url)
            await context.close()


async def test_it_can_be_played_with_the_keyboard_alone() -> None:
    async with playground() as (browser, url):
        await scenarios_kit.the_keyboard_is_enough(await browser.new_context(), url)


async def test_nothing_moves_for_whoever_wants_less_motion() -> None:
    async with playground() as (browser, url):
        window = await Window.open(await browser.new_context(reduced_motion="reduce"), url)
        moves = "getComputedStyle(document.querySelector('.fill')).transitionProperty"
        assert await window.page.evaluate(moves) == "none"


@pytest.mark.parametrize("changes", [300, pytest.param(10_000, marks=pytest.mark.campaign)])
@pytest.mark.timeout(900)
async def test_two_windows_show_what_a_service_did_and_the_same(changes: int) -> None:
    async with playground() as (browser, url):
        await scenarios_kit.windows_agree(await browser.new_context(), url, changes)


async def test_what_is_done_while_the_line_is_cut_is_sent_once_even_after_a_reload() -> None:
    async with playground() as (browser, url):
        await scenarios_kit.a_cut_line_loses_nothing(await browser.new_context(), url)


async def test_a_player_whom_the_server_does_not_know_gives_way_to_another() -> None:
    async with playground() as (browser, url):
        context = await browser.new_context()
        stale = '{"user_id": "play-000000000000", "token": "of.another.server"}'
        keep = f"sessionStorage.seen = 1; localStorage['questkeep-player'] = '{stale}'"
        await context.add_init_script(f"if (!sessionStorage.seen) {{ {keep} }}")
        window = await Window.open(context, url)
        assert await window.player() != "play-000000000000"
