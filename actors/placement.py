"""Placement: which host a user belongs to.  Pure; the same answer in every process and for ever.

`dedicated`: a host of their own for every user.  `packed`: `hosts` long-lived hosts, each with the
users whose hash falls to it.
"""

from zlib import crc32


def dedicated_host(user_id: str) -> str:
    """The host of one user alone."""
    return f"user:{user_id}"


def slot_of(user_id: str, hosts: int) -> int:
    """Which of `hosts` packed hosts the user belongs to, from 0."""
    return crc32(user_id.encode()) % hosts


def packed_host(slot: int) -> str:
    """The name of a packed host."""
    return f"users:{slot}"
