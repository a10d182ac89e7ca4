"""Frames as a server would send them: one small user whose only change is experience.

Each version adds 10 experience, so that what a client shows tells which versions it has applied.
"""

from typing import Any

Frame = dict[str, Any]
PER_VERSION = 10
LIMITS = {"frame_bytes": 65_536, "list": 100, "unanswered": 64, "watched": 50_000, "receipts": 128}
PING_MS = 20_000
AT = 1_795_325_000_000_000


def welcome(**more: Any) -> Frame:
    """The first frame of a connection."""
    fields = {"connection": "c-1", "now": AT, "role": "player", "rules": "r-1"}
    expiry = {"token_expires_at": AT + 3_600_000_000}
    return {"type": "welcome", **fields, "ping_ms": PING_MS, **expiry, "limits": LIMITS, **more}


def state(version: int, era: str = "e1", why: str = "first", user: str = "", **more: Any) -> Frame:
    """Everything shown at one version."""
    rows: Frame = {
        "player_progression": progression(version),
        "chapter_progression": [],
        "quest_record": [quest(f"q-{number}") for number in (1, 2)],
        "battle_state": [],
        "inventory": {"potion": version},
        "wallet": {},
        "affinity": {},
    }
    return _of(user, {"type": "state", "era": era, "version": version, "why": why, **rows, **more})


def changes(version: int, command_id: str = "", user: str = "", **rows: Any) -> Frame:
    """What somebody else's command changed."""
    body = {"command_id": command_id or f"foreign-{version}", "changes": row_changes(version, rows)}
    return _of(user, {"type": "changes", "version": version, **body, "events": events(version)})


def nothing_shown(first: int, version: int, user: str = "") -> Frame:
    """Versions of which a filter leaves nothing."""
    return _of(user, {"type": "changes", "from": first, "version": version})


def caught_up(version: int, user: str = "") -> Frame:
    """From here on it is live."""
    return _of(user, {"type": "caught_up", "version": version})


def reply(command: Frame, version: int, *, replayed: bool = False, **rows: Any) -> Frame:
    """The answer to a command that was taken."""
    body = {"command_id": command["command_id"], "version": version, "replayed": replayed}
    changed = {"changes": row_changes(version, rows), "events": events(version)}
    return _of(command.get("user_id", ""), {"type": "reply", **body, **changed})


def problem(command: Frame, code: str, retry: str = "new", status: int = 409, **more: Any) -> Frame:
    """The answer to a command that was refused."""
    named = {"command_id": command["command_id"], "code": code, "retry": retry, "status": status}
    text = {"type": "problem", "title": code.replace("_", " "), "detail": "as the case wants it"}
    return _of(command.get("user_id", ""), {**text, **named, **more})


def progression(version: int) -> Frame:
    """The progression row at one version."""
    experience = version * PER_VERSION
    return {
        "user_id": "alice",
        "level": 1,
        "current_level_xp": experience,
        "total_xp": experience,
        "xp_to_next_level": 100_000 - experience,
        "pending_level_ups": 0,
        "last_granted_source": "service",
        "created_at": AT,
        "updated_at": AT + version,
    }


def quest(quest_id: str, status: str = "active") -> Frame:
    """One quest without objectives."""
    return {
        "quest_id": quest_id,
        "user_id": "alice",
        "chapter_id": None,
        "status": status,
        "objectives": [],
        "reward": {"experience": PER_VERSION},
        "created_at": AT,
        "updated_at": AT,
    }


def row_changes(version: int, rows: Frame) -> Frame:
    """The rows that one version changes."""
    return {"player_progression": progression(version), "inventory": {"potion": version}, **rows}


def events(version: int) -> list[Frame]:
    """What one version tells; its number is in `planned`, so that each can be told apart."""
    granted = {"type": "experience_granted", "source": "service", "amount": PER_VERSION}
    return [{**granted, "planned": version}]


def _of(user: str, frame: Frame) -> Frame:
    return {**frame, "user_id": user} if user else frame
