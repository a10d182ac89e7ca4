"""How a host becomes the one writer of its users: claim a stream, close earlier ones, fold them in.

Not for: when that happens, or what is written then (`host`).
"""

import msgspec
import structlog

from actors.host.settings import HostSettings
from persistence.journal.recovery import check_server, fold
from persistence.store import Store, Stream

log = structlog.get_logger(__name__)


async def open_stream(store: Store, name: str, settings: HostSettings) -> Stream:
    """A stream of host `name` that nobody else writes, and no other of that name left to fold.

    Raises:
        StorageError: the store is away, damaged or not ours to open.
    """
    stream = await store.claim(name)
    try:
        await check_server(store, settings.server)
        standing = await store.streams(name)
        earlier = [one for one in standing if one != stream.id]
        folded = await fold(store, earlier, settings.receipt_window)
    except BaseException:
        await stream.close()
        raise
    if folded.streams:
        log.info("recovered", host=name, **msgspec.structs.asdict(folded))
    return stream
