"""Seeds a Questkeep over HTTP: a service offers every user's quests, in batches."""

import asyncio

import uvloop

from benchmarks.load.batch_clients import BatchClients, Batches, Form
from benchmarks.users.dataset import Dataset

BATCH_MAX = 500
CONNECTIONS = 4


def seed(url: str, dataset: Dataset) -> None:
    """Give every user the plan and the quests of `dataset`.

    Raises:
        Refused: one of the commands was.
    """
    seeding = seed_quests(url, dataset.service_token(), dataset.users, dataset.last_quest + 1)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(seeding)


async def seed_quests(url: str, token: str, users: int, quests: int) -> None:
    """Give each of so many users the plan, and so many quests that are ready.

    Raises:
        Refused: one of the commands was.
    """
    form = Form("msgpack", minimal=True)
    batches = Batches(url, token, form, users, min(BATCH_MAX, users))
    clients = BatchClients(batches.preparation(quests))
    await clients.connect(url, CONNECTIONS)
    await clients.wait()
