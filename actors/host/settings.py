"""What a host is told when it starts.

Not for: reading settings (`gateway.settings_sources`).
"""

from msgspec import Struct

from domain.decide.limits import Limits
from persistence.store import StreamId


class HostSettings(Struct, frozen=True):
    """What a host needs to know; the same on every node, handed over when a host starts.

    Attributes:
        store_url: where journals and snapshots are.
        rules_text: the rules file in force, as text.
        receipt_window: how many of a user's newest receipts are kept.
        mailbox_depth_max: unanswered messages one user may have.
        idle_seconds: a user without commands for this long is passivated.
        snapshot_every: a user's snapshot is written after this many changes at the latest.
        users_max: users one host keeps in memory; beyond it the longest-idle ones leave.
        memory_bytes_max: memory one host's process may take; beyond it likewise.
        limits: how many rows of each kind one user may own.
        log_level: of the events that a host sends to the server; None leaves its log as it is.
        log_socket: where the server receives them, for hosts on its machine.
        hosts: how many packed hosts share all users; 0 where users are not shared out.
        server: what stands in the store for as long as this server is its newest; a host that
            does not find it there must not open.  None where nobody else can have the store.
        checkpoint_bytes: a host's journal is kept below this length, below as many batches and
            users as its store folds quickly (`Store.batches_max`), and
        checkpoint_seconds: no record in it becomes older than this.
    """

    store_url: str
    rules_text: str
    receipt_window: int = 128
    mailbox_depth_max: int = 256
    idle_seconds: float = 300.0
    snapshot_every: int = 1_000
    checkpoint_bytes: int = 128 * 1024 * 1024
    checkpoint_seconds: float = 3_600.0
    users_max: int = 1_000_000
    memory_bytes_max: int = 2**63 - 1
    limits: Limits = Limits()
    log_level: str | None = None
    log_socket: str | None = None
    hosts: int = 0
    server: StreamId | None = None
