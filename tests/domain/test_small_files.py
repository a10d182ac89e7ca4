"""Files that people name: only regular ones of some megabytes are read, everything else is said."""

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from domain.small_files import FILE_BYTES_MAX, Unreadable, read_bytes, read_text


def too_large(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 40)  # a hole, which takes no room


def a_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(os.fspath(path))


UNREADABLE: list[tuple[str, Callable[[Path], object], str]] = [
    ("pipe", os.mkfifo, "it is a pipe, expected a file"),
    ("folder", Path.mkdir, "it is a folder, expected a file"),
    ("socket", a_socket, "it is a socket, expected a file"),
    ("device", lambda path: path.symlink_to("/dev/zero"), "it is a device, expected a file"),
    ("missing", lambda path: None, "No such file or directory"),
    ("loop", lambda path: path.symlink_to(path), "Too many levels of symbolic links"),
    ("large", too_large, f"it has more than {FILE_BYTES_MAX:,} bytes"),
    ("latin-1", lambda path: path.write_bytes(b"\xe4"), "it is not UTF-8"),
]


@pytest.mark.parametrize(
    ("make", "reason"), [case[1:] for case in UNREADABLE], ids=[case[0] for case in UNREADABLE]
)
def test_what_cannot_be_read_is_said_without_waiting(
    tmp_path: Path, make: Callable[[Path], object], reason: str
) -> None:
    path = tmp_path / "file"
    make(path)
    with pytest.raises(Unreadable) as raised:
        read_text(path)
    assert str(raised.value) == f"{path} cannot be read: {reason}"


def test_a_file_of_just_the_size_is_read_and_links_are_followed(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x" * 10)
    (tmp_path / "link").symlink_to("file")
    assert read_bytes(tmp_path / "link", 10) == b"x" * 10
    with pytest.raises(Unreadable, match="more than 9 bytes"):
        read_bytes(tmp_path / "link", 9)
