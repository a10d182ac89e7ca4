"""What people do on the page, as whole scenarios: the page keeps them, broken pages do not.

Each takes a context of a browser and the server's address, and fails as a test does.
"""

from typing import Any

import pytest
from playwright.async_api import BrowserContext, expect

from tests.gateway.play.page_kit import Window, post

BATCH = 50


async def a_chapter_is_played_through(context: BrowserContext, url: str) -> None:
    """Every kind of quest, fights, a level, the next chapter; the browser has no complaint."""
    window = await Window.open(context, url)
    await window.sees("Chapter 1 of 3")
    for _ in range(3):
        await window.press("Gather moonwort")
    await window.press("Turn in “Moonwort")
    await window.sees("“Moonwort for the healer” is done. +234 XP.")
    await window.sees("On plan.")
    await window.press("Abandon “A letter for the miller”")
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


async def the_keyboard_is_enough(context: BrowserContext, url: str) -> None:
    """A quest and a fight without a pointer; what has the focus is always seen."""
    window = await Window.open(context, url)

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
    await to("Cut the line", "Space")
    await window.sees("You cut the line")


async def windows_agree(context: BrowserContext, url: str, changes: int = 300) -> None:
    """Two windows and a late third show what a service did, and the same."""
    windows = [await Window.open(context, url) for _ in range(2)]
    player = await windows[0].player()
    replies: list[Any] = []
    for first in range(0, changes, BATCH):
        numbers = range(first, first + BATCH)
        replies = await post(url, player, [_change(number) for number in numbers])
    row = replies[-1]["changes"]["player_progression"]
    for window in windows:
        await window.at_version(replies[-1]["version"])
        await window.sees(f"{row['current_level_xp']:,} / {row['xp_to_next_level']:,} XP")
    await windows[1].shows_what(windows[0])
    late = await Window.open(context, url)
    await late.shows_what(windows[0])
    assert [window.complaints for window in windows] == [[], []]


def _change(number: int) -> dict[str, Any]:
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


async def a_cut_line_loses_nothing(context: BrowserContext, url: str) -> None:
    """What is done on a cut line is sent once, even after a reload."""
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


async def nobody_is_kept_out(context: BrowserContext, url: str) -> None:
    """With a fight, the drawer and a banner on it: no serious fault, nothing wider than the window.

    axe-core is no part of the page, whose policy would keep it out: the context has to bypass it.
    """
    window = await Window.open(context, url)
    await window.press("Turn in")
    await window.press("Fight a grey wolf")
    await window.press("Attack")
    await window.page.locator(".developer > summary").click()
    await window.page.get_by_role("switch").click()
    await window.sees("You cut the line")
    assert await window.serious_faults() == []
    assert await window.overflow() == 0
