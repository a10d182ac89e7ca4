"""The outbox of a program that may be killed at any moment: a file that is only added to.

Not for: sending (`outbox_child`).
"""

import json
import os
from pathlib import Path
from typing import Any

Frame = dict[str, Any]


class OutboxFile:
    """What was sent under which id and `since`, and how it ended.

    Attributes:
        sent: every command ever sent, in order.
        ends: by id, `reply` or the code of a refusal.
    """

    def __init__(self, path: Path) -> None:
        self.sent: list[Frame] = []
        self.ends: dict[str, str] = {}
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND)
        self._at = 0
        self._rest = b""

    def read(self) -> None:
        """Take in what was written since the last time, by whichever process."""
        while data := os.pread(self._file, 1 << 20, self._at):
            self._at += len(data)
            *lines, self._rest = (self._rest + data).split(b"\n")
            for line in lines:
                kind, content = json.loads(line)
                if kind == "send":
                    self.sent.append(content)
                else:
                    self.ends[content[0]] = content[1]

    def unanswered(self) -> list[Frame]:
        """The commands that have no end, in their old order."""
        return [frame for frame in self.sent if frame["command_id"] not in self.ends]

    def send(self, frame: Frame) -> None:
        """This is about to be sent."""
        self._write("send", frame)

    def end(self, command_id: str, how: str) -> None:
        """This was answered."""
        self._write("end", [command_id, how])

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._file)

    def _write(self, kind: str, content: Any) -> None:
        # One write for each line: whoever is killed leaves whole lines, and what was written stays.
        os.write(self._file, json.dumps([kind, content]).encode() + b"\n")
