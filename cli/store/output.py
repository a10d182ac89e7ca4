"""Output of `questkeep store`, for people and as JSON for programs.

Not for: finding or doing what it shows (`actions`).
"""

from collections import Counter
from typing import Any

import msgspec
import typer

from persistence.journal.recovery import SERVER
from persistence.maintenance.backup import BackupSummary
from persistence.maintenance.export_import import ImportOutcome
from persistence.maintenance.inspection import StoreInspection, StreamInspection, UserInspection
from persistence.maintenance.overwrite import Outcome
from persistence.maintenance.verification import Verified

RECEIPTS_SHOWN = 8
"""The newest ones, that people are asked about."""
_OUTCOMES = {
    Outcome.WRITTEN: "written",
    Outcome.SAME: "there already",
    Outcome.REPLACED: "replaced by a new version",
    Outcome.SKIPPED: "skipped",
    Outcome.REPAIRED: "put in the place of damage",
}


def count(number: int, what: str) -> str:
    """`1 user`, `2,000 users`, `3 batches`."""
    plural = f"{what}es" if what.endswith("ch") else f"{what}s"
    return f"{number:,} {what if number == 1 else plural}"


def print_store(store: StoreInspection, as_json: bool) -> None:
    """Print the store in numbers."""
    if as_json:
        _print_json(store)
        return
    _line("store", f"{store.url} (format {store.format or 'unknown'})")
    if (backup := store.backup) is not None:
        _line("backup", f"of {backup.source}, {count(backup.users, 'user')}")
        _line("", f"begun {backup.begun}, ended {backup.ended}")
    not_counted = "not counted (--users lists them all)"
    _line("users", not_counted if store.users is None else f"{store.users:,} with a snapshot")
    journals = [stream for stream in store.streams if stream.host != SERVER]
    if len(journals) < len(store.streams):
        _line("server", "one runs on this store, or was killed")
    _line("journals", str(len(journals)))
    for journal in journals:
        _print_journal(journal)


def _print_journal(journal: StreamInspection) -> None:
    typer.echo(f"  {journal.host}/{journal.incarnation} ({'fenced' if journal.fenced else 'open'})")
    typer.echo(
        f"    {count(journal.records, 'record')} of {count(journal.users, 'user')} in "
        f"{count(journal.batches, 'batch')}, {journal.bytes:,} bytes"
    )
    if journal.damage:
        typer.echo(f"    DAMAGE {journal.damage}")


def print_user(user: UserInspection, as_json: bool) -> None:
    """Print one user with all rows."""
    if as_json:
        _print_json(user)
        return
    _line("user", user.user_id)
    _line("version", f"{user.version}")
    _line("snapshot", f"version {user.snapshot_version}, {user.snapshot_bytes:,} bytes")
    if user.waiting:
        _line("journal", f"{count(len(user.waiting), 'turn')} that no snapshot has yet")
    for turn in user.waiting:
        typer.echo(f"  version {turn.version} by command {turn.command_id}")
        typer.echo(f"    in {turn.place}")
    if user.account_pages:
        _line("history", f"{count(user.account_pages, 'page')} before rows.history")
    _line("receipts", f"{len(user.receipts)}")
    for receipt in user.receipts[: -RECEIPTS_SHOWN - 1 : -1]:
        typer.echo(f"  {receipt.command_id} (version {receipt.version})")
    if older := len(user.receipts[:-RECEIPTS_SHOWN]):
        typer.echo(f"  and {older} older (--json has all)")
    _line("rows", "")
    typer.echo(msgspec.json.format(msgspec.json.encode(user.rows), indent=2))


def print_verified(verified: Verified, as_json: bool) -> None:
    """Print every damage on a line, and what was read."""
    if as_json:
        _print_json(verified)
        return
    for damage in verified.damages:
        typer.echo(f"DAMAGE {damage}")
    read = ", ".join(
        [
            count(verified.users, "user"),
            count(verified.streams, "journal"),
            count(verified.records, "journalled record"),
        ]
    )
    damages = count(len(verified.damages), "damage")
    verdict = f"{damages} found" if verified.damages else "no damage"
    typer.echo(f"{verified.url}: {verdict} in {read}.")


def print_outcomes(url: str, outcomes: list[ImportOutcome], as_json: bool) -> None:
    """Print what became of the users, and who was skipped or repaired."""
    counts = Counter(done.outcome for done in outcomes)
    skipped = [done.user_id for done in outcomes if done.outcome is Outcome.SKIPPED]
    repaired = [done.user_id for done in outcomes if done.outcome is Outcome.REPAIRED]
    if as_json:
        numbers: dict[str, Any] = {outcome.value: counts[outcome] for outcome in Outcome}
        _print_json({"url": url, "users": numbers, "skipped": skipped, "repaired": repaired})
        return
    for user_id in skipped:
        typer.echo(f"{user_id}: skipped, as new or newer in the store (--replace overwrites)")
    for user_id in repaired:
        typer.echo(f"{user_id}: was damaged; what came after the backup is lost")
    parts = [f"{number:,} {_OUTCOMES[outcome]}" for outcome, number in sorted(counts.items())]
    typer.echo(f"{url}: {count(len(outcomes), 'user')}: {', '.join(parts) or 'nothing to do'}.")


def print_backup(url: str, summary: BackupSummary, as_json: bool) -> None:
    """Print how many users were copied, and who was not."""
    for damage in summary.damages:
        typer.echo(f"DAMAGE {damage}", err=True)
    if as_json:
        _print_json({"url": url, **msgspec.to_builtins(summary.manifest)})
        return
    damaged = count(len(summary.damages), "damaged user")
    left_out = f" {damaged} left out." if summary.damages else ""
    typer.echo(f"{url}: {count(summary.manifest.users, 'user')} copied.{left_out}")


def print_deleted(url: str, user: str, was_stored: bool, as_json: bool) -> None:
    """Print whether there was anything to delete."""
    if as_json:
        _print_json({"url": url, "user_id": user, "deleted": was_stored})
        return
    state = f"nothing of {user} is left" if was_stored else f"nothing was stored of {user}"
    typer.echo(f"{url}: {state}. Backups and exports are files of their own.")


def _line(name: str, value: str) -> None:
    typer.echo(f"{name:<10}{value}".rstrip())


def _print_json(value: object) -> None:
    typer.echo(msgspec.json.format(msgspec.json.encode(value), indent=2))
