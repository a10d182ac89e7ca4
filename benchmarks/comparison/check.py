"""Does a peer do what is measured?  A probe of the rules before the load, a count after it.

Not for: speed.
"""

import json
import urllib.error
import urllib.request
from collections.abc import Sequence
from typing import Any

from benchmarks.peers.contract import StoredUser
from benchmarks.users.dataset import EXPERIENCE, PROBE_QUESTS, Dataset, quest_id, user_id

PROBED, PROBED_IN_BATCHES = 1, PROBE_QUESTS + 2
"""Turn-ins that the probes make."""
BATCH = "/v1/commands"


class Wrong(Exception):
    """A peer broke the rules that all of them are measured under."""


def probe(url: str, dataset: Dataset, batches: bool) -> int:
    """Try the rules, those of batches too where it takes them; how many turn-ins that makes.

    Raises:
        Wrong: an answer was not the expected one, or has another shape than a reply.
    """
    try:
        _probe_commands(url, dataset)
        if batches:
            _probe_batches(url, dataset)
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise Wrong(f"an answer has another shape than a reply: {error!r}") from None
    return PROBED + (PROBED_IN_BATCHES if batches else 0)


def _probe_commands(url: str, dataset: Dataset) -> None:
    """User 0 turns in quest 0, and every way of doing so wrongly is refused."""
    path = f"/v1/users/{user_id(0)}/commands"
    token, strange = dataset.token(0), f"{dataset.token(0)[:-6]}AAAAAA"
    first: dict[str, object] = {
        "command_id": "probe-1",
        "type": "turn_in_quest",
        "quest_id": quest_id(0),
    }
    reply = _expect(url + path, 200, token, first)
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
    again = _expect(url + path, 200, token, first)
    if again != {**reply, "replayed": True}:
        raise Wrong(f"a replay told {again}")
    _expect(url + path, 409, token, {**first, "quest_id": quest_id(1)})
    _expect(url + path, 409, token, {**first, "command_id": "probe-2"})
    _expect(url + path, 404, token, {**first, "command_id": "probe-3", "quest_id": "no-quest"})
    _expect(url + path, 422, token, {**first, "command_id": "probe-4", "experience": 9_000})
    _expect(url + path, 401, None, first)
    _expect(url + path, 401, strange, first)
    _expect(url + path, 403, dataset.token(1), first)


def _probe_batches(url: str, dataset: Dataset) -> None:
    """Each command of a batch takes effect once, in order, whatever becomes of the others.

    User 1 turns in all quests of the probe, users 2 and 3 one of them.
    """
    service, path = dataset.service_token(), url + BATCH
    batch = [_turn_in(1, quest, f"batch-{quest}") for quest in range(PROBE_QUESTS)]
    batch[1:1] = [
        _turn_in(2, 0, "batch-0"),
        _turn_in(1, 0, "batch-0"),
        _turn_in(1, 0, "batch-again"),
        _turn_in(1, 1, "batch-0"),
        _turn_in(2, 999_999, "batch-none"),
    ]
    refused = {3: "quest_already_turned_in", 4: "command_id_reused", 5: "quest_not_found"}
    answers = _expect(path, 200, service, batch)
    if [answer["user_id"] for answer in answers] != [command["user_id"] for command in batch]:
        raise Wrong(f"answers of a batch are not in their places: {answers}")
    if {n: a["code"] for n, a in enumerate(answers) if "code" in a} != refused:
        raise Wrong(f"a batch was answered {answers}, expected {refused}")
    accepted = [answer for n, answer in enumerate(answers) if n not in {2, *refused}]
    if answers[2] != {**answers[0], "replayed": True}:
        raise Wrong(f"a replay within a batch told {answers[2]}")
    for answer, turned_in in zip(accepted, [1, 1, 2, 3, 4], strict=True):
        player, xp = answer["changes"]["player_progression"], EXPERIENCE * turned_in
        level = dataset.level_of(xp)
        seen = (player["total_xp"], player["level"], player["pending_level_ups"])
        if answer["replayed"] or seen != (xp, level, level - 1):
            raise Wrong(f"turn-in {turned_in} of a batch told {answer}")
    again = _expect(path, 200, service, batch)
    if again != [a if "code" in a else {**a, "replayed": True} for a in answers]:
        raise Wrong(f"a repeated batch told {again}")
    _probe_minimal(path, service)
    _expect(path, 403, dataset.token(1), batch)
    _expect(path, 401, None, batch)


def _probe_minimal(path: str, service: str) -> None:
    """Minimal replies say no more than what happened, the first time and again."""
    batch, headers = [_turn_in(3, 0, "minimal-0")], {"Prefer": "return=minimal"}
    [first], [again] = (_expect(path, 200, service, batch, headers) for _ in range(2))
    first.pop("version")
    if first != {"user_id": user_id(3), "command_id": "minimal-0", "replayed": False}:
        raise Wrong(f"a minimal reply told {first}")
    again.pop("version")
    if again != {**first, "replayed": True}:
        raise Wrong(f"a minimal replay told {again}")


def _turn_in(user: int, quest: int, command_id: str) -> dict[str, object]:
    turn_in = {"type": "turn_in_quest", "quest_id": quest_id(quest)}
    return {"user_id": user_id(user), "command_id": command_id, **turn_in}


def _expect(
    url: str, status: int, token: str | None, body: object, headers: dict[str, str] | None = None
) -> Any:
    """The answer to `body`, which has this status."""
    headers = {"Content-Type": "application/json", **(headers or {})}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            seen, content = answer.status, answer.read()
    except urllib.error.HTTPError as error:
        seen, content = error.code, error.read()
    if seen != status:
        raise Wrong(f"{body} was answered {seen}, expected {status}: {content[:300]!r}")
    return json.loads(content)


def judge(
    dataset: Dataset, users: Sequence[StoredUser], probed: int, answered: int, sent: int
) -> None:
    """Every accepted turn-in counts once, in every row it touches, and nothing else does.

    What was sent but not answered in time may count or not.  `probed` were made before the load.

    Raises:
        Wrong: names the first user or sum that is off.
    """
    if len(users) != dataset.users:
        raise Wrong(f"{len(users)} users are stored, expected {dataset.users}")
    for user in users:
        xp = user.turned_in * EXPERIENCE
        if not user.total_xp == user.ledger_xp == xp or user.receipts != user.turned_in:
            raise Wrong(f"rows disagree: {user}")
        if user.level != dataset.level_of(user.total_xp):
            raise Wrong(f"{user} should be at level {dataset.level_of(user.total_xp)}")
    stored = sum(user.turned_in for user in users) - probed
    if not answered <= stored <= sent:
        raise Wrong(f"{answered} were accepted of {sent} sent, but {stored} are stored")
