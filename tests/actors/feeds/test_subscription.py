"""A subscription between a read that takes its time and a feed that does not wait for it."""

from collections.abc import Sequence

from actors.errors import UserUnavailable
from actors.feeds.feed import READS_AT_ONCE
from actors.messages import Reply, Request, refused
from actors.user.missed_changes import Why
from tests.actors.feeds.subscription_kit import (
    ERA,
    OneUser,
    a_moment,
    subscribed,
    what_is_heard_while_reading_comes_behind_what_was_read,
)


async def test_what_is_heard_while_reading_comes_behind_what_was_read() -> None:
    await what_is_heard_while_reading_comes_behind_what_was_read()


async def test_what_was_read_and_heard_is_told_once() -> None:
    user = OneUser()
    subscription, said = subscribed(user, None)
    user.change()  # heard before the read is asked, so the answer has it too
    user.change()
    await user.answer()
    assert said == ["first 2", "caught up 2"]
    user.change()
    assert said[2:] == [3]
    subscription.close()


async def test_a_change_that_was_not_heard_is_read_before_the_next_is_told() -> None:
    user = OneUser()
    subscription, said = subscribed(user, 0)
    await user.answer()
    user.change(heard=False)
    user.change()
    assert said == ["caught up 0"]
    await user.answer()
    assert said == ["caught up 0", 1, 2]
    subscription.close()


async def test_whoever_lost_the_feed_reads_from_where_they_are() -> None:
    user = OneUser()
    subscription, said = subscribed(user, 0)
    await user.answer()
    user.change()
    user.change(heard=False)
    user.feeds.lost()
    await user.answer()
    assert said == ["caught up 0", 1, 2]
    assert [str(request.after) for request in user.asked] == [f"{ERA}.0", f"{ERA}.1"]
    subscription.close()


async def test_what_is_lost_while_reading_is_read_again() -> None:
    user = OneUser()
    subscription, said = subscribed(user, 0)
    await a_moment()
    user.change(heard=False)
    user.feeds.lost()
    await user.answer()
    assert said == []
    await user.answer()
    assert said == [1, "caught up 1"]
    subscription.close()


async def test_whoever_was_away_too_long_is_caught_up_again_after_everything() -> None:
    user = OneUser()
    subscription, said = subscribed(user, 0)
    await user.answer()
    for _ in range(6):
        user.change(heard=False)
    user.feeds.lost()
    await user.answer()
    assert said == ["caught up 0", f"{Why.TOO_OLD} 6", "caught up 6"]
    subscription.close()


async def test_whoever_closes_hears_nothing_more() -> None:
    user = OneUser()
    subscription, said = subscribed(user, 0)
    await a_moment()
    subscription.close()
    subscription.close()
    user.change()
    await a_moment()
    assert (said, len(user.feeds)) == ([], 0)


async def test_a_user_who_cannot_be_read_ends_it() -> None:
    user = OneUser()
    _, said = subscribed(user, 0)
    await user.answer(UserUnavailable())
    assert (said, len(user.feeds)) == (["user_unavailable"], 0)


async def test_a_refusal_ends_it_too() -> None:
    class Refusing(OneUser):
        async def ask(self, requests: Sequence[Request]) -> list[Reply]:
            return [refused("overloaded", "the journal is behind", 500)]

    user = Refusing()
    _, said = subscribed(user, 0)
    await a_moment()
    assert (said, len(user.feeds)) == (["overloaded"], 0)


async def test_a_bug_ends_it_instead_of_leaving_it_to_wait_for_ever() -> None:
    user = OneUser()
    _, said = subscribed(user, 0)
    await user.answer(ZeroDivisionError())
    assert (said, len(user.feeds)) == (["internal"], 0)


async def test_however_many_resume_at_once_only_some_read_at_a_time() -> None:
    user = OneUser()
    subscriptions = [subscribed(user, 0) for _ in range(READS_AT_ONCE + 50)]
    await a_moment()
    assert len(user.reads) == READS_AT_ONCE
    for _ in subscriptions:
        user.reads.pop(0).set_result(None)
        await a_moment()
    assert all(said == ["caught up 0"] for _, said in subscriptions)
    for subscription, _ in subscriptions:
        subscription.close()
