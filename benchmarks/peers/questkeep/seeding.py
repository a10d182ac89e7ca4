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
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_seed(url, dataset))


async def _seed(url: str, dataset: Dataset) -> None:
    size = min(BATCH_MAX, dataset.users)
    form = Form("msgpack", minimal=True)
    batches = Batches(url, dataset.service_token(), form, dataset.users, size)
    clients = BatchClients(batches.preparation(dataset.last_quest + 1))
    await clients.connect(url, CONNECTIONS)
    await clients.wait()
