"""What the tools of a store found or did, for people and for programs.

Not for: finding or doing it (`actions`).
"""

from collections import Counter
from typing import Any

import msgspec
import typer

from persistence.journal.recovery import SERVER
from persistence.maintenance.backup import BackupSummary
from persistence.maintenance.export_import import ImportOutcome
from persistence.maintenance.inspection import StoreFound, StreamFound, UserFound
from persistence.maintenance.overwrite import Outcome
from persistence.maintenance.verification import Verified

_SAID = {
    Outcome.WRITTEN: "written",
    Outcome.SAME: "stood already",
    Outcome.REPLACED: "replaced by a new version",
    Outcome.SKIPPED: "skipped",
    Outcome.REPAIRED: "put in the place of damage",
}


def count(number: int, what: str) -> str:
    """`1 user`, `2,000 users`."""
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def print_store(found: StoreFound, as_json: bool) -> None:
    """The store in numbers."""
    if as_json:
        _print_json(found)
        return
    _line("store", f"{found.url} (format {found.format or 'unknown'})")
    if found.backup is not None:
        of = f"a backup of {found.backup.source}, {found.backup.begun} to {found.backup.ended}"
        _line("backup", f"{of}, {count(found.backup.users, 'user')}")
    not_counted = "not counted (--users lists them all)"
    _line("users", not_counted if found.users is None else f"{found.users:,} with a snapshot")
    journals = [one for one in found.streams if one.host != SERVER]
    if len(journals) < len(found.streams):
        _line("server", "one stands for this store, or was killed")
    _line("journals", str(len(journals)))
    for one in journals:
        typer.echo(f"  {_stream(one)}")


def _stream(one: StreamFound) -> str:
    parts = [
        f"{one.host}/{one.incarnation}:",
        f"{count(one.records, 'record')} of {count(one.users, 'user')}",
        f"in {count(one.batches, 'batch').replace('batchs', 'batches')}, {one.bytes:,} bytes,",
        "fenced" if one.fenced else "open",
    ]
    damage = f"\n  DAMAGE {one.damage}" if one.damage else ""
    return " ".join(parts) + damage


def print_user(found: UserFound, as_json: bool) -> None:
    """One user whole."""
    if as_json:
        _print_json(found)
        return
    _line("user", found.user_id)
    if found.waiting:
        ahead = (
            f"{found.version}: the snapshot has {found.snapshot_version}, and "
            f"{count(len(found.waiting), 'turn')} behind it "
            f"stand{'s' if len(found.waiting) == 1 else ''} in a journal only"
        )
        _line("version", ahead)
    else:
        _line("version", f"{found.version}, all of it in the snapshot")
    _line("snapshot", f"{found.snapshot_bytes:,} bytes")
    for turn in found.waiting:
        typer.echo(f"  version {turn.version} by command {turn.command_id} in {turn.place}")
    if found.account_pages:
        _line("account", f"{count(found.account_pages, 'page')} before rows.history")
    told = ", ".join(f"{one.command_id} ({one.version})" for one in found.receipts)
    _line("receipts", told or "none")
    _line("rows", "")
    typer.echo(msgspec.json.format(msgspec.json.encode(found.rows), indent=2))


def print_verified(found: Verified, as_json: bool) -> None:
    """Every damage on a line, and what was read."""
    if as_json:
        _print_json(found)
        return
    for damage in found.damages:
        typer.echo(f"DAMAGE {damage}")
    read = ", ".join(
        [
            count(found.users, "user"),
            count(found.streams, "journal"),
            count(found.records, "journalled record"),
        ]
    )
    verdict = f"{count(len(found.damages), 'damage')} found" if found.damages else "no damage"
    typer.echo(f"{found.url}: {verdict} in {read}.")


def print_told(url: str, told: list[ImportOutcome], as_json: bool) -> None:
    """What became of each user."""
    outcomes = Counter(one.outcome for one in told)
    skipped = [one.user_id for one in told if one.outcome is Outcome.SKIPPED]
    repaired = [one.user_id for one in told if one.outcome is Outcome.REPAIRED]
    if as_json:
        numbers: dict[str, Any] = {outcome.value: outcomes[outcome] for outcome in Outcome}
        _print_json({"url": url, "users": numbers, "skipped": skipped, "repaired": repaired})
        return
    for user_id in skipped:
        typer.echo(f"{user_id}: skipped, as what stands is as new (--replace lays over it)")
    for user_id in repaired:
        typer.echo(f"{user_id}: was damaged; what came after the backup is lost")
    words = [f"{number:,} {_SAID[outcome]}" for outcome, number in sorted(outcomes.items())]
    typer.echo(f"{url}: {count(len(told), 'user')}: {', '.join(words) or 'nothing to do'}.")


def print_backup(url: str, done: BackupSummary, as_json: bool) -> None:
    """What was copied, and who was not."""
    for damage in done.damages:
        typer.echo(f"DAMAGE {damage}", err=True)
    if as_json:
        _print_json({"url": url, **msgspec.to_builtins(done.manifest)})
        return
    left_out = f" {count(len(done.damages), 'damaged user')} left out." if done.damages else ""
    typer.echo(f"{url}: {count(done.manifest.users, 'user')} copied.{left_out}")


def print_deleted(url: str, user: str, known: bool, as_json: bool) -> None:
    """Whether there was anything to delete."""
    if as_json:
        _print_json({"url": url, "user_id": user, "deleted": known})
        return
    said = f"nothing of {user} is left" if known else f"nothing was stored of {user}"
    typer.echo(f"{url}: {said}. Backups and exports are files of their own.")


def _line(name: str, value: str) -> None:
    typer.echo(f"{name:<10}{value}".rstrip())


def _print_json(value: object) -> None:
    typer.echo(msgspec.json.format(msgspec.json.encode(value), indent=2))
