"""The page in a browser: playing, looks, keys, two windows, a line that is cut."""

from typing import Any

import pytest
from playwright.async_api import expect

from tests.gateway.play.page_kit import Window, playground, post

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
        window = await Window.open(await browser.new_context(), url)
        await window.sees("Chapter 1 of 3")
        for _ in range(3):
            await window.press("Gather moonwort")
        await window.press("Turn in “Moonwort")
        await window.sees("“Moonwort for the healer” is done. +234 XP.")
        await window.sees("On plan.")
        await window.press("Leave out “A letter for the miller”")
        await window.sees("40 % under plan: 1 quest left out.")
        await window.win_fight()
        await window.sees("Level 2")
        await window.press("+1 level")
        await window.sees("New levels welcomed.")
        await window.win_fight()
        await window.press("Turn in “Clear")
        await window.press("On to chapter 2")
        await window.sees("Chapter 2 of 3")
        await window.press("Spar")
        await window.press("Escape")
        await window.sees("You got away.")
        assert window.complaints == []


async def test_everybody_can_use_it_light_dark_small_and_zoomed() -> None:
    async with playground() as (browser, url):
        faults: dict[str, object] = {}
        for name, look in LOOKS.items():
            # axe-core is no part of the page: its own policy would keep it out.
            window = await Window.open(await browser.new_context(bypass_csp=True, **look), url)
            await window.press("Turn in")
            await window.press("Fight a grey wolf")
            await window.press("Attack")
            await window.page.locator(".developer > summary").click()
            await window.sees("Cut the line")
            await window.page.get_by_role("switch").click()
            await window.sees("You cut the line")
            faults[name] = (await window.serious_faults(), await window.overflow())
            await window.page.close()
        assert faults == dict.fromkeys(LOOKS, ([], 0))


async def test_it_can_be_played_with_the_keyboard_alone() -> None:
    async with playground() as (browser, url):
        window = await Window.open(await browser.new_context(reduced_motion="reduce"), url)

        async def to(name: str, key: str = "Enter") -> None:
            for _ in range(60):
                await window.page.keyboard.press("Tab")
                if (await window.focused()).startswith(name):
                    break
            else:
                pytest.fail(f"{name} was not reached")
            assert await window.focus_is_seen()
            await window.page.keyboard.press(key)

        await to("Turn in")
        await window.sees("is done")
        await expect(window.page.locator(".quests :focus")).to_be_visible()
        await to("Fight a grey wolf")
        await to("Attack")
        await window.sees("1. You hit for")
        await to("For developers")
        moves = "getComputedStyle(document.querySelector('.fill')).transitionProperty"
        assert await window.page.evaluate(moves) == "none"
        await to("Cut the line", "Space")
        await window.sees("You cut the line")


@pytest.mark.parametrize("changes", [300, pytest.param(10_000, marks=pytest.mark.campaign)])
@pytest.mark.timeout(900)
async def test_two_windows_show_what_a_service_did_and_the_same(changes: int) -> None:
    async with playground() as (browser, url):
        context = await browser.new_context()
        windows = [await Window.open(context, url) for _ in range(2)]
        player = await windows[0].player()
        replies: list[Any] = []
        for first in range(0, changes, 50):
            numbers = range(first, first + 50)
            replies = await post(url, player, [change(number) for number in numbers])
        row = replies[-1]["changes"]["player_progression"]
        for window in windows:
            await window.at_version(replies[-1]["version"])
            await window.sees(f"{row['current_level_xp']:,} / {row['xp_to_next_level']:,} XP")
        await windows[1].shows_what(windows[0])
        late = await Window.open(context, url)
        await late.shows_what(windows[0])
        assert [window.complaints for window in windows] == [[], []]


def change(number: int) -> dict[str, Any]:
    """A change of one of three kinds: experience, a new quest, a quest turned in."""
    named = {"command_id": f"change-{number}"}
    quest_id = f"extra-{number // 3}"
    match number % 3:
        case 0:
            return {**named, "type": "grant_player_progression_experience", "amount": 1}
        case 1:
            reward = {"experience": 2, "currency": {"gold": 1}}
            offer = {"type": "offer_quest", "quest_id": quest_id, "chapter_id": "chapter-1"}
            return {**named, **offer, "reward": reward}
    return {**named, "type": "turn_in_quest", "quest_id": quest_id}


async def test_what_is_done_while_the_line_is_cut_is_sent_once_even_after_a_reload() -> None:
    async with playground() as (browser, url):
        context = await browser.new_context()
        window, watcher = [await Window.open(context, url) for _ in range(2)]
        await window.page.locator(".developer > summary").click()
        await window.page.get_by_role("switch").click()
        await window.press("Turn in")
        await window.sees("Cut off, 1 unsent")
        await expect(watcher.button("Turn in")).to_be_visible()
        await window.page.reload()
        for each in (window, watcher):
            await expect(each.page.locator(".turned_in")).to_have_count(1)
        await watcher.shows_what(window)


async def test_a_player_whom_the_server_does_not_know_gives_way_to_another() -> None:
    async with playground() as (browser, url):
        context = await browser.new_context()
        stale = '{"user_id": "play-000000000000", "token": "of.another.server"}'
        keep = f"sessionStorage.seen = 1; localStorage['questkeep-player'] = '{stale}'"
        await context.add_init_script(f"if (!sessionStorage.seen) {{ {keep} }}")
        window = await Window.open(context, url)
        assert await window.player() != "play-000000000000"
