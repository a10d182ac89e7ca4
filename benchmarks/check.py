"""Does a peer do what is measured?  A probe of the rules before the load, a count after it.

Not for: speed.
"""

import json
import urllib.error
import urllib.request
from collections.abc import Sequence
from typing import Any

from benchmarks.dataset import EXPERIENCE, Dataset, quest_id, user_id
from benchmarks.peer import StoredUser

PROBED = 1
"""Turn-ins that the probe makes, all of them by user 0."""


class Wrong(Exception):
    """A peer broke the rules that all of them are measured under."""


def probe(url: str, dataset: Dataset) -> None:
    """As `_probe`; an answer that cannot even be read is wrong too.  Raises `Wrong`."""
    try:
        _probe(url, dataset)
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise Wrong(f"an answer has another shape than a reply: {error!r}") from None


def _probe(url: str, dataset: Dataset) -> None:
    """User 0 turns in quest 0, and every way of doing so wrongly is refused.

    Raises:
        Wrong: an answer was not the expected one.
    """
    token, strange = dataset.token(0), f"{dataset.token(0)[:-6]}AAAAAA"
    first: dict[str, object] = {
        "command_id": "probe-1",
        "type": "turn_in_quest",
        "quest_id": quest_id(0),
    }
    reply = _expect(url, 200, token, first)
    changes = reply["changes"]
    told = {
        "replayed": reply["replayed"],
        "status": changes["quest_record"][0]["status"],
        "total_xp": changes["player_progression"]["total_xp"],
        "ledger_xp": changes["chapter_progression"][0]["actual_quest_xp"],
    }
    expected = {"status": "turned_in", "total_xp": EXPERIENCE, "ledger_xp": EXPERIENCE}
    if told != {"replayed": False, **expected}:
        raise Wrong(f"the first turn-in told {told}")
    again = _expect(url, 200, token, first)
    if again != {**reply, "replayed": True}:
        raise Wrong(f"a replay told {again}")
    _expect(url, 409, token, {**first, "quest_id": quest_id(1)})
    _expect(url, 409, token, {**first, "command_id": "probe-2"})
    _expect(url, 404, token, {**first, "command_id": "probe-3", "quest_id": "no-quest"})
    _expect(url, 422, token, {**first, "command_id": "probe-4", "experience": 9_000})
    _expect(url, 401, None, first)
    _expect(url, 401, strange, first)
    _expect(url, 403, dataset.token(1), first)


def _expect(url: str, status: int, token: str | None, command: dict[str, object]) -> dict[str, Any]:
    headers = {"Content-Type": "application/json"}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    request = urllib.request.Request(
        f"{url}/v1/users/{user_id(0)}/commands", json.dumps(command).encode(), headers
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            came, body = answer.status, answer.read()
    except urllib.error.HTTPError as error:
        came, body = error.code, error.read()
    if came != status:
        raise Wrong(f"{command} was answered {came}, expected {status}: {body[:300]!r}")
    reply: dict[str, Any] = json.loads(body)
    return reply


def judge(dataset: Dataset, users: Sequence[StoredUser], answered: int, sent: int) -> None:
    """Every accepted turn-in counts once, in every row it touches, and nothing else does.

    What was sent but not answered in time may count or not.

    Raises:
        Wrong: names the first user or sum that is off.
    """
    if len(users) != dataset.users:
        raise Wrong(f"{len(users)} users are stored, expected {dataset.users}")
    for one in users:
        xp = one.turned_in * EXPERIENCE
        if not one.total_xp == one.ledger_xp == xp or one.receipts != one.turned_in:
            raise Wrong(f"rows disagree: {one}")
        if one.level != dataset.level_of(one.total_xp):
            raise Wrong(f"{one} should be at level {dataset.level_of(one.total_xp)}")
    stored = sum(one.turned_in for one in users) - PROBED
    if not answered <= stored <= sent:
        raise Wrong(f"{answered} were accepted of {sent} sent, but {stored} are stored")
