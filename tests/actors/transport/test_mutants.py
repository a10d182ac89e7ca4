"""Mutation tests: large answers and groups on trial are broken in turn; a check has to fail."""

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from actors.transport import outbox, pending_group, socket_channel
from actors.transport.outbox import Outbox
from actors.transport.pending_group import PendingGroup
from actors.transport.socket_channel import SocketChannel
from actors.user.bodies import AnswerLimit
from tests.actors.transport import large_kit as large
from tests.actors.transport import trial_kit as trial

Patch = pytest.MonkeyPatch
Check = Callable[[Path, Patch], Coroutine[Any, Any, None]]


def sends_answers_in_one_part(patch: Patch) -> None:
    """However large an answer is, it leaves in one part."""
    patch.setattr(outbox, "PART_BYTES", 1 << 30)


def sends_whether_it_is_read_or_not(patch: Patch) -> None:
    """Parts are encoded while the other end reads none of them."""
    patch.setattr(Outbox, "pause", lambda self: None)


def knows_no_bound(patch: Patch) -> None:
    """An answer may have any size."""
    patch.setattr(AnswerLimit, "take", lambda self, count: True)


def tries_everybody_again_together(patch: Patch) -> None:
    """Groups with which a connection broke are sent again as if nothing had happened."""
    patch.setattr(SocketChannel, "_begin_trial", lambda self: None)


def tries_in_large_pieces(patch: Patch) -> None:
    """However many there are, they are tried in two pieces."""
    patch.setattr(socket_channel, "TRIAL_STEPS", 2)
    patch.setattr(PendingGroup, "suspicion", property(lambda self: min(self._losses, 1)))


def gives_up_later(patch: Patch) -> None:
    """A group may break one connection more."""
    patch.setattr(pending_group, "LOSSES_MAX", 3)


def gives_up_whoever_was_there(patch: Patch) -> None:
    """Whoever was on its way twice is given up, alone or not."""
    lost = PendingGroup.lost
    patch.setattr(PendingGroup, "lost", lambda self, *, alone: lost(self, alone=True))


async def _others_first(folder: Path, patch: Patch) -> None:
    await large.others_are_answered_while_a_whale_is_sent(folder)


async def _encoded_as_it_is_read(folder: Path, patch: Patch) -> None:
    await large.what_the_other_end_does_not_read_is_not_encoded(folder)


async def _given_up(folder: Path, patch: Patch) -> None:
    await trial.a_group_with_which_two_connections_broke_is_given_up(folder)


async def _no_other(folder: Path, patch: Patch) -> None:
    await trial.a_group_that_breaks_connections_takes_no_other_with_it(folder, 100)


CAUGHT: list[tuple[Callable[[Patch], None], Check]] = [
    (sends_answers_in_one_part, _others_first),
    (sends_whether_it_is_read_or_not, _encoded_as_it_is_read),
    (knows_no_bound, large.an_answer_beyond_the_bound_is_that_request_s_refusal_alone),
    (tries_everybody_again_together, _no_other),
    (tries_in_large_pieces, _no_other),
    (gives_up_later, _given_up),
    (gives_up_whoever_was_there, _no_other),
]


@pytest.mark.parametrize(
    ("mutant", "check"), CAUGHT, ids=lambda value: getattr(value, "__name__", "")
)
async def test_a_broken_channel_is_caught(
    mutant: Callable[[Patch], None], check: Check, tmp_path: Path, monkeypatch: Patch
) -> None:
    large.make_parts_small(monkeypatch)
    mutant(monkeypatch)
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        await check(tmp_path, monkeypatch)
